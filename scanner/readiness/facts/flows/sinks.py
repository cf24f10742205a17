"""What is known of functions that read, check or run text: `checks/knowledge/sinks.yaml`, loaded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.facts.sdks.symbols import as_expression, expand

T = TypeVar("T")
_FAMILIES = (
    "same", "parses", "loose_parsers", "checked_parsers", "tool_parsers", "text_parsers", "validators", "models",
    "searches", "replacements", "tools",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Execution:
    """A function that runs what it is given.

    `what` it runs, in words. `arguments` are its parameters in order, the first of which is run. `narrowed_by` are
    parameters that limit what the code may reach, `safe_with` values that make it harmless, `sandboxed_with` keywords
    that move it elsewhere. `fixed_program` tells that a list of arguments behind a constant first one is parameterised.
    """

    what: str
    arguments: tuple[str, ...] = ()
    narrowed_by: tuple[str, ...] = ()
    safe_with: tuple[str, ...] = ()
    sandboxed_with: tuple[str, ...] = ()
    fixed_program: bool = False
    sandboxed: bool = False


class SymbolTable(Generic[T]):
    """Symbols, exact ones and patterns with stars, and what is known of each."""

    def __init__(self) -> None:
        self._exact: dict[str, T] = {}
        self._patterns: list[tuple[re.Pattern[str], T]] = []

    def add(self, symbols: Iterable[str], value: T) -> None:
        """Enter symbols; the first entry of a symbol holds."""
        for pattern in symbols:
            if "*" in pattern:
                self._patterns.append((re.compile(as_expression(pattern)), value))
            else:
                for symbol in expand(pattern):
                    self._exact.setdefault(symbol, value)

    def symbols(self) -> Iterator[str]:
        """The exact symbols."""
        return iter(self._exact)

    def find(self, path: str) -> T | None:
        """What is known of a canonical path."""
        found = self._exact.get(path)
        if found is not None:
            return found
        return next((value for pattern, value in self._patterns if pattern.fullmatch(path)), None)


@dataclass(slots=True)
class SinkKnowledge:
    """All of `sinks.yaml`: which family a symbol belongs to, and how the executing ones run what they get."""

    families: SymbolTable[str] = field(default_factory=SymbolTable)
    executions: SymbolTable[Execution] = field(default_factory=SymbolTable)
    ready_made: SymbolTable[Execution] = field(default_factory=SymbolTable)
    tools: SymbolTable[str] = field(default_factory=SymbolTable)

    def is_tool(self, path: str) -> bool:
        """Whether a decorator, or a constructor's path with `()`, makes a tool."""
        return self.tools.find(path) is not None


@cache
def load_sinks(file: Path | None = None) -> SinkKnowledge:
    """Read `sinks.yaml` (by default the one that comes with the package).

    Raises `KnowledgeError` where it is not of the expected shape.
    """
    path = file or knowledge_folder() / "sinks.yaml"
    found = SinkKnowledge()
    try:
        data = read_yaml(path)
        for family in _FAMILIES:
            (found.tools if family == "tools" else found.families).add(_texts(data[family]), family)
        for entry in data["executes"]:
            found.executions.add(_texts(entry["symbols"]), _execution(entry))
        for entry in data["runs_model_output"]:
            found.ready_made.add(_texts(entry["symbols"]), _execution(entry))
    except (KeyError, TypeError, ValueError) as error:
        raise KnowledgeError(path.name, "families", f"{type(error).__name__}: {error}") from error
    return found


def _texts(value: Any) -> Iterator[str]:
    for item in [value] if isinstance(value, str) else value:
        if not isinstance(item, str):
            raise TypeError(f"{item!r} is no text")
        yield item


def _execution(entry: dict[str, Any]) -> Execution:
    lists = {k: tuple(_texts(entry.get(k, ()))) for k in ("arguments", "narrowed_by", "safe_with", "sandboxed_with")}
    return Execution(entry["what"], **lists, fixed_program=bool(entry.get("fixed_program")),
                     sandboxed=bool(entry.get("sandboxed")))  # fmt: skip
