"""A document in passages: short enough to cite, whole sentences where that is possible."""

import re
import textwrap

PASSAGE_CHARACTERS = 500
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def split(text: str, limit: int = PASSAGE_CHARACTERS) -> list[str]:
    """The passages of a text, each at most `limit` characters: paragraphs, then sentences, then words."""
    pieces: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        sentences = [paragraph] if len(paragraph) <= limit else _SENTENCE_END.split(paragraph)
        parts = [part for sentence in sentences for part in textwrap.wrap(sentence, limit)]
        opens = True
        for part in parts:
            joint = "\n\n" if opens else " "
            if pieces and len(pieces[-1]) + len(joint) + len(part) <= limit:
                pieces[-1] += joint + part
            else:
                pieces.append(part)
            opens = False
    return pieces
