"""What a call hands over: functions that somebody else will call, alone, in literals, or inside objects."""

from __future__ import annotations

from typing import NamedTuple

from readiness.extract import code
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import ClassInfo, Unit
from readiness.facts.linking.values import Bound, ClassValue, External, FunctionValue, Instance, Items, Step, Value

INSPECTING = frozenset(
    {
        "get_state", "aget_state", "get_state_history", "aget_state_history", "update_state", "aupdate_state",
        "get_graph", "aget_graph", "get_prompts", "get_name", "get_input_schema", "get_output_schema",
        "input_schema", "output_schema", "config_schema", "get_config_schema", "get_input_jsonschema",
        "get_output_jsonschema", "get_config_jsonschema",
        "AsyncResult", "GroupResult", "control",  # Celery: what became of a task, and which workers are there
        "__name__", "__qualname__", "__doc__", "__module__", "__class__", "__dict__", "__code__",
    }
)  # fmt: skip
"""Members of a compiled graph, a chain or a function that tell about it and run nothing."""

_WORDS = frozenset({"name", "agent_name", "description", "handoff_description"})
"""Attributes of an agent that are words: who is told them is given nothing to run."""

MAX_ITEMS = 40
"""Items of a literal that are looked at; a longer one is data."""

_DATA_BASES = (
    "pydantic.", "enum.", "typing.", "abc.", "Exception", "object", "ValueError", "sqlalchemy.", "sqlmodel.",
    "torch.nn.",
)  # fmt: skip


class HandedOver(NamedTuple):
    """The units handed over, and the calls that made the objects handed over (their registered functions may run)."""

    units: tuple[Unit, ...] = ()
    objects: tuple[code.Call, ...] = ()


class Handed:
    """Looks at arguments, once each."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._calls: dict[code.Call, HandedOver] = {}
        self._direct: dict[code.Call, tuple[Unit, ...]] = {}
        self._driven: dict[ClassInfo, bool] = {}

    def to(self, call: code.Call, unit: Unit) -> HandedOver:
        """What a call of a unit is given."""
        known = self._calls.get(call)
        if known is None:
            found = _Collection()
            for argument in (*call.arguments, *(k.value for k in call.keywords)):
                self._collect(argument, unit, 2, found)
            known = self._calls[call] = found.handed()
        return known

    def by(self, expression: code.Expression, unit: Unit) -> HandedOver:
        """What whoever gets an expression's value is given.

        An object of the repository's own class gives nothing away: what is then called on it is resolved by itself.
        """
        found = _Collection()
        for value in self._resolver.values(expression, unit):
            if not isinstance(value, ClassValue | Instance):
                self._take(value, 2, found)
        return found.handed()

    def is_driven(self, info: ClassInfo) -> bool:
        """Whether a framework calls the methods of a class: it inherits from a library's class that is no mere data."""
        known = self._driven.get(info)
        if known is None:
            external = self._resolver.classes.bases(info)[1]
            known = any("." in base and not base.startswith(_DATA_BASES) for base in external)
            self._driven[info] = known
        return known

    def _collect(self, argument: code.Expression, unit: Unit, depth: int, found: _Collection) -> None:
        if depth and not isinstance(argument, code.Constant | code.Template):
            for value in self._resolver.values(argument, unit):
                self._take(value, depth, found)

    def _given_directly(self, step: Step) -> tuple[Unit, ...]:
        """The functions that a call on the way to an object was given outright (`Agent(tools=[search])`)."""
        known = self._direct.get(step.call)
        if known is None:
            found = _Collection()
            self._direct[step.call] = ()
            for argument in (*step.call.arguments, *(k.value for k in step.call.keywords)):
                self._collect(argument, step.unit, 1, found)
                for value in self._resolver.values(argument, step.unit):
                    if isinstance(value, Items) and isinstance(value.literal, code.Sequence):
                        for item in value.literal.items[:MAX_ITEMS]:
                            self._collect(item, value.unit, 1, found)
            known = self._direct[step.call] = tuple(found.units)
        return known

    def _take(self, value: Value, depth: int, found: _Collection) -> None:
        match value:
            case FunctionValue(target) | Bound(function=FunctionValue(target)):
                found.units[target] = None
            case ClassValue(info) | Instance(info) if self.is_driven(info):
                found.units.update(dict.fromkeys(info.methods.values()))
            case External(path) if path.rpartition(".")[2] in _WORDS:
                pass
            case External(path, steps) if steps and INSPECTING.isdisjoint(path.replace("()", "").split(".")):
                found.objects[steps[0].call] = None
                for step in steps if depth > 1 else ():
                    found.units.update(dict.fromkeys(self._given_directly(step)))
            case Items(literal=code.Sequence(items=items), unit=owner):
                for item in items[:MAX_ITEMS]:
                    self._collect(item, owner, depth - 1, found)
            case Items(literal=code.Mapping(items=pairs), unit=owner):
                for _, item in pairs[:MAX_ITEMS]:
                    self._collect(item, owner, depth - 1, found)


class _Collection:
    """Keeps what is found in order, each thing once."""

    def __init__(self) -> None:
        self.units: dict[Unit, None] = {}
        self.objects: dict[code.Call, None] = {}

    def handed(self) -> HandedOver:
        return HandedOver(tuple(self.units), tuple(self.objects))
