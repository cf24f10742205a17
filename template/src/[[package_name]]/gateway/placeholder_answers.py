"""What the placeholder writes: sentences of the passages that share words with the question, with their ids."""

import json
import re
from collections import Counter
from html import unescape

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
