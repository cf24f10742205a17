"""Where something is run, and whether a model wrote what is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.flows.flow_marks import ITEM, Kind, Mark
from readiness.facts.flows.flow_sources import is_safe_type
from readiness.facts.flows.sinks import Execution
from readiness.facts.flows.taint import Taint
from readiness.facts.linking.units import ClassInfo, Unit, last_name
from readiness.facts.linking.values import ClassValue, External, Items

_SHELLS = frozenset(
    {
        "sh", "bash", "zsh", "/bin/sh", "/bin/bash", "cmd", "powershell", "pwsh", "python", "python3", "node", "perl",
        "ruby",
    }
)  # fmt: skip
_INTERPRETS = frozenset({"-c", "-e", "/c", "-Command", "-lc"})
_NUMBERS = frozenset({"int", "float", "bool", "Decimal", "len"})


@dataclass(frozen=True, slots=True)
class Running:
    """One call that runs text a model wrote; `restricted` where names or a fixed program bound what can happen."""

    node: code.Call
    unit: Unit
    execution: Execution
    marks: tuple[Mark, ...]
    sandboxed: bool
    restricted: bool


class Executions:
    """Finds executions of model output."""

    def __init__(self, taint: Taint) -> None:
        self._taint = taint
        self._resolver = taint.core.resolver

    def find(self, unit: Unit) -> Iterator[Running]:
        """The calls of a unit that run model output."""
        for call in unit.calls:
            if not isinstance(call.function, code.Name | code.Member):
                continue
            for value in self._resolver.values(call.function, unit):
                execution = self._taint.sinks.executions.find(value.path) if isinstance(value, External) else None
                if execution is not None and (found := self._run(call, unit, execution)) is not None:
                    yield found
                    break

    def ready_made(self, units: Iterable[Unit]) -> Iterator[Running]:
        """Parts of libraries that run what the model behind them writes."""
        for unit in units:
            for call in unit.calls:
                if not isinstance(call.function, code.Name | code.Member):
                    continue
                for value in self._resolver.values(call.function, unit):
                    found = self._taint.sinks.ready_made.find(value.path) if isinstance(value, External) else None
                    if found is not None:
                        elsewhere = any(call.keyword(k) is not None for k in found.sandboxed_with)
                        yield Running(call, unit, found, (), found.sandboxed or elsewhere, False)
                        break

    def _run(self, call: code.Call, unit: Unit, execution: Execution) -> Running | None:
        argument = self._argument(call, execution.arguments[0] if execution.arguments else "", 0)
        if argument is None or self._is_harmless(call, unit, execution):
            return None
        marks = [m for m in self._taint.found(argument, unit) if self._is_dangerous(m)]
        if not marks:
            return None
        fixed = execution.fixed_program and self._is_fixed(call, argument, unit)
        restricted = fixed or self._is_narrowed(call, unit, execution)
        return Running(call, unit, execution, tuple(marks), execution.sandboxed, restricted)

    def _argument(self, call: code.Call, name: str, position: int) -> code.Expression | None:
        given = call.keyword(name) if name else None
        if given is not None:
            return given
        return call.arguments[position] if position < len(call.arguments) else None

    def _is_harmless(self, call: code.Call, unit: Unit, execution: Execution) -> bool:
        if not execution.safe_with:
            return False
        given = [*call.arguments[1:], *(k.value for k in call.keywords)]
        return any(isinstance(v, External) and v.path in execution.safe_with
                   for a in given for v in self._resolver.values(a, unit))  # fmt: skip

    def _is_narrowed(self, call: code.Call, unit: Unit, execution: Execution) -> bool:
        """Whether the names that the code may use are limited: `eval(x, {"__builtins__": {}})`."""
        for name in execution.narrowed_by:
            position = execution.arguments.index(name) if name in execution.arguments else len(call.arguments)
            given = self._argument(call, name, position)
            if given is None:
                continue
            if execution.what != "Python code":
                return True
            names = [k.value for k, _ in _entries(given, unit, self._taint) if isinstance(k, code.Constant)]
            if "__builtins__" in names:
                return True
        return False

    def _is_fixed(self, call: code.Call, argument: code.Expression, unit: Unit) -> bool:
        """Whether a constant program is run with model output among its arguments, and no shell reads them."""
        shell = call.keyword("shell")
        if shell is not None and not (isinstance(shell, code.Constant) and not shell.value):
            return False
        for value in self._resolver.values(argument, unit):
            if not isinstance(value, Items) or not isinstance(value.literal, code.Sequence):
                continue
            items = value.literal.items
            if items and isinstance(items[0], code.Constant):
                words = {i.value for i in items if isinstance(i, code.Constant)}
                return not (items[0].value in _SHELLS and words & _INTERPRETS)
        return False

    def _is_dangerous(self, mark: Mark) -> bool:
        if mark.path and any(step != ITEM and not step.isdigit() for step in mark.path):
            return False
        if any(isinstance(n, code.Call) and last_name(n.function) in _NUMBERS for n in mark.through):
            return False
        if mark.kind is Kind.CHECKED and mark.field and isinstance(mark.origin, ModelCall):
            for value in mark.origin.schema.resolved:
                if isinstance(value, ClassValue) and self._is_safe_field(value.info, mark.field):
                    return False
        return True

    def _is_safe_field(self, info: ClassInfo, name: str) -> bool:
        """Whether a declared field can only hold numbers or one of a few words."""
        for binding, unit in info.attributes.get(name, ()):
            if binding.annotation is not None and unit is not None:
                return is_safe_type(self._taint.core, binding.annotation, unit)
        return False


def _entries(
    given: code.Expression, unit: Unit, taint: Taint
) -> Iterator[tuple[code.Expression | None, code.Expression]]:
    for value in taint.core.resolver.values(given, unit):
        if isinstance(value, Items) and isinstance(value.literal, code.Mapping):
            yield from value.literal.items
