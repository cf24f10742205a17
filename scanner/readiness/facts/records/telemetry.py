"""Which model calls leave a trace, by what, and where it goes. check `llm-calls-traced`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.nearby import Nearby
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Items, Known
from readiness.facts.place import Place
from readiness.facts.records.instrumentors import Instrumentor, TelemetryKnowledge
from readiness.facts.records.tracing_lines import TracingLine, TracingLines, only_in_debug

_BUILT_IN = Instrumentor(
    "the tracing of openai-agents", "call", frozenset(), frozenset({"openai-agents"}), "openai", True, content=True
)
_BUILT_IN_OFF = frozenset({"agents.set_tracing_disabled", "agents.tracing.set_tracing_disabled"})
_DECORATOR_HOPS = 3


@dataclass(frozen=True, slots=True)
class Tracing:
    """How one generative call is traced.

    `gap` says in words what is missing of a whole trace, and is empty where nothing is.
    """

    place: Place
    text: str
    reachable: bool
    call: ModelCall
    by: str = ""
    line: Place | None = None
    traced: bool = False
    """Every line that makes the call leaves a span or a generation record."""
    exported: bool = False
    own_record: bool = False
    """The project writes down by itself that there was a generation."""
    tokens: bool = False
    content: bool = False
    vendor: bool = False
    """It is not the project's own span, but an instrumentor's or a vendor's."""
    gap: str = "leaves no trace: no instrumentor, callback or span covers it"
    metrics: bool = False
    """What traces it sends metrics of each call as well."""


