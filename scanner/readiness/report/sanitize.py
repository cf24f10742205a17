"""Text from a repository, made safe to show on one line of a terminal.

A path or a line of source can hold escape sequences that recolour, move or rewrite what the reader sees, and marks that
turn the reading direction. They are shown, as visible escapes, never sent.
"""

from __future__ import annotations

import re
import unicodedata

# Controls, formats (bidi overrides, zero-width marks), surrogates, private and unassigned code points, line separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# Marks that change how wide their neighbour is drawn (variation selectors, skin tones, flags): the width of a line must
# be known before it is sent.
_WIDTH_CHANGING = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\U0001f3fb-\U0001f3ff\U0001f1e6-\U0001f1ff]")
_NAMES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPACE = re.compile(r"\s+")


def clean(text: str, encoding: str = "utf-8") -> str:
    """The text with every character that is not plainly visible written as an escape (`\\x1b`, `\\u202e`).

    Characters that `encoding` cannot carry are written the same way, so that the width of a line is known before it
    is sent.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = "".join(_visible(character) for character in text)
    return shown.encode(encoding, "backslashreplace").decode(encoding)


def one_line(text: str, encoding: str = "utf-8") -> str:
    """A message as one line: runs of white space become one space, then `clean`."""
    return clean(_SPACE.sub(" ", text).strip(), encoding)


def source_line(text: str, encoding: str = "utf-8") -> str:
    """A line of source: tabs keep their width, the rest is `clean`."""
    return clean(text.rstrip("\r\n").expandtabs(4).rstrip(" "), encoding)


def cut(text: str, most: int) -> str:
    """The beginning of a text, visibly cut where it is longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def is_hidden(character: str) -> bool:
    """Whether a character is not plainly visible: a control, a mark of direction, half a surrogate pair."""
    return unicodedata.category(character) in _HIDDEN


def _visible(character: str) -> str:
    if character.isprintable() and character.isascii():
        return character
    if not is_hidden(character) and not _WIDTH_CHANGING.match(character):
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8, as Python keeps it in a path
        return f"\\x{code - 0xDC00:02x}"
    named = _NAMES.get(character)
    if named is not None:
        return named
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
