"""What is known of the kinds of hard cases: `edge-cases.yaml`, loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml

_FIELDS = ("tag_keys", "name_keys", "flag_keys", "negative_flags", "named")
_PARTS = ("tags", "texts", "answers")
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class EdgeKnowledge:
    """The fields that say what a case is about, and the words for each kind, per part of a record they stand in."""

    tag_keys: frozenset[str]
    name_keys: frozenset[str]
    flag_keys: frozenset[str]
    negative_flags: frozenset[str]
    named: frozenset[str]
    """The kinds that a mere name may tell."""
    words: dict[str, tuple[tuple[str, re.Pattern[str]], ...]]
    long: int

    def kinds(self, part: str, text: str) -> Iterator[str]:
        """The kinds that a text in one part of a record (tags, texts, answers) speaks of."""
        folded = re.sub(r"[\s\-]+", "_", text[:_LONGEST].lower())
        return (kind for kind, words in self.words[part] if words.search(folded))


@cache
def load_edge_cases(file: Path | None = None) -> EdgeKnowledge:
    """Read `edge-cases.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "edge-cases.yaml"
    data = read_yaml(path)
    try:
        known = {name: frozenset(str(key) for key in data[name]) for name in _FIELDS}
        kinds = {str(kind): dict(parts) for kind, parts in data["kinds"].items()}
        if unknown := {part for parts in kinds.values() for part in parts} - set(_PARTS):
            raise ValueError(f"`{min(unknown)}` is none of {', '.join(_PARTS)}")
        words = {
            part: tuple((kind, re.compile(parts[part])) for kind, parts in kinds.items() if part in parts)
            for part in _PARTS
        }
        return EdgeKnowledge(**known, words=words, long=int(data["long"]))
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise KnowledgeError(path.name, "entries", str(error)) from error
