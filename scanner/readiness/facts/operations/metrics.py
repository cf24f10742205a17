"""The metrics of serving code: which exist, and where values are put into them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Items, Known, Value
from readiness.facts.operations.clocks import Clocks
from readiness.facts.operations.monitoring_knowledge import MetricSymbols
from readiness.facts.place import Evidence, Place
from readiness.repository.tree import Role

_RECORDING = frozenset(
    {"observe", "record", "time", "timing", "timer", "timed", "histogram", "distribution", "inc", "add", "increment",
     "incr", "put_metric_data", "put_metric", "add_metric", "count_exceptions"}
)  # fmt: skip
_MAKING = ("Histogram", "Summary", "Counter", "Gauge", "create_histogram", "create_counter", "create_gauge",
           "create_up_down_counter", "create_observable_gauge", "create_observable_counter", "metric_histogram",
           "metric_counter", "metric_gauge")  # fmt: skip
_EXPOSING = ("generate_latest", "start_http_server", "start_wsgi_server", "make_asgi_app", "make_wsgi_app",
             "push_to_gateway", "pushadd_to_gateway", "expose", "PrometheusMetrics", "Service", "render", "configure",
             "configure_azure_monitor", "patch_all", "init", "PrometheusMetricReader", "OTLPMetricExporter",
             "AzureMonitorMetricExporter", "CloudMonitoringMetricsExporter")  # fmt: skip
_DURATION = re.compile(
    r"(?:^|[^a-z])(?:duration|latency|elapsed|seconds|secs|milliseconds|millis|ms|ttft|time|took|response_?time)(?:[^a-z]|$)",
    re.I,
)
_FIRST = re.compile(r"ttft|first[ _.-]?(?:token|chunk|text|byte|delta|content)", re.I)
_ERROR = re.compile(r"error|fail|exception|timeout|unsuccessful", re.I)
_OUTCOMES = frozenset(
    {"status", "status_code", "result", "outcome", "error", "error_type", "error.type", "success", "exception",
     "exception_type", "error_code", "failure", "reason"}
)  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line that puts a value into a metric.

    `counts_errors`: the metric is one of failures, is told how it went by a label, or is counted where one is handled.
    """

    place: Place
    text: str
    unit: Unit
    metric: str
    duration: bool = False
    first_token: bool = False
    counts_errors: bool = False
    pushed: bool = False
    """It is sent by itself, with no page that is scraped."""


