"""What is measured around the model calls of each entry point. check `latency-and-errors-measured`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.failures.resilience import load_resilience
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.nearby import Nearby
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External
from readiness.facts.operations.log_lines import LogLines
from readiness.facts.operations.metrics import Measurement, Measuring
from readiness.facts.place import Evidence, Place
from readiness.facts.records.telemetry import Tracing
from readiness.repository.tree import Role

_OF_REQUESTS = frozenset(
    {"request", "req", "response", "resp", "scope", "call_next", "environ", "get_response", "exc_type", "handler"}
)
"""Parameters of middleware and of hooks around requests."""


@dataclass(slots=True, eq=False)
class MeasuredEntry:
    """An entry point that reaches a model, and what is measured there.

    `duration`, `errors` and `first_token` are metrics around the model calls; `requests` times whole requests; `logged`
    is a duration in a log line, `traced` one that only a trace holds.
    """

    entry: EntryPoint
    place: Place
    text: str
    streams: bool
    exposed: bool
    duration: Evidence | None = None
    errors: Evidence | None = None
    first_token: Evidence | None = None
    requests: Evidence | None = None
    logged: Evidence | None = None
    traced: Evidence | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        has_first = self.first_token is not None or not self.streams
        return self.duration is not None and self.errors is not None and has_first and self.exposed

    @property
    def some(self) -> bool:
        """Whether anything is measured at all."""
        found = (self.duration, self.errors, self.first_token, self.requests, self.logged, self.traced)
        return any(one is not None for one in found)

    @property
    def gap(self) -> str:
        """What is missing, in words."""
        if not self.some:
            return "is not measured: nothing tells how long its model takes or how often it fails"
        if self.duration is None and self.errors is None:
            one = self.requests or self.logged or self.traced
            how = "whole requests" if self.requests else "a log line" if self.logged else "a trace"
            return f"has its time only in {how} ({one.text if one else ''}): no metric of the model call itself"
        if self.duration is None:
            return "counts failures of its model, but does not measure how long a call takes"
        if self.errors is None:
            return "measures how long its model takes, but does not count failures"
        if self.streams and self.first_token is None:
            return "streams, but the time to the first token is not measured"
        return "puts values into metrics that nothing exposes or sends"


def find_measured(
    core: Core, nearby: Nearby, measuring: Measuring, logs: LogLines, tracings: Iterable[Tracing]
) -> list[MeasuredEntry]:
    """The entry points of serving code that reach a model; commands and jobs where the network reaches none."""
    calls = [c for c in core.calls if c.role is Role.SERVING and not c.is_probe and c.is_invocation]
    traced = {t.call: t for t in tracings}
    finder = _Finder(core, nearby, measuring, logs, traced)
    serving = [e for e in core.entry_points if e.unit.module.role is Role.SERVING]
    for network in (True, False):
        found = [
            finder.of(entry, asked)
            for entry in serving
            if entry.is_network is network and (asked := _asked(core, entry, calls))
        ]
        if found:
            return found
    return list(_whole_requests(serving, measuring)) if calls else []


def _whole_requests(entries: Iterable[EntryPoint], measuring: Measuring) -> Iterator[MeasuredEntry]:
    """A service whose way to its models cannot be followed, through a queue or a registry, but that times requests."""
    entry = next((e for e in entries if e.kind in ("http", "websocket")), None)
    timed = next(iter(measuring.of_requests), None)
    if entry is not None and timed is not None:
        yield MeasuredEntry(entry, timed.place, "the service", False, measuring.exposed is not None, requests=timed)


def _asked(core: Core, entry: EntryPoint, calls: Sequence[ModelCall]) -> tuple[ModelCall, ...]:
    reached = core.reached_from(entry)
    return tuple(c for c in calls if any(unit in reached for _, unit in c.runs) or c.unit in reached)


class _Finder:
    def __init__(
        self, core: Core, nearby: Nearby, measuring: Measuring, logs: LogLines, traced: dict[ModelCall, Tracing]
    ) -> None:
        self._core, self._nearby, self._measuring, self._logs = core, nearby, measuring, logs
        self._traced = traced
        self._ways: dict[tuple[ModelCall, ...], frozenset[Unit]] = {}
        self._paths: dict[tuple[ModelCall, ...], frozenset[Unit]] = {}
        self._by_unit: dict[Unit, list[Measurement]] = {}
        for one in measuring.measurements:
            self._by_unit.setdefault(one.unit, []).append(one)

    def of(self, entry: EntryPoint, calls: tuple[ModelCall, ...]) -> MeasuredEntry:
        """What is measured around these calls where this entry point makes them."""
        way = self._way(calls)
        reached = self._core.reached_from(entry)
        near = [m for unit, ms in self._by_unit.items() if unit in way and unit in reached for m in ms]
        vendor = self._instrumented(calls)
        return MeasuredEntry(
            entry,
            entry.place,
            entry.text,
            streams=any(c.streams for c in calls if c.generates) and self._answers_in_pieces(entry),
            exposed=self._measuring.exposed is not None or any(m.pushed for m in near) or vendor is not None,
            duration=_first(m for m in near if m.duration) or vendor,
            errors=_first(m for m in near if m.counts_errors) or vendor,
            first_token=_first(m for m in near if m.first_token),
            requests=self._of_requests(entry, way),
            logged=self._logged(self._path(calls), reached, entry),
            traced=self._trace(calls),
        )

    def _way(self, calls: tuple[ModelCall, ...]) -> frozenset[Unit]:
        known = self._ways.get(calls)
        if known is None:
            known = self._ways[calls] = self._nearby.on_the_way(calls)
        return known

    def _instrumented(self, calls: Iterable[ModelCall]) -> Evidence | None:
        """An instrumentor that sends metrics of every call beside the traces: durations, with the error's type."""
        found = [self._traced.get(c) for c in calls if c.generates]
        if not found or self._measuring.exposed is None:
            return None
        lines = [Evidence(t.line, t.by) for t in found if t is not None and t.metrics and t.exported and t.line]
        return lines[0] if len(lines) == len(found) else None

    def _trace(self, calls: Iterable[ModelCall]) -> Evidence | None:
        for call in calls:
            tracing = self._traced.get(call) or (self._traced.get(call.inside) if call.inside is not None else None)
            if tracing is not None and tracing.traced and tracing.exported:
                return Evidence(tracing.line or tracing.place, tracing.by)
        return None

    def _of_requests(self, entry: EntryPoint, way: frozenset[Unit]) -> Evidence | None:
        """A metric of whole requests: of an instrumentor, or put in by middleware and hooks."""
        if entry.kind not in ("http", "websocket"):
            return None
        hooks = (
            m for m in self._measuring.measurements if m.unit not in self._core.reached and around_requests(m.unit)
        )
        return next(iter(self._measuring.of_requests), None) or _first(
            m for m in hooks if m.duration or m.counts_errors
        )

    def _answers_in_pieces(self, entry: EntryPoint) -> bool:
        """Whether whoever asks sees the answer grow: not so where a stream is only put together."""
        if entry.kind != "http":
            return entry.kind in ("websocket", "ui")
        if any(unit.yields for unit in entry.units):
            return True
        known = load_resilience().streaming_responses
        return any(
            isinstance(value, External) and value.path in known
            for unit in self._core.reached_from(entry)
            for call in unit.calls
            if last_name(call.function).endswith("Response") or last_name(call.function) == "stream_with_context"
            for value in self._core.resolver.values(call.function, unit)
        )

    def _path(self, calls: tuple[ModelCall, ...]) -> frozenset[Unit]:
        """What calls the models outright, however many layers lie between; nothing beside it."""
        known = self._paths.get(calls)
        if known is None:
            found = {u for c in calls for _, u in (*c.runs, (c.call, c.unit)) if u in self._core.reached}
            layer = list(found)
            while layer:
                edges = [e for u in layer for e in self._core.graph.callers.get(u, ()) if e.is_call]
                layer = [u for u in dict.fromkeys(e.unit for e in edges) if u in self._core.reached and u not in found]
                found.update(layer)
            known = self._paths[calls] = frozenset(found)
        return known

    def _logged(self, way: frozenset[Unit], reached: dict[Unit, int], entry: EntryPoint) -> Evidence | None:
        for line in self._logs.durations:
            if line.unit in way and line.unit in reached:
                return Evidence(line.place, "logged")
            if entry.kind == "http" and line.unit not in self._core.reached and around_requests(line.unit):
                return Evidence(line.place, "logged for each request")
        return None


def around_requests(unit: Unit) -> bool:
    """Whether a unit is middleware, or a hook that runs around every request."""
    outer: Unit | None = unit
    while outer is not None and outer.function is not None:
        if any(p.name in _OF_REQUESTS for p in outer.function.parameters):
            return True
        outer = outer.parent
    return False


def _first(found: Iterable[Measurement]) -> Evidence | None:
    return next((Evidence(m.place, m.text) for m in sorted(found, key=lambda m: m.place)), None)
