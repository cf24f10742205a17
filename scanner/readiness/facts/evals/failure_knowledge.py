"""What is known of simulated failures: `checks/knowledge/simulated-failures.yaml`, loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml

_NAMES = ("raising", "throwing", "statuses", "responses", "switches")
KINDS = ("timeout", "overload", "malformed", "outage")


@dataclass(frozen=True, slots=True)
class FailureKnowledge:
    """Exceptions by kind of failure, and where tests put an exception or a status."""

    kinds: tuple[tuple[str, re.Pattern[str]], ...]
    ignored: re.Pattern[str]
    raising: frozenset[str]
    throwing: frozenset[str]
    statuses: frozenset[str]
    responses: frozenset[str]
    switches: frozenset[str]

    def kind_of(self, names: list[str]) -> str:
        """The kind of an exception by its own name and those of its bases; "generic" for any other, "" for none."""
        if not names or self.ignored.fullmatch(names[0]):
            return ""
        for name in names:
            for kind, pattern in self.kinds:
                if pattern.fullmatch(name):
                    return kind
        return "generic"


@cache
def load_failures(file: Path | None = None) -> FailureKnowledge:
    """Read `simulated-failures.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "simulated-failures.yaml"
    data: Any = read_yaml(path)
    try:
        return FailureKnowledge(
            kinds=tuple((kind, re.compile(data["kinds"][kind])) for kind in KINDS),
            ignored=re.compile(data["ignored"]),
            **{name: frozenset(data[name]) for name in _NAMES},
        )
    except (KeyError, TypeError, AttributeError, re.error) as error:
        raise KnowledgeError(path.name, "entries", str(error)) from error
