"""What is known of running notebooks: `checks/knowledge/notebooks.yaml`, loaded."""

from __future__ import annotations

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
class NotebookRunners:
    """Commands and symbols that run notebooks, packages that import them, and what saves a trained model."""

    commands: tuple[tuple[str, ...], ...]
    symbols: Symbols
    packages: frozenset[str]
    """The packages of those symbols."""
    hooks: frozenset[str]
    savers: Symbols

    def runs(self, command: Command) -> bool:
        """Whether a command runs a notebook, or makes a program of one: `jupyter nbconvert --execute train.ipynb`."""
        words = (command.program, *command.arguments)
        return any(word.endswith(".ipynb") or "$" in word for word in words) and any(
            words[0] == wanted[0] and _in_order(wanted[1:], words[1:]) for wanted in self.commands
        )


def _in_order(wanted: tuple[str, ...], words: tuple[str, ...]) -> bool:
    rest = iter(part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word]))
    return all(any(one == word for one in rest) for word in wanted)


@cache
def load_notebook_runners(file: Path | None = None) -> NotebookRunners:
    """Read `notebooks.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "notebooks.yaml"
    data: Any = read_yaml(path)
    try:
        commands = tuple(tuple(str(word) for word in words) for words in data["commands"])
        if not all(commands):
            raise ValueError("a command has no word")
        packages = frozenset(symbol.partition(".")[0] for symbol in data["symbols"])
        hooks = frozenset(data["hooks"])
        return NotebookRunners(commands, Symbols(data["symbols"]), packages, hooks, Symbols(data["savers"]))
    except (KeyError, TypeError, ValueError) as error:
        raise KnowledgeError(path.name, "entries", str(error)) from error
