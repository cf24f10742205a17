"""What stands between a model's answer and the people or systems it goes to, per LLM entry point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.flows.flow_marks import Kind
from readiness.facts.flows.flows import Flow, Flows
from readiness.facts.flows.grounding import Grounding
from readiness.facts.flows.sinks import SymbolTable
from readiness.facts.flows.text_uses import Use
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import ClassInfo, Unit, last_name
from readiness.facts.linking.values import ClassValue, External, Instance, Items, Known
from readiness.facts.place import Place
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.repository.tree import Role


class Guarding(StrEnum):
    """How a guardrail acts, the strongest first."""

    STOPS = "stops"
    """Its verdict stops or replaces the answer."""
    TESTS = "tests"
    """The project's own test of the text keeps some answers from going out."""
    FILTERS = "filters"
    """The provider's filter, explicitly configured or its refusal handled."""
    IGNORED = "ignored"
    """A validator runs and nothing looks at its result."""


_DUMPING = frozenset({"model_dump", "dict", "asdict", "to_dict"})
"""What turns an object's fields into a part of a request."""


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One guardrail: how it acts, and where."""

    place: Place
    text: str
    guarding: Guarding


@dataclass(slots=True, eq=False)
class Answer:
    """What one entry point answers with a generative model: `calls` write it, `guardrails` see it before it leaves."""

    place: Place
    text: str
    entry: EntryPoint
    calls: tuple[ModelCall, ...]
    guardrails: tuple[Guardrail, ...]
    reachable: bool = True

    def has(self, guarding: str) -> bool:
        """Whether a guardrail of this kind is on the way."""
        return any(g.guarding == guarding for g in self.guardrails)


@dataclass(frozen=True, slots=True)
class _Knowledge:
    symbols: SymbolTable[str]
    conditional: dict[str, str]
    enforcing: frozenset[str]
    filters: frozenset[str]


@cache
def _knowledge(file: Path | None = None) -> _Knowledge:
    path = file or knowledge_folder() / "guardrails.yaml"
    try:
        data = read_yaml(path)
        symbols: SymbolTable[str] = SymbolTable()
        symbols.add(data["validators"], "validators")
        symbols.add(data["enforcers"], "enforcers")
        return _Knowledge(symbols, dict(data["conditional_enforcers"]), frozenset(data["enforcer_keywords"]),
                          frozenset(data["filter_keywords"]))  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise KnowledgeError(path.name, "guardrails", f"{type(error).__name__}: {error}") from error


def find_answers(core: Core, flows: Flows) -> list[Answer]:
    """Every network entry point of serving code that runs a generative call, with the guardrails on its way."""
    finder = _Finder(core, flows)
    found = []
    for entry in core.entry_points:
        if not entry.is_network or entry.unit.module.role is not Role.SERVING:
            continue
        reached = core.reached_from(entry)
        calls = tuple(c for c in core.calls if c.generates and not c.is_probe and c.role is Role.SERVING
                      and any(unit in reached for _, unit in c.runs))  # fmt: skip
        if calls:
            found.append(Answer(entry.place, entry.text, entry, calls, finder.on_the_way(reached, calls)))
    return found


class _Finder:
    """Looks for guardrails, once per unit."""

    def __init__(self, core: Core, flows: Flows) -> None:
        self._core, self._flows = core, flows
        self._known = _knowledge()
        self._grounding = Grounding(core, flows.taint) if flows.taint is not None else None
        self._of_unit: dict[Unit, tuple[Guardrail, ...]] = {}
        self._tests: dict[Unit, list[Guardrail]] = {}
        for flow in flows.reads:
            if flow.use is Use.GUARDS and not _blanks(flow):
                self._tests.setdefault(flow.unit, []).append(Guardrail(flow.place, flow.how, Guarding.TESTS))

    def on_the_way(self, reached: Iterable[Unit], calls: tuple[ModelCall, ...]) -> tuple[Guardrail, ...]:
        """The guardrails in the units an entry point runs, and those set up where its models are built."""
        units = dict.fromkeys(reached)
        for call in calls:
            units.update(dict.fromkeys(step.unit for step in call.value.steps))
        bodies = dict.fromkeys(u.module.body for u in units)
        found = [g for unit in {**units, **bodies} for g in self._in(unit)]
        found += [g for call in calls for g in self._filters(call)]
        found += [g for owner in dict.fromkeys(u.owner for u in units) if owner is not None for g in self._sent(owner)]
        return tuple(sorted(dict.fromkeys(found), key=lambda g: (g.place, g.guarding)))

    def _in(self, unit: Unit) -> tuple[Guardrail, ...]:
        known = self._of_unit.get(unit)
        if known is None:
            known = self._of_unit[unit] = (*self._tests.get(unit, ()), *self._calls(unit), *self._decorated(unit),
                                           *self._refusals(unit), *self._grounded(unit))  # fmt: skip
        return known

    def _grounded(self, unit: Unit) -> Iterator[Guardrail]:
        """Checks of the project's own that hold what an answer cites against what the model was given."""
        for node, text in self._grounding.checks(unit) if self._grounding is not None else ():
            yield Guardrail(unit.at(node), text, Guarding.STOPS)

    def _calls(self, unit: Unit) -> Iterator[Guardrail]:
        for call in unit.calls:
            if not isinstance(call.function, code.Name | code.Member):
                continue
            if any(k.name in self._known.enforcing and not _is_empty(k.value) for k in call.keywords):
                yield Guardrail(unit.at(call), "output_guardrails", Guarding.STOPS)
            for value in self._core.resolver.values(call.function, unit):
                if not isinstance(value, External):
                    continue
                family = self._known.symbols.find(value.path)
                switch = self._known.conditional.get(value.path)
                if family == "enforcers" or (switch is not None and _is_true(call.keyword(switch))):
                    yield Guardrail(unit.at(call), value.path, Guarding.STOPS)
                elif family == "validators" and self._is_of_answer(call, unit):
                    used = self._is_used(call, unit)
                    yield Guardrail(unit.at(call), value.path, Guarding.STOPS if used else Guarding.IGNORED)

    def _is_of_answer(self, call: code.Call, unit: Unit) -> bool:
        """Whether a validator is given what a model wrote."""
        taint = self._flows.taint
        if taint is None:
            return False
        given = (*call.arguments, *(k.value for k in call.keywords))
        return any(m.kind is not Kind.ARGUMENTS for a in given for m in taint.found(a, unit))

    def _is_used(self, call: code.Call, unit: Unit) -> bool:
        """Whether a verdict decides something, or what the validator gives back goes on."""
        for above in unit.enclosing(call):
            match above:
                case code.If() | code.Return() | code.Choice() | code.Raise() | code.Assert() | code.Yield():
                    return True
                case code.Assign(targets=targets):
                    return any(self._is_read(name, unit) for target in targets for name in _names(target))
                case code.Evaluate():
                    return False
                case _:
                    continue
        return False

    def _is_read(self, name: str, unit: Unit, depth: int = 3) -> bool:
        """Whether a name, or what is taken out of it, stands in a condition or is returned."""
        for node in unit.parents:
            if isinstance(node, code.Name) and node.id == name:
                inner: code.Node = node
                for above in unit.enclosing(node):
                    if isinstance(above, code.If | code.Choice) and above.test is inner:
                        return True
                    if isinstance(above, code.Return | code.Raise | code.Assert | code.Yield):
                        return True
                    taken = _taken(above, inner) if depth else ()
                    if any(self._is_read(other, unit, depth - 1) for other in taken if other != name):
                        return True
                    inner = above
        return False

    def _decorated(self, unit: Unit) -> Iterator[Guardrail]:
        """Functions that a framework runs on every answer."""
        for inner in (unit, *unit.module.body.nested.values()) if unit.is_module else (unit,):
            for decorator in inner.function.decorators if inner.function is not None else ():
                for value in self._core.resolver.values(decorator, inner.parent or inner):
                    if isinstance(value, External) and self._known.symbols.find(value.path) == "enforcers":
                        yield Guardrail(inner.place, value.path, Guarding.STOPS)

    def _refusals(self, unit: Unit) -> Iterator[Guardrail]:
        """A handler of the provider's own refusal: `finish_reason == "content_filter"`, a content filter's error."""
        for node in unit.parents:
            if isinstance(node, code.Operation) and node.operator in ("==", "in", "!="):
                values = [o.value for o in node.operands if isinstance(o, code.Constant)]
                if "content_filter" in values:
                    yield Guardrail(unit.at(node), "content_filter", Guarding.FILTERS)
            elif isinstance(node, code.Handler) and node.type is not None:
                for value in self._core.resolver.values(node.type, unit):
                    if isinstance(value, External) and "ContentFilter" in value.path.rpartition(".")[2]:
                        yield Guardrail(unit.at(node), value.path, Guarding.FILTERS)

    def _filters(self, call: ModelCall) -> Iterator[Guardrail]:
        """The provider's filter, set on the call, in its configuration or on its client."""
        calls = [(call.call, call.unit), *((s.call, s.unit) for s in call.value.steps)]
        for node, unit in calls:
            for keyword in node.keywords:
                if keyword.name in self._known.filters and not _is_empty(keyword.value):
                    yield Guardrail(unit.at(keyword), keyword.name, Guarding.FILTERS)
                elif keyword.name is not None:
                    yield from self._inside(keyword.value, unit)

    def _sent(self, info: ClassInfo) -> Iterator[Guardrail]:
        """A filter that is a field, with a value, of a class whose objects are dumped into the request."""
        names = sorted(self._known.filters & info.attributes.keys())
        if names and any(last_name(c.function) in _DUMPING for m in info.methods.values() for c in m.calls):
            for name in names:
                for binding, unit in info.attributes[name]:
                    if unit is info.body and binding.value is not None and not _is_empty(binding.value):
                        yield Guardrail(unit.at(binding.value), name, Guarding.FILTERS)

    def _inside(self, argument: code.Expression, unit: Unit) -> Iterator[Guardrail]:
        for value in self._core.resolver.values(argument, unit):
            match value:
                case External(steps=(*_, step)):
                    for keyword in step.call.keywords:
                        if keyword.name in self._known.filters:
                            yield Guardrail(step.unit.at(keyword), keyword.name, Guarding.FILTERS)
                case Items(literal=code.Mapping(items=items), unit=owner):
                    for key, inner in items:
                        if isinstance(key, code.Constant) and key.value in self._known.filters:
                            yield Guardrail(owner.at(inner), str(key.value), Guarding.FILTERS)
                case Known() | Instance() | ClassValue():
                    continue


def _blanks(flow: Flow) -> bool:
    """Whether a text that fails a test is only emptied (`if "sorry" in caption: caption = ""`): nobody is told."""
    for node in code.walk(flow.unit.body):
        if isinstance(node, code.If) and node.line == flow.place.line:
            return all(isinstance(s, code.Assign) and _is_empty(s.value) for s in node.body)
    return False


def _taken(above: code.Node, inner: code.Node) -> Iterator[str]:
    """The names that a loop over a value, or an assignment of a part of it, gives what is in it."""
    match above:
        case code.Loop(target=code.Expression() as target, subject=subject) if subject is inner:
            yield from _names(target)
        case code.Assign(targets=targets, value=value) if value is inner:
            for target in targets:
                yield from _names(target)


def _names(target: code.Expression) -> Iterator[str]:
    match target:
        case code.Name():
            yield target.id
        case code.Sequence():
            for item in target.items:
                yield from _names(item)
        case _:
            return


def _is_empty(value: code.Expression | None) -> bool:
    if isinstance(value, code.Sequence):
        return not value.items
    return isinstance(value, code.Constant) and not value.value


def _is_true(value: code.Expression | None) -> bool:
    return isinstance(value, code.Constant) and value.value is True
