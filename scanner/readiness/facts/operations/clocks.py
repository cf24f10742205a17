"""Which expressions say how long something took."""

from __future__ import annotations

from readiness.extract import code
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import FunctionValue

_CLOCKS = frozenset(
    {"perf_counter", "perf_counter_ns", "time", "time_ns", "monotonic", "monotonic_ns", "now", "utcnow",
     "default_timer", "process_time"}
)  # fmt: skip


class Clocks:
    """Finds spans of time; every unit is looked at once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._names: dict[Unit, tuple[frozenset[str], frozenset[str]]] = {}
        self._returning: dict[Unit, bool] = {}

    def tells(self, expression: code.Expression, unit: Unit) -> bool:
        """Whether an expression holds a span of time: a difference of two readings of a clock, or a name for one."""
        spans = self._known(unit)[1]
        for node in code.walk(expression):
            if isinstance(node, code.Name) and node.id in spans:
                return True
            if isinstance(node, code.Call) and self._returns_span(node, unit):
                return True
        return self._is_span(expression, unit)

    def _is_span(self, expression: code.Expression, unit: Unit) -> bool:
        """`perf_counter() - started`, with any arithmetic around it."""
        readings = self._known(unit)[0]
        return any(
            isinstance(node, code.Operation)
            and node.operator == "-"
            and len(node.operands) == 2
            and any(_reads_clock(o) or (isinstance(o, code.Name) and o.id in readings) for o in node.operands)
            and not any(isinstance(o, code.Call) and last_name(o.function) == "timedelta" for o in node.operands)
            for node in code.walk(expression)
        )

    def _known(self, unit: Unit) -> tuple[frozenset[str], frozenset[str]]:
        """The names of a unit that hold a reading of a clock, and those that hold a span."""
        known = self._names.get(unit)
        if known is None:
            bound = [
                (name, b.value) for name, bindings in unit.bindings.items() for b in bindings if b.value is not None
            ]
            readings = frozenset(name for name, value in bound if _reads_clock(value))
            self._names[unit] = (readings, frozenset())
            spans = frozenset(name for name, value in bound if name not in readings and self._is_span(value, unit))
            called = frozenset(
                name for name, value in bound
                if isinstance(value, code.Call) and name not in spans and self._returns_span(value, unit)
            )  # fmt: skip
            known = self._names[unit] = (readings, spans | called)
        return known

    def _returns_span(self, call: code.Call, unit: Unit) -> bool:
        """Whether a function of the repository gives back a span: `elapsed_ms(started)`."""
        for value in self._resolver.values(call.function, unit):
            if isinstance(value, FunctionValue) and value.unit is not unit and value.unit.returns:
                known = self._returning.get(value.unit)
                if known is None:
                    self._returning[value.unit] = False
                    known = any(self._is_span(one, value.unit) for one in value.unit.returns[:4])
                    self._returning[value.unit] = known
                if known:
                    return True
        return False


def _reads_clock(expression: code.Node) -> bool:
    return isinstance(expression, code.Call) and last_name(expression.function) in _CLOCKS
