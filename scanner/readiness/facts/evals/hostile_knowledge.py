"""What is known of hostile inputs in tests: `hostile-inputs.yaml`, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.inputs.request_knowledge import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml


@dataclass(frozen=True, slots=True)
class HostileKnowledge:
    """What `hostile-inputs.yaml` says; the names are its keys."""

    generators: Symbols
    red_teams: frozenset[str]
    red_team_commands: tuple[tuple[str, ...], ...]
    huge: int


@cache
def load_hostile(file: Path | None = None) -> HostileKnowledge:
    """Read `hostile-inputs.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "hostile-inputs.yaml"
    try:
        data = read_yaml(path)
        commands = tuple(tuple(str(word) for word in words) for words in data["red_team_commands"])
        return HostileKnowledge(
            Symbols.of(data["generators"]), frozenset(data["red_teams"]), commands,
            int(data["huge"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise KnowledgeError(path.name, "the file", str(error)) from error
