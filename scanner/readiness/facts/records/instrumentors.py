"""What is known of tracing: `checks/knowledge/telemetry.yaml`, loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.facts.sdks.symbols import expand

HOW = ("call", "handler", "decorator", "import", "attribute", "argument", "switch", "command")
"""Where the line of an instrumentor stands; the head of `telemetry.yaml` explains each."""


@dataclass(frozen=True, slots=True)
class Instrumentor:
    """One way to have calls traced: what turns it on, which SDKs it covers, who takes the traces, what it earns."""

    name: str
    how: str
    symbols: frozenset[str]
    covers: frozenset[str]
    sends: str
    tokens: bool = False
    metrics: bool = False
    content: bool = False
    needs: str = ""
    """What else must be given: a keyword of the call, or for a command a package that is installed."""
    distribution: str = ""
    versions: str = ""
    """The releases of `distribution` (PEP 440) that trace at all; empty for all of them."""


@dataclass(frozen=True, slots=True)
class TelemetryKnowledge:
    """All of `telemetry.yaml`; symbols are canonical paths."""

    instrumentors: tuple[Instrumentor, ...]
    layers: tuple[tuple[str, str], ...]
    vendors: dict[str, tuple[str, ...]]
    exporters: frozenset[str]
    console: frozenset[str]
    export_variables: tuple[str, ...]
    histories: frozenset[str]
    actors: frozenset[str]
    span_starts: frozenset[str]
    generations: frozenset[str]
    span_marks: tuple[str, ...]
    feedback: frozenset[str]
    feedback_reads: frozenset[str]
    examples_written: frozenset[str]
    _by_symbol: dict[tuple[str, str], Instrumentor] = field(default_factory=dict, repr=False)

    def find(self, how: str, symbol: str) -> Instrumentor | None:
        """The instrumentor that this symbol turns on in this way, or None."""
        return self._by_symbol.get((how, symbol))

    def of(self, how: str) -> list[Instrumentor]:
        """All instrumentors of one way."""
        return [i for i in self.instrumentors if i.how == how]


def load_telemetry(normalise: Callable[[str], str]) -> TelemetryKnowledge:
    """Read `telemetry.yaml`, its symbols in the canonical form that `normalise` gives them.

    Raises:
        KnowledgeError: the file is not of the expected shape.
    """
    return _load(knowledge_folder() / "telemetry.yaml", normalise)


@cache
def _load(file: Path, normalise: Callable[[str], str]) -> TelemetryKnowledge:
    try:
        data = read_yaml(file)
        instrumentors = tuple(_instrumentor(entry, file.name, normalise) for entry in data["instrumentors"])
        exporters, spans = data["exporters"], data["spans"]
        return TelemetryKnowledge(
            instrumentors=instrumentors,
            layers=tuple(data["layers"].items()),
            vendors={name: tuple(variables) for name, variables in data["vendors"].items()},
            exporters=_symbols(exporters["symbols"], normalise),
            console=_symbols(exporters["console"], normalise),
            export_variables=tuple(exporters["variables"]),
            histories=_symbols(data["histories"], normalise),
            actors=_symbols(data["actors"], normalise),
            span_starts=frozenset(spans["starts"]),
            generations=frozenset(spans["generations"]),
            span_marks=tuple(spans["marks"]),
            feedback=_symbols(data["feedback"], normalise),
            feedback_reads=frozenset(data["feedback_reads"]),
            examples_written=frozenset(data["examples_written"]),
            _by_symbol={(i.how, symbol): i for i in reversed(instrumentors) for symbol in i.symbols},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise KnowledgeError(file.name, "telemetry", str(error)) from error


def _instrumentor(entry: dict[str, Any], file: str, normalise: Callable[[str], str]) -> Instrumentor:
    if entry["how"] not in HOW:
        raise KnowledgeError(file, "how", f"`{entry['how']}` is none of {', '.join(HOW)}")
    raw = entry["how"] in ("import", "switch", "command")
    symbols = frozenset(entry["symbols"]) if raw else _symbols(entry["symbols"], normalise)
    return Instrumentor(**{**entry, "symbols": symbols, "covers": frozenset(entry["covers"])})


def _symbols(symbols: Iterable[str], normalise: Callable[[str], str]) -> frozenset[str]:
    return frozenset(normalise(found) for symbol in symbols for found in expand(symbol))
