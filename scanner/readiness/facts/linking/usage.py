"""Families of symbols that tell a kind of repository by what its code uses: `checks/knowledge/kinds.yaml`, loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml

_FAMILIES = ("retrieval", "comparison", "ingestion", "outbound", "media")


@dataclass(frozen=True, slots=True)
class Family:
    """Symbols by the beginning of their path, by their last name, or by a class on the way."""

    packages: frozenset[str]
    members: frozenset[str]
    classes: frozenset[str]
    endings: tuple[str, ...]
    """Those classes that are patterns (`*Retriever`)."""

    def has_any(self, paths: Iterable[str]) -> bool:
        """Whether a canonical path among these belongs to the family."""
        return any(self._has(path) for path in paths)

    def _has(self, path: str) -> bool:
        names = path.replace("()", "").replace("[]", "").split(".")
        if names[-1] in self.members or not self.classes.isdisjoint(names):
            return True
        prefix = ""
        for name in names:
            prefix = f"{prefix}.{name}" if prefix else name
            if prefix in self.packages:
                return True
        return any(fnmatchcase(name, ending) for ending in self.endings for name in names)


@dataclass(frozen=True, slots=True)
class Usage:
    """All families."""

    retrieval: Family
    comparison: Family
    ingestion: Family
    outbound: Family
    media: Family


@cache
def load_usage(file: Path) -> Usage:
    """Read `kinds.yaml`. Raises `KnowledgeError` where a family is missing or of another shape."""
    data: Any = read_yaml(file)
    try:
        return Usage(**{name: _family(data[name]) for name in _FAMILIES})
    except (KeyError, TypeError, AttributeError) as error:
        raise KnowledgeError(file.name, "families", f"must have {', '.join(_FAMILIES)} ({error})") from error


def _family(entry: dict[str, list[str]]) -> Family:
    classes = entry.get("classes", [])
    return Family(
        packages=frozenset(entry.get("packages", ())),
        members=frozenset(entry.get("members", ())),
        classes=frozenset(name for name in classes if "*" not in name),
        endings=tuple(name for name in classes if "*" in name),
    )
