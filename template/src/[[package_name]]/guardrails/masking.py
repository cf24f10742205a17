"""Personal data, found and replaced by a mark before a text leaves the house or is kept.

Patterns find what has a form, such as addresses and numbers, and no names. A `Masker` that does may take their place.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from datafog.processing.text_processing.regex_annotator import RegexAnnotator


@dataclass(frozen=True, slots=True)
class Found:
    """Personal data at a place in a text; the kind names its mark."""

    kind: str
    start: int
    end: int


class Masker(Protocol):
    """Finds personal data."""

    def find(self, text: str) -> list[Found]:
        """Every piece of personal data, in any order; they may overlap."""


def _card_length(text: str) -> int:
    digits = [int(char) for char in reversed(text) if char.isdecimal()]
    check = sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return len(text) if any(digits) and check % 10 == 0 else 0


def _iban_length(text: str) -> int:
    """How much of the text is an IBAN with correct check digits: the pattern may have caught the words after it."""
    for end in range(len(text), 14, -1):
        compact = re.sub(r"[ -]", "", text[:end])
        number = "".join(str(int(char, 36)) for char in compact[4:] + compact[:4])
        if len(compact) > 14 and text[end - 1].isalnum() and int(number) % 97 == 1:
            return end
    return 0


# datafog also takes any date and any five digits for personal; its cards are unchecked, its IBANs German.
_NATIONAL = ("SSN", "DE_TAX_ID", "DE_SOCIAL_SECURITY_NUMBER", "DE_PASSPORT_NUMBER", "DE_RESIDENCE_PERMIT_NUMBER")
_KINDS = {"EMAIL": "E-MAIL", "PHONE": "PHONE", "IP_ADDRESS": "IP-ADDRESS"} | dict.fromkeys(_NATIONAL, "NATIONAL-ID")
_IBAN = r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{1,4}){3,8}(?![A-Za-z0-9])"
_OURS: list[tuple[str, re.Pattern[str], Callable[[str], int]]] = [
    ("CARD", re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)"), _card_length),
    ("IBAN", re.compile(_IBAN, re.ASCII), _iban_length),
    ("PHONE", re.compile(r"(?<![\w+])(?:\(0\d{1,4}\)|0\d{2,4})[ /.-]?\d{3,4}(?:[ .-]?\d{2,4}){1,3}(?!\w)"), len),
]


class PatternMasker:
    """datafog's patterns, and those it lacks: any country's IBAN, cards with their check digit, national telephones."""

    def __init__(self) -> None:
        self._datafog = RegexAnnotator(locales=["de"])

    def find(self, text: str) -> list[Found]:
        """Every piece of personal data that has a form."""
        spans = self._datafog.annotate_with_spans(text)[1].spans
        # Nine digits in a row are an order number far more often than an American social security number.
        spans = [span for span in spans if span.label in _KINDS and (span.label != "SSN" or "-" in span.text)]
        found = [Found(_KINDS[span.label], span.start, span.end) for span in spans]
        for kind, pattern, length_of in _OURS:
            lengths = ((match.start(), length_of(match[0])) for match in pattern.finditer(text))
            found += [Found(kind, start, start + length) for start, length in lengths if length]
        return found


def mask(text: str, found: Iterable[Found], *, known: str = "") -> tuple[str, list[str]]:
    """Replace what was found by marks such as [E-MAIL]; returns the text and the kinds that were masked.

    Args:
        known: what stands in here is public and stays, such as the help desk's own number in the documents.
    """
    pieces, kinds, done, public = [], [], 0, _bare(known)
    for item in sorted(found, key=lambda item: (item.start, -item.end)):
        if item.start < done or (public and _bare(text[item.start : item.end]) in public):
            continue
        pieces += [text[done : item.start], f"[{item.kind}]"]
        kinds.append(item.kind)
        done = item.end
    return "".join([*pieces, text[done:]]), kinds


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9@]", "", text.casefold())