class Measuring:
    """Finds the metrics of a program, and what is put into them where the application is loaded."""

    def __init__(self, core: Core, symbols: MetricSymbols, alive: frozenset[Unit], clocks: Clocks) -> None:
        self._core, self._symbols, self._alive, self._clocks = core, symbols, alive, clocks

    @cached_property
    def names(self) -> dict[str, Place]:
        """The metrics that serving code makes, by name."""
        found: dict[str, Place] = {}
        for call, unit in self._named(_MAKING):
            if any(isinstance(v, External) and v.path in self._symbols.constructors for v in self._values(call, unit)):
                name = self._text(call.keyword("name") or next(iter(call.arguments), None), unit)
                if name:
                    found.setdefault(name, unit.at(call))
        for one in self.measurements:
            if one.metric:
                found.setdefault(one.metric, one.place)
        return found

    @cached_property
    def exposed(self) -> Evidence | None:
        """Where the metrics leave the process."""
        for call, unit in self._named(_EXPOSING):
            if unit in self._alive and any(
                isinstance(v, External) and v.path in self._symbols.exposing for v in self._values(call, unit)
            ):
                return Evidence(unit.at(call), f"{last_name(call.function)}(...)")
        return None

    @cached_property
    def of_requests(self) -> list[Evidence]:
        """What times and counts requests, whatever they are for."""
        found = []
        for unit in self._units:
            for call in unit.calls:
                shown = (call.function, *(a for a in call.arguments if isinstance(a, code.Name | code.Member)))
                if any(
                    isinstance(v, External) and v.path in self._symbols.of_requests
                    for one in shown
                    if _may_instrument(one)
                    for v in self._core.resolver.values(one, unit)
                ):
                    found.append(Evidence(unit.at(call), last_name(call.function)))
                elif any(k.name in self._symbols.sampling and _is_on(k.value) for k in call.keywords if k.name):
                    paths = (v.path for v in self._values(call, unit) if isinstance(v, External))
                    found += [Evidence(unit.at(call), path) for path in paths if path in self._symbols.sampled][:1]
        return found

    @cached_property
    def measurements(self) -> list[Measurement]:
        """Every line of loaded serving code that measures."""
        return [m for unit in self._units for m in self._of(unit)]

    @cached_property
    def _units(self) -> list[Unit]:
        loaded = (u for u in self._alive if u.module.role is Role.SERVING)
        return sorted(loaded, key=lambda u: (u.place, u.qualified))

    def _named(self, names: Iterable[str]) -> Iterator[tuple[code.Call, Unit]]:
        for name in names:
            for call, unit in self._core.program.calls_by_name.get(name, ()):
                if unit.module.role is Role.SERVING:
                    yield call, unit

    def _values(self, call: code.Call, unit: Unit) -> tuple[Value, ...]:
        return self._core.resolver.values(call.function, unit)

    def _of(self, unit: Unit) -> Iterator[Measurement]:
        decorators = unit.function.decorators if unit.function is not None else []
        scope = unit.parent or unit
        for call, home in [*((c, unit) for c in unit.calls), *((d, scope) for d in decorators if _is_call(d))]:
            assert isinstance(call, code.Call)
            if last_name(call.function) in _RECORDING:
                for value in self._values(call, home):
                    found = self._measurement(call, home, unit, value) if isinstance(value, External) else None
                    if found is not None:
                        yield found
                        break

    def _measurement(self, call: code.Call, home: Unit, unit: Unit, value: External) -> Measurement | None:
        symbols, path = self._symbols, value.path
        named = path in symbols.named_values or path in symbols.named_timers or path in symbols.named_counts
        is_timer = path in symbols.timers or path in symbols.named_timers
        is_count = path in symbols.counts or path in symbols.named_counts
        raises = path in symbols.exceptions
        if not (named or is_timer or is_count or raises or path in symbols.values):
            return None
        name = self._name(call, home, value, named=named)
        labels = self._labels(call, home, value)
        handled = any(isinstance(above, code.Handler) for above in home.enclosing(call))
        words = _CAMEL.sub("_", " ".join([name, *self._units_of(value)]))
        timed = is_timer or (not is_count and not raises and self._is_duration(call, home, words))
        first = _FIRST.search(words) is not None
        wrong = raises or handled or bool(labels & _OUTCOMES) or _ERROR.search(name) is not None
        text = f"{name or last_name(call.function)} ({last_name(call.function)})"
        return Measurement(home.at(call), text, unit, name, timed and not first, timed and first, wrong, named)

    def _is_duration(self, call: code.Call, unit: Unit, words: str) -> bool:
        given = (*call.arguments, *(k.value for k in call.keywords))
        return _DURATION.search(words) is not None or any(self._clocks.tells(one, unit) for one in given)

    def _name(self, call: code.Call, unit: Unit, value: External, *, named: bool) -> str:
        if named:
            first = call.keyword("name") or call.keyword("MetricName") or next(iter(call.arguments), None)
            return self._text(first, unit)
        made = self._made(value)
        return self._text(made[0].keyword("name") or next(iter(made[0].arguments), None), made[1]) if made else ""

    def _units_of(self, value: External) -> Iterator[str]:
        """The unit that a metric was made with, where it says one."""
        made = self._made(value)
        if made is not None:
            given = made[0].keyword("unit") or (made[0].arguments[1] if len(made[0].arguments) > 2 else None)
            text = self._text(given, made[1]) if given is not None else ""
            yield {"s": "seconds", "ms": "ms"}.get(text, "")

    def _made(self, value: External) -> tuple[code.Call, Unit] | None:
        return next(((s.call, s.unit) for s in value.steps if s.path in self._symbols.constructors), None)

    def _labels(self, call: code.Call, unit: Unit, value: External) -> frozenset[str]:
        """The names of the labels a value is put in with."""
        names: set[str] = set()
        given = [(a, unit) for a in (*call.arguments, *(k.value for k in call.keywords))]
        for step in value.steps:
            if last_name(step.call.function) == "labels":
                names.update(k.name for k in step.call.keywords if k.name)
            if step.path in self._symbols.constructors:
                given.extend((a, step.unit) for a in (*step.call.arguments[2:], *(k.value for k in step.call.keywords
                             if k.name in ("labelnames", "labels"))))  # fmt: skip
        for expression, home in given:
            for found in self._core.resolver.values(expression, home):
                if isinstance(found, Items):
                    names.update(self._keys(found))
        return frozenset(names)

    def _keys(self, items: Items) -> Iterator[str]:
        """The keys of a mapping of attributes, the names in a list of them (`["status"]`, `["status:ok"]`)."""
        if isinstance(items.literal, code.Mapping):
            entries = [key for key, _ in items.literal.items if key is not None]
        else:
            entries = list(items.literal.items) if isinstance(items.literal, code.Sequence) else []
        for entry in entries:
            first = next(iter(entry.parts), entry) if isinstance(entry, code.Template) else entry
            yield self._text(first, items.unit).partition(":")[0]

    def _text(self, expression: code.Expression | None, unit: Unit) -> str:
        if expression is None:
            return ""
        for value in self._core.resolver.values(expression, unit):
            if isinstance(value, Known) and isinstance(value.value, str):
                return value.value
        return ""


def _is_call(node: code.Node) -> bool:
    return isinstance(node, code.Call)


def _may_instrument(expression: code.Expression) -> bool:
    name = last_name(expression)
    return name.startswith(("instrument", "initialize")) or name.endswith(("Middleware", "PrometheusMetrics"))


def _is_on(expression: code.Expression) -> bool:
    """Whether a share or a switch is anything but a written nought."""
    return not isinstance(expression, code.Constant) or bool(expression.value)
