"""What is known of going back: `checks/knowledge/rollback.yaml`, loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from readiness.facts.delivery.commands import Command
from readiness.facts.failures.resilience import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml


@dataclass(frozen=True, slots=True)
class RollbackKnowledge:
    """Readers of configuration, registries of prompts, tags that never move, and commands that release or go back."""

    readers: Symbols
    registries: Symbols
    immutable: re.Pattern[str]
    commands: tuple[tuple[str, ...], ...]
    guarded: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    publishing: tuple[tuple[str, ...], ...]
    actions: frozenset[str]
    strategies: frozenset[str]

    def goes_back(self, command: Command) -> bool:
        """Whether a command undoes a release, or makes one that undoes itself when it fails."""
        words = (command.program, *command.arguments)
        if any(words[: len(known)] == known for known in self.commands):
            return True
        return any(
            words[: len(known)] == known and any(w.partition("=")[0] in options for w in words)
            for known, options in self.guarded
        )

    def publishes(self, command: Command) -> bool:
        """Whether a command puts a release somewhere."""
        words = (command.program, *command.arguments)
        return any(words[: len(known)] == known for known in self.publishing)


@cache
def load_rollback(file: Path | None = None) -> RollbackKnowledge:
    """Read `rollback.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "rollback.yaml"
    data: Any = read_yaml(path)
    try:
        return RollbackKnowledge(
            readers=Symbols(data["readers"]),
            registries=Symbols(data["registries"]),
            immutable=re.compile(data["immutable"]),
            commands=tuple(tuple(words) for words in data["commands"]),
            guarded=tuple((tuple(one["words"]), tuple(one["options"])) for one in data["guarded"]),
            publishing=tuple(tuple(text.split()) for text in data["publishing"]),
            actions=frozenset(data["actions"]),
            strategies=frozenset(data["strategies"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise KnowledgeError(path.name, "entries", str(error)) from error