class Telemetry:
    """Judges nothing: tells for each call what traces it."""

    def __init__(self, core: Core, knowledge: TelemetryKnowledge, nearby: Nearby) -> None:
        self._core, self._knowledge, self._nearby = core, knowledge, nearby
        self.found = TracingLines(core, knowledge, nearby)
        self._running = {unit for call in core.calls for _, unit in call.runs}
        self._inner: dict[ModelCall, list[ModelCall]] = {}
        for call in core.calls:
            if call.inside is not None:
                self._inner.setdefault(call.inside, []).append(call)

    def of(self, call: ModelCall) -> Tracing:
        """How a call is traced: by the first whole answer, else by the best partial one."""
        best: Tracing | None = None
        for line in self._covering(call):
            tracing = self._by_line(call, line)
            if not tracing.gap:
                return tracing
            best = best if best is not None and best.traced >= tracing.traced else tracing
        return best or self._by_span(call) or Tracing(call.place, call.text, call.reachable, call)

    def _by_line(self, call: ModelCall, line: TracingLine) -> Tracing:
        found = line.instrumentor
        exported = self.found.exported(found)
        gap = ""
        if line.commented:
            gap = f"is traced only if somebody finds the commented switch at {line.place.path}:{line.place.line}"
        elif line.empty:
            gap = f"has {found.name} wired, but nothing in the repository fills the list"
        elif not exported and self.found.console:
            gap = f"is traced by {found.name}, to the console only"
        elif not exported:
            gap = f"is traced by {found.name}, but no exporter or key says where the traces go"
        elif not line.everywhere and not self._on_every_line(call, line):
            gap = f"is traced by {found.name} on some of its lines only"
        return Tracing(
            call.place,
            call.text,
            call.reachable,
            call,
            line.text,
            line.place,
            not (line.commented or line.empty),
            exported,
            False,
            found.tokens,
            found.content,
            True,
            gap,
            found.metrics,
        )

    # -- coverage ----------------------------------------------------------------------------------------------

    def _covering(self, call: ModelCall) -> Iterator[TracingLine]:
        layers = self.layers(call)
        handled = self._handlers(call)
        for line in self.found.lines:
            covers = line.instrumentor.covers
            if "*" not in covers and not covers & layers:
                continue
            if line.everywhere or (line.call in handled) or any(self._near(line, unit) for unit in _run_units(call)):
                yield line
        for instrumentor in self._knowledge.of("import"):
            place = self._imported(call, instrumentor) if instrumentor.covers & layers else None
            if place is not None:
                yield TracingLine(place, f"{instrumentor.name}'s client", instrumentor)
        for instrumentor in self._knowledge.of("argument"):
            place = self._argument(call, instrumentor)
            if place is not None:
                yield TracingLine(place, f"{instrumentor.name} (instrument=…)", instrumentor)
        if call.sdk.name == "openai-agents" and not self._is_switched_off():
            yield TracingLine(call.place, _BUILT_IN.name, _BUILT_IN)

    def layers(self, call: ModelCall) -> frozenset[str]:
        """The SDKs a call goes through: its own, those of the models it wraps, and those these are built on."""
        found: set[str] = set()
        for one in (call, *self._inner.get(call, ())):
            name = one.sdk.name
            found.add(name)
            if name.startswith(("langchain", "langgraph")):
                found.add("langchain")
            for path in (one.value.path, *(s.path for s in one.value.steps)):
                found.update(sdk for prefix, sdk in self._knowledge.layers if path.startswith(prefix))
        return frozenset(found)

    def _handlers(self, call: ModelCall) -> set[code.Call]:
        """The constructors of what a call and its clients are given as callbacks."""
        found: set[code.Call] = set()
        stack = list(call.setting("callbacks").resolved)
        for _ in range(40):
            if not stack:
                break
            value = stack.pop()
            if isinstance(value, External):
                found.update(s.call for s in value.steps)
            elif isinstance(value, Items) and isinstance(value.literal, code.Sequence):
                stack.extend(v for item in value.literal.items for v in self._core.resolver.values(item, value.unit))
        return found

    def _near(self, line: TracingLine, unit: Unit) -> bool:
        """Whether a handler or decorator stands around a call, or in a function that prepares it."""
        if line.unit is None:
            return False
        if line.instrumentor.how == "decorator":
            return self._nearby.above(unit).get(line.unit, 99) <= _DECORATOR_HOPS
        if line.unit is unit or self._nearby.below(unit).get(line.unit, 99) <= 2:
            return True
        above = self._nearby.above(unit)
        if line.unit.function is not None and above.get(line.unit, 99) <= 2:
            return True
        # Callbacks travel with the run: what a caller's helper puts into the configuration reaches the calls inside.
        return line.unit not in self._running and any(
            hops <= 3 and self._nearby.below(outer).get(line.unit, 99) == 1 for outer, hops in above.items()
        )

    def _on_every_line(self, call: ModelCall, line: TracingLine) -> bool:
        """Whether each line that runs a call has a handler of the same kind near it."""
        same = [one for one in self.found.lines if one.instrumentor.name == line.instrumentor.name]
        return line.call in self._handlers(call) or all(
            any(self._near(one, unit) for one in same) for unit in _run_units(call)
        )

    def _imported(self, call: ModelCall, instrumentor: Instrumentor) -> Place | None:
        modules = dict.fromkeys(u.module for u in (call.unit, *(s.unit for s in call.value.steps)))
        for module in modules:
            for statement in module.body.imports.values():
                names = (statement.module, f"{statement.module}.{statement.name}")
                if any(n == s or n.startswith(f"{s}.") for n in names for s in instrumentor.symbols):
                    return module.body.at(statement)
        return None

    def _argument(self, call: ModelCall, instrumentor: Instrumentor) -> Place | None:
        for step in call.value.steps:
            for symbol in instrumentor.symbols:
                owner, _, keyword = symbol.rpartition(".")
                given = step.call.keyword(keyword) if step.path == owner else None
                if given is not None:
                    first = self._core.resolver.values(given, step.unit)[0]
                    if not (isinstance(first, Known) and not first.value):
                        return step.unit.at(given)
        return None

    def _is_switched_off(self) -> bool:
        off = self._core.resolver.settings.variable("OPENAI_AGENTS_DISABLE_TRACING")
        if off is not None and off.value not in (False, 0):
            return True
        for unit in self._nearby.loaded:
            for call in unit.calls:
                if last_name(call.function) == "set_tracing_disabled":
                    values = self._core.resolver.values(call.function, unit)
                    if any(isinstance(v, External) and v.path in _BUILT_IN_OFF for v in values):
                        return True
        return False

    # -- by hand -----------------------------------------------------------------------------------------------

    def _by_span(self, call: ModelCall) -> Tracing | None:
        for unit in _run_units(call):
            for near, hops in self._nearby.above(unit).items():
                found = self._span(near) if hops <= 2 else None
                if found is not None:
                    node, marked = found
                    exported = bool(self.found.exporters) or any(
                        self.found.exported(Instrumentor("", "call", frozenset(), frozenset(), to))
                        for to in ("otel", "langfuse")
                    )
                    gap = "" if marked and exported else "has a span around it that names neither model nor operation"
                    if marked and not exported:
                        gap = (
                            "is traced to the console only"
                            if self.found.console
                            else "has a span, but no exporter sends it"
                        )
                    return Tracing(
                        call.place,
                        call.text,
                        call.reachable,
                        call,
                        "its own span",
                        near.at(node),
                        marked,
                        exported,
                        not marked,
                        False,
                        False,
                        False,
                        gap,
                    )
        return None

    def _span(self, unit: Unit) -> tuple[code.Call, bool] | None:
        """The span a unit opens, and whether it says that it is a generation's."""
        for call in unit.calls:
            name = last_name(call.function)
            if name not in self._knowledge.span_starts or only_in_debug(unit, call) or not self._opens_span(call, unit):
                continue
            marked = name in self._knowledge.generations or any(
                text.startswith(self._knowledge.span_marks) or text == "generation" for text in _written(unit)
            )
            return call, marked
        return None

    def _opens_span(self, call: code.Call, unit: Unit) -> bool:
        tracers = ("opentelemetry.", "langfuse.", "logfire.", "mlflow.", "opik.", "ddtrace.", "sentry_sdk.")
        return any(
            isinstance(v, External) and v.path.startswith(tracers)
            for v in self._core.resolver.values(call.function, unit)
        )


def with_own_record(tracing: Tracing, record: Place | None) -> Tracing:
    """The same, where nothing traces the call but the project writes its generations down itself."""
    if record is None or tracing.by:
        return tracing
    gap = f"leaves no span that is exported, only a record of its own ({record.path}:{record.line})"
    return replace(tracing, own_record=True, by="its own record", line=record, gap=gap)


def _written(unit: Unit) -> Iterator[str]:
    """The texts a unit gives to something: attributes may be put together before a span is opened with them."""
    for node, above in unit.parents.items():
        if isinstance(node, code.Constant) and isinstance(node.value, str) and not isinstance(above, code.Evaluate):
            yield node.value


def _run_units(call: ModelCall) -> list[Unit]:
    return list(dict.fromkeys(unit for _, unit in call.runs)) or [call.unit]
