"""What is known of prompts that grow: `growing-prompts.yaml`, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.inputs.request_knowledge import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml


@dataclass(frozen=True, slots=True)
class GrowingKnowledge:
    """What `growing-prompts.yaml` says; the names are its keys, those of memories with `memory_` before them."""

    documents: Symbols
    files: Symbols
    default_documents: int
    counts: frozenset[str]
    memory_all: Symbols
    memory_turns: Symbols
    memory_tokens: Symbols
    keepers: Symbols
    keeper_arguments: frozenset[str]
    counters: Symbols
    splitters: frozenset[str]
    always_fits: int
    indexed: Symbols
    own_searches: frozenset[str]
    continued: frozenset[str]
    removers: Symbols


@cache
def load_growing(file: Path | None = None) -> GrowingKnowledge:
    """Read `growing-prompts.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "growing-prompts.yaml"
    try:
        data = read_yaml(path)
        memories = data["memories"]
        return GrowingKnowledge(
            Symbols.of(data["documents"]), Symbols.of(data["files"]), int(data["default_documents"]),
            frozenset(data["counts"]), Symbols.of(memories["all"]), Symbols.of(memories["turns"]),
            Symbols.of(memories["tokens"]), Symbols.of(data["keepers"]), frozenset(data["keeper_arguments"]),
            Symbols.of(data["counters"]), frozenset(data["splitters"]), int(data["always_fits"]),
            Symbols.of(data["indexed"]), frozenset(data["own_searches"]),
            frozenset(data["continued"]), Symbols.of(data["removers"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise KnowledgeError(path.name, "the file", str(error)) from error
