"""When two questions may share an answer: the same scope, and the same words that matter."""

import re
from dataclasses import astuple, dataclass
from hashlib import sha256
from typing import Protocol

from ..answering.answer import Answer

MOST_PER_TENANT = 5_000
_FILLER = re.compile("an?|the|please|kindly|i|me|my|we|us|our|you|your|it|its|is|are|am|do|does|hello|thanks")
_ORDERS = re.compile(r"\b(from|to|before|after|than|instead|into|between|over|under|by)\b")


@dataclass(frozen=True, slots=True)
class CacheScope:
    """Where an answer holds: another tenant, prompt, data version or model has its own."""

    tenant: str
    prompt_version: str
    data_version: str
    model: str

    @property
    def key(self) -> str:
        """A short name of the scope."""
        return sha256("\x1f".join(astuple(self)).encode()).hexdigest()[:32]


class AnswerCache(Protocol):
    """Remembers answers for a while; only good ones belong in it."""

    async def lookup(self, scope: CacheScope, question: str) -> Answer | None:
        """The answer to this question, or to one that asks the same."""

    async def store(self, scope: CacheScope, question: str, answer: Answer) -> None:
        """Remember an answer; one that is no plain answer is not kept."""

    async def close(self) -> None:
        """Let go of files and connections."""


def fingerprint(question: str) -> str:
    """The words that carry the meaning, without politeness, endings and order, unless the order matters.

    Lexical distance alone would take E12 for E13, a washer for a dryer and "not covered" for "covered": two questions
    share an answer only when their fingerprints are equal. With an embedding that knows meaning, loosen this.
    """
    words = re.findall(r"[^\W_]+(?:[-.,/][^\W_]+)*", question.casefold().replace("n't", " not").replace("n’t", " not"))
    told = [_stem(word) for word in words if not _FILLER.fullmatch(word)]
    return " ".join(told if _ORDERS.search(question.casefold()) else sorted(told))


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.isalpha() and word.endswith("s") and not word.endswith("ss") else word
