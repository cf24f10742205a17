"""What the placeholder writes, and the ways in which it fails on demand: "timeout:0.02,rate_limit:0.05"."""

import json
import random
import re
from collections import Counter
from collections.abc import Mapping
from html import unescape

from pydantic_ai.exceptions import ModelHTTPError, ModelRateLimitError, ModelUnavailableError

FAULTS = ("timeout", "rate_limit", "server_error", "malformed", "truncated", "refusal", "hallucinated_citation")

_PASSAGE = re.compile(r'<passage id="(?P<id>[^"]*)" title="(?P<title>[^"]*)">\n?(?P<text>.*?)</passage>', re.DOTALL)
_QUESTION = re.compile(r"<question>\n?(.*?)</question>", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_FILLER = re.compile(
    "a|about|after|all|also|an?d?|any|are|as|at|be|been|but|by|can|could|did|do|does|for|from|get|has|have|how|if|in|is|"
    "it|its|like|long|many|may|me|much|must|my|need|no|not|of|on|or|our|please|should|so|some|tell|than|that|the|their|"
    "them|then|there|they|this|to|us|want|was|we|were|what|when|where|which|who|why|will|with|would|you|your|i|am"
)
_NO_ANSWER = "The documents do not answer this question."
_MOST_SENTENCES = 3


def parse_faults(spec: str) -> dict[str, float]:
    """Read the share of calls for each fault.

    Raises:
        ValueError: a fault is unknown, or the shares are no shares or more than 1 together.
    """
    shares: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in spec.split(","))):
        found = re.fullmatch(r"(\w+)\s*:\s*([01]?\.?\d*)", part)
        if not found or found[1] not in FAULTS or not found[2].strip("."):
            raise ValueError(
                f"PLACEHOLDER_FAULTS has {part!r}: write name:share with a share from 0 to 1, such as timeout:0.02, "
                f"separated by commas. The faults are {', '.join(FAULTS)}."
            )
        shares[found[1]] = float(found[2])
    if sum(shares.values()) > 1.000001:
        raise ValueError(f"PLACEHOLDER_FAULTS {spec!r}: the shares add up to more than 1; make them smaller.")
    return shares


def draw(shares: Mapping[str, float], chance: random.Random) -> str | None:
    """The fault of this call, if it has one."""
    none = max(0.0, 1.0 - sum(shares.values()))
    return chance.choices([*shares, None], [*shares.values(), none])[0]


def http_error(fault: str | None, model: str, wait_s: float) -> ModelHTTPError | None:
    """What a provider's library raises for the fault, if it raises anything."""
    if fault == "rate_limit":
        headers = {"retry-after": f"{wait_s:g}"}
        return ModelHTTPError.for_category(ModelRateLimitError, status_code=429, model_name=model, headers=headers)
    if fault == "server_error":
        return ModelHTTPError.for_category(ModelUnavailableError, status_code=503, model_name=model)
    return None


def question_of(user_prompt: str) -> str:
    """The question in a rendered user prompt; the whole of it when it has no question block."""
    found = _QUESTION.findall(user_prompt)
    return unescape((found[-1] if found else user_prompt).strip())


def extract(user_prompt: str) -> dict[str, object]:
    """A draft made of the passages' own sentences, the ones that cover most of the question's words."""
    missing = _words(question_of(user_prompt))
    sentences = [
        (passage["id"], unescape(sentence.strip()), _words(sentence), _words(passage["title"]))
        for passage in _PASSAGE.finditer(user_prompt)
        for sentence in _SENTENCE.split(passage["text"])
        if sentence.strip()
    ]
    rarity = Counter(word for _, _, words, _ in sentences for word in words)
    chosen: list[tuple[str, str]] = []
    while len(chosen) < _MOST_SENTENCES:
        scored = [
            (sum(1 / rarity[word] for word in missing & words) + 0.1 * len(missing & title), -place)
            for place, (_, _, words, title) in enumerate(sentences)
        ]
        best, place = max(scored, default=(0.0, 0))
        if best <= (0.05 if not chosen else 0.1):
            break
        source, sentence, words, title = sentences[-place]
        chosen.append((source, sentence))
        missing = missing - words - title
    if not chosen:
        return {"answered": False, "answer": _NO_ANSWER, "citations": []}
    text = " ".join(sentence for _, sentence in chosen)
    return {"answered": True, "answer": text, "citations": list(dict.fromkeys(source for source, _ in chosen))}


def misshape(draft: dict[str, object], fault: str | None) -> str:
    """The draft as the model's text, spoilt as the fault has it."""
    if fault == "hallucinated_citation":
        draft = {**draft, "answered": True, "citations": ["no-such-passage"]}
    text = json.dumps(draft, ensure_ascii=False)
    if fault == "malformed":
        return str(draft)  # Python's own quotes: the classic of a model that saw too much Python
    if fault == "refusal":
        return "I cannot help with that request."
    return text[: len(text) * 3 // 5] if fault == "truncated" else text


def _words(text: str) -> frozenset[str]:
    words = re.findall(r"[^\W_]+", unescape(text).casefold())
    return frozenset(_stem(word) for word in words if not _FILLER.fullmatch(word))


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word
