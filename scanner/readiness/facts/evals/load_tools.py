"""What is known of load tools: `checks/knowledge/load-tools.yaml`, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from readiness.facts.failures.resilience import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml


@dataclass(frozen=True, slots=True)
class LoadScript:
    """A kind of file that puts load on something: told by a text in it; one of `targets` says what must hold."""

    tool: str
    suffixes: tuple[str, ...]
    marks: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LoadTools:
    """Locust's users with the verbs they ask by, other tools' files, and commands by their first words."""

    users: Symbols
    verbs: frozenset[str]
    exit: str
    options: tuple[str, ...]
    scripts: tuple[LoadScript, ...]
    commands: tuple[tuple[str, ...], ...]
    servers: tuple[tuple[str, ...], ...]


@cache
def load_load_tools(file: Path | None = None) -> LoadTools:
    """Read `load-tools.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "load-tools.yaml"
    data: Any = read_yaml(path)
    try:
        locust = data["locust"]
        return LoadTools(
            users=Symbols(locust["users"]),
            verbs=frozenset(locust["verbs"]),
            exit=str(locust["exit"]),
            options=tuple(locust["options"]),
            scripts=tuple(
                LoadScript(one["tool"], tuple(one["suffixes"]), tuple(one["marks"]), tuple(one["targets"]))
                for one in data["scripts"]
            ),
            commands=tuple(tuple(words) for words in data["commands"]),
            servers=tuple(tuple(words) for words in data["servers"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KnowledgeError(path.name, "entries", str(error)) from error
