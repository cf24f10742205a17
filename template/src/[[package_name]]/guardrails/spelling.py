"""Text as a model would read it: cleaned of what nobody can see, and folded so that a rule meets every spelling."""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from urllib.parse import unquote

# Letters of other alphabets that look like Latin ones.
_LOOK_ALIKES = str.maketrans("аеорсухіјѕһԁԛԝкмтвнαεορνικτυχγηıɡɑ", "aeopcyxijshdqwkmtbhaeopviktuxyniga")
_LEET = str.maketrans("013457@$!|", "oieastasil")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
_TAGS = re.compile("[\U000e0000-\U000e007f]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{20,}={0,2}")
_SPACED_OUT = re.compile(r"(?<!\w)(?:\w[ .\-_*]{1,3}){4,}\w(?!\w)")
_SCANNED = 20_000  # signs; some characters unfold to eighteen others
_JOINERS = "\u200c\u200d"  # Persian and emoji need them


def clean(text: str) -> str:
    """The text in its compatibility form, without control, invisible and direction-changing characters."""
    kept = (char for char in unicodedata.normalize("NFKC", text) if char in "\n\t" + _JOINERS or not _invisible(char))
    return "".join(kept).strip()


def hidden_text(text: str) -> bool:
    """Whether characters that no screen shows spell something; flags are written with them too and are innocent."""
    return bool(_TAGS.search(_FLAG.sub("", text)))


def is_text(text: str) -> bool:
    """Whether it is made of words rather than of signs or of stacked accents."""
    solid = [char for char in text if not char.isspace()]
    words = sum(char.isalnum() for char in solid)
    marks = sum(unicodedata.category(char) == "Mn" for char in solid)
    return words > 0 and (len(solid) < 8 or (words + marks >= 0.4 * len(solid) and marks <= 2 * words))


def fold(text: str) -> str:
    """Small letters without accents, single spaces, nothing invisible: the form in which rules read."""
    seen = "".join(char for char in unicodedata.normalize("NFKC", text) if char.isspace() or not _invisible(char))
    return " ".join(unaccented(seen).casefold().split())


def unaccented(text: str) -> str:
    """The text without its accents."""
    bare = (char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn")
    return unicodedata.normalize("NFC", "".join(bare))


def spellings(text: str) -> set[str]:
    """Every reading on which a rule is tried: look-alike letters, digits for letters, spaced out, encoded, reversed."""
    plain = fold(text)[:_SCANNED]
    latin = plain.translate(_LOOK_ALIKES)
    readings = {plain, latin, latin.translate(_LEET), fold(html.unescape(unquote(text)))}
    readings |= {_SPACED_OUT.sub(lambda run: re.sub(r"[\W_]", "", run[0]), reading) for reading in readings}
    readings |= {plain[::-1], codecs.encode(plain, "rot13")}
    return readings | {fold(decoded) for blob in _BASE64.findall(text) if (decoded := _decoded(blob))}


def _invisible(char: str) -> bool:
    return unicodedata.category(char)[0] == "C" or "\U000e0100" <= char <= "\U000e01ef"


def _decoded(blob: str) -> str:
    body = blob.rstrip("=")
    try:
        text = base64.b64decode(body + "=" * (-len(body) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return text if text.isprintable() else ""
