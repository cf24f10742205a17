"""What is known of searching documents: `checks/knowledge/retrieval.yaml`, loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from readiness.facts.inputs.request_knowledge import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.facts.sdks.symbols import expand

_NAMES = (
    "documents",
    "methods",
    "counts",
    "thresholds",
    "filters",
    "adding",
    "sources",
    "returning_sources",
    "surfaces",
)


@dataclass(frozen=True, slots=True)
class RetrievalKnowledge:
    """Everything `retrieval.yaml` says; `last_names` are the last names of the calls that search."""

    searches: Symbols
    comparisons: Symbols
    rerankers: Symbols
    last_names: frozenset[str]
    documents: frozenset[str]
    methods: frozenset[str]
    counts: frozenset[str]
    thresholds: frozenset[str]
    filters: frozenset[str]
    adding: frozenset[str]
    sources: frozenset[str]
    returning_sources: frozenset[str]
    surfaces: frozenset[str]
    scores: re.Pattern[str]
    owners: re.Pattern[str]
    largest: int
    threshold_search: str


@cache
def load_retrieval(file: Path | None = None) -> RetrievalKnowledge:
    """Read `retrieval.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "retrieval.yaml"
    try:
        data = read_yaml(path)
        names = {s.rpartition(".")[2] for p in (*data["searches"], *data["comparisons"]) for s in expand(p)}
        sets: dict[str, Any] = {name: frozenset(data[name]) for name in _NAMES}
        return RetrievalKnowledge(
            searches=Symbols.of(data["searches"]),
            comparisons=Symbols.of(data["comparisons"]),
            rerankers=Symbols.of(data["rerankers"]),
            **sets,
            last_names=frozenset(names | set(data["methods"])),
            scores=re.compile(data["scores"], re.I),
            owners=re.compile(data["owners"], re.I),
            largest=int(data["largest"]),
            threshold_search=str(data["threshold_search"]),
        )
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise KnowledgeError(path.name, "the file", f"{type(error).__name__}: {error}") from error
