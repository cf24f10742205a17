"""What is known of surviving failures: retriers, waits, breakers, answers (`checks/knowledge/resilience.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from readiness.extract import code
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.symbols import as_expression, expand


@dataclass(frozen=True, slots=True)
class Retrier:
    """One library's way to call again.

    `bounds` are the arguments that end it, `bounding` the values that do (any, where there are none); `waits` is the
    argument that says how long to wait and `growing` the values that grow. `needs`: without this argument nothing is
    retried. `workflow`: the whole job runs again.
    """

    bounded: bool = False
    bounds: tuple[str, ...] = ()
    bounding: frozenset[str] = frozenset()
    waits: str = ""
    growing: frozenset[str] = frozenset()
    grows: bool = False
    needs: str = ""
    workflow: bool = False


class Symbols:
    """A set of canonical paths, in which `**` stands for any names."""

    def __init__(self, patterns: Iterable[str]) -> None:
        exact: set[str] = set()
        self._patterns: list[re.Pattern[str]] = []
        for pattern in patterns:
            for symbol in expand(pattern):
                if "*" in symbol:
                    self._patterns.append(re.compile(as_expression(symbol)))
                else:
                    exact.add(symbol)
        self._exact = frozenset(exact)

    def __contains__(self, path: object) -> bool:
        return path in self._exact or any(p.fullmatch(str(path)) for p in self._patterns)


def stands_for(expression: code.Expression, unit: Unit, resolver: Resolver, symbols: Symbols) -> bool:
    """Whether an expression of a unit can be one of these symbols."""
    return any(isinstance(v, External) and v.path in symbols for v in resolver.values(expression, unit))


@dataclass(frozen=True, slots=True)
class Resilience:
    """The whole file; every field is described there."""

    retriers: dict[str, Retrier]
    sleeps: Symbols
    deadlines: dict[str, str]
    breakers: Symbols
    answers: Symbols
    handler_decorators: Symbols
    handler_registrations: Symbols
    detaching: Symbols
    runners: Symbols
    streaming_responses: Symbols
    loggers: tuple[str, ...]
    transports: frozenset[str]
    network_errors: frozenset[str]
    waiting: Symbols
    clocks: Symbols
    one_answer_without_tools: frozenset[str]
    tool_arguments: frozenset[str]
    tool_decorators: frozenset[str]
    graphs: Symbols

    def logs(self, path: str) -> bool:
        """Whether calling this path writes to a log: one of the packages, or a framework's own `logger`."""
        if any(path == name or path.startswith((f"{name}.", f"{name}(")) for name in self.loggers):
            return True
        return path.rpartition(".")[0].rpartition(".")[2] in ("logger", "log")


_SYMBOLS = ("sleeps", "breakers", "answers", "handler_decorators", "handler_registrations", "detaching",
            "runners", "streaming_responses", "waiting", "clocks", "graphs")  # fmt: skip
_NAMES = ("transports", "network_errors", "one_answer_without_tools", "tool_arguments", "tool_decorators")


def load_resilience() -> Resilience:
    """The file that comes with the package, read once. Raises `KnowledgeError` where its shape is wrong."""
    return _read(knowledge_folder() / "resilience.yaml")


@cache
def _read(file: Path) -> Resilience:
    try:
        text = file.read_text("utf-8")
        data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        values: dict[str, Any] = {name: Symbols(data[name]) for name in _SYMBOLS}
        values.update({name: frozenset(data[name]) for name in _NAMES})
        return Resilience(
            retriers={symbol: found for entry in data["retries"] for symbol, found in _retriers(entry)},
            deadlines=dict(data["deadlines"]),
            loggers=tuple(data["loggers"]),
            **values,
        )
    except (OSError, UnicodeError, KeyError, TypeError, yaml.YAMLError) as error:
        raise KnowledgeError(file.name, "file", f"is not as expected ({error!r})") from error


def _retriers(entry: dict[str, Any]) -> Iterable[tuple[str, Retrier]]:
    values: dict[str, Any] = {k: v for k, v in entry.items() if k != "symbols"}
    for name in ("bounding", "growing"):
        values[name] = frozenset(s for symbol in entry.get(name, ()) for s in expand(symbol))
    values["bounds"] = tuple(entry.get("bounds", ()))
    found = Retrier(**values)
    return [(symbol, found) for pattern in entry["symbols"] for symbol in expand(pattern)]
