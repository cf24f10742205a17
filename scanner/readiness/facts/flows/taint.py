"""Which values of the program hold model output: asked for an expression, answered by following its definition.

The answer follows assignments, containers, attributes, parameters, returns and generators of the repository. A
parameter is a placeholder (`Given`) until the calls of its function say what it holds, so a helper that cleans text is
followed for each of its callers by itself. Definitions that lean on themselves and chains beyond `MAX_DEPTH` give
nothing more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.flows.flow_marks import (
    ANY,
    ITEM,
    NONE,
    Given,
    Kind,
    Mark,
    Marks,
    in_order,
    limited,
    substitute,
    take,
    through,
    wrap,
)
from readiness.facts.flows.flow_sources import Sources
from readiness.facts.flows.sinks import SinkKnowledge
from readiness.facts.flows.taint_calls import CallResults
from readiness.facts.linking.units import Binding, Unit
from readiness.facts.linking.values import ClassValue, Instance

MAX_DEPTH = 120
"""Definitions on the way from one use back to the model call."""

MAX_HOPS = 10
"""Functions of the repository that text is followed through."""

MAX_TRIES = 3
"""Times an answer is worked out that leans on one still being worked out."""

MAX_TARGETS = 6
"""Functions one call may run and still say what each of them is given; more is a dispatcher of unlike things."""

_ADDERS = frozenset(
    {"append", "extend", "add", "insert", "put", "put_nowait", "appendleft", "update", "write", "setdefault"}
)
_CONDITIONS = frozenset({"==", "!=", "in", "not in", "is", "is not", "<", ">", "<=", ">=", "not"})


class Taint:
    """Answers `marks(expression, unit)`; every answer is remembered."""

    def __init__(self, core: Core, sinks: SinkKnowledge) -> None:
        self.core, self.sinks = core, sinks
        self.sources = Sources(core, sinks)
        self.results = CallResults(self)
        self._known: dict[tuple[object, object], Marks] = {}
        self._active: dict[tuple[object, object], int] = {}
        self._tries: Counter[tuple[object, object]] = Counter()
        self._cut = MAX_DEPTH + 1
        self._additions: dict[Unit, dict[str, list[tuple[code.Expression | None, code.Expression]]]] = {}
        self.callees: dict[code.Node, list[Unit]] = defaultdict(list)
        for edges in core.graph.edges.values():
            for edge in edges:
                if edge.is_call:
                    self.callees[edge.node].append(edge.unit)

    def marks(self, expression: code.Expression, unit: Unit) -> Marks:
        """How model output is inside a value, parameters still open."""
        if isinstance(expression, code.Constant | code.Lambda):
            return NONE
        return self._guarded((expression, unit), lambda: self._marks(expression, unit))

    def found(self, expression: code.Expression, unit: Unit) -> Marks:
        """How model output is inside a value, whoever calls the function."""
        return self.resolved(self.marks(expression, unit))

    def resolved(self, marks: Iterable[Mark]) -> Marks:
        """The marks with every parameter replaced by what its callers pass."""
        found: set[Mark] = set()
        for mark in in_order(marks):
            if isinstance(mark.origin, Given):
                found |= substitute(mark, self.inputs(mark.origin))
            else:
                found.add(mark)
        return limited(found)

    def inputs(self, given: Given) -> Marks:
        """What the callers of a function pass for a parameter."""
        return self._guarded(("inputs", given), lambda: self._inputs(given))

    def returns(self, unit: Unit) -> Marks:
        """How model output is inside what a function returns or yields."""
        return self._guarded((unit, "returns"), lambda: self._returns(unit))

    def _guarded(self, key: tuple[object, object], compute: Callable[[], Marks]) -> Marks:
        known = self._known.get(key)
        if known is not None:
            return known
        depth = self._active.get(key)
        if depth is not None or len(self._active) > MAX_DEPTH:
            self._cut = min(self._cut, depth if depth is not None else 0)
            return NONE
        own = len(self._active)
        self._active[key] = own
        outer, self._cut = self._cut, MAX_DEPTH + 1
        found = limited(compute())
        del self._active[key]
        # An answer that leans on one still being worked out is complete only at the outermost of the two; it is worked
        # out again when asked again, but not for ever: definitions that all lean on each other would never end.
        self._tries[key] += 1
        if self._cut >= own or self._tries[key] >= MAX_TRIES:
            self._known[key] = found
        self._cut = outer if self._cut >= own else min(self._cut, outer)
        return found

    # -- expressions -------------------------------------------------------------------------------------------

    def _marks(self, e: code.Expression, unit: Unit) -> Marks:
        match e:
            case code.Name():
                return self._name(e, unit)
            case code.Member():
                return take(self.marks(e.base, unit), e.name) | self._attribute(e, unit)
            case code.Call():
                return self.results.marks(e, unit)
            case code.Index():
                return self._index(e, unit)
            case code.Template():
                return through(self._printed(e.parts, unit), e)
            case code.Operation():
                return self._operation(e, unit)
            case code.Choice():
                return self.marks(e.then, unit) | self.marks(e.otherwise, unit)
            case code.Await() | code.Spread() | code.Bind():
                return self.marks(e.value, unit)
            case code.Sequence():
                return self._sequence(e, unit)
            case code.Mapping():
                return self._mapping(e, unit)
            case code.Comprehension():
                found = wrap(self.marks(e.element, unit), ITEM)
                return found | (wrap(self.marks(e.key, unit), ITEM) if e.key is not None else NONE)
            case _:
                return NONE

    def _printed(self, parts: Iterable[code.Expression], unit: Unit) -> Marks:
        """Values made into text."""
        found = [m for part in parts for m in self.marks(part, unit)]
        return frozenset(replace(m, path=()) for m in found if not m.path)

    def _operation(self, e: code.Operation, unit: Unit) -> Marks:
        if e.operator in _CONDITIONS or " " in e.operator:
            return NONE
        found = frozenset(m for operand in e.operands for m in self.marks(operand, unit))
        return found if e.operator in ("or", "and", "|") else frozenset(replace(m, whole=False) for m in found)

    def _sequence(self, e: code.Sequence, unit: Unit) -> Marks:
        found: set[Mark] = set()
        for position, item in enumerate(e.items[:60]):
            marks = self.marks(item, unit)
            spread = isinstance(item, code.Spread)
            found |= marks if spread else wrap(marks, str(position) if e.kind == "tuple" else ITEM)
        return frozenset(found)

    def _mapping(self, e: code.Mapping, unit: Unit) -> Marks:
        found: set[Mark] = set()
        for key, value in e.items[:200]:
            marks = self.marks(value, unit)
            if marks:
                found |= marks if key is None else wrap(marks, self.key(key, unit))
        return frozenset(found)

    def key(self, key: code.Expression, unit: Unit) -> str:
        """The step that a key stands for: itself where it is constant, any item where not."""
        if isinstance(key, code.Operation) and key.operator == "-" and isinstance(key.operands[0], code.Constant):
            return f"-{key.operands[0].value!s}"
        return str(key.value) if isinstance(key, code.Constant) else ANY

    def _index(self, e: code.Index, unit: Unit) -> Marks:
        marks = self.marks(e.base, unit)
        if not marks:
            return NONE
        if isinstance(e.key, code.Slice):
            return frozenset(m for mark in marks for m in (through([mark], e) if not mark.path else [mark]))
        return take(marks, self.key(e.key, unit))

    # -- names -------------------------------------------------------------------------------------------------

    def _name(self, e: code.Name, unit: Unit) -> Marks:
        scope: Unit | None = unit
        while scope is not None:
            if scope is unit or scope.function is not None or scope.is_module:
                found = self._own(e.id, scope, e if scope is unit else None)
                if found is not None:
                    return found
            scope = scope.parent
        return NONE

    def _own(self, name: str, unit: Unit, use: code.Expression | None) -> Marks | None:
        parameter = unit.parameter(name)
        if name not in unit.bindings:
            return self._parameter(unit, name) | self._added(name, unit) if parameter is not None else None
        reaching = self.core.resolver.reaching(name, unit, use)
        bindings = [b for b in reaching if use is None or not _is_inside(use, b.value, unit)]
        found: set[Mark] = set(self._added(name, unit))
        for binding in bindings:
            found |= self.bound(binding, unit)
        if parameter is not None and not any(b.block == () and b.how != "augmented" for b in bindings):
            found |= self._parameter(unit, name)
        return frozenset(found)

    def _parameter(self, unit: Unit, name: str) -> Marks:
        if name in ("self", "cls"):
            return NONE
        tool = self.sources.tool_input(unit, name)
        open_mark = Mark(Given(unit, name), Kind.TEXT)
        return frozenset({open_mark, tool} if tool is not None else {open_mark})

    def bound(self, binding: Binding, unit: Unit) -> Marks:
        """The marks that one binding gives its name."""
        if binding.value is None:
            return NONE
        marks = self.marks(binding.value, binding.unit or unit)
        if not marks:
            return NONE
        match binding.how:
            case "item":
                items = take(marks, ITEM)
                return take(items, str(binding.part)) or items if binding.part >= 0 else items
            case "part":
                return take(marks, str(binding.part))
            case _:
                return marks

    def _added(self, name: str, unit: Unit) -> Marks:
        """What is put into a container by a method or by key."""
        additions = self._additions.get(unit)
        if additions is None:
            additions = self._additions[unit] = _additions(unit)
        found: set[Mark] = set()
        for key, value in additions.get(name, ()):
            marks = wrap(self.marks(value, unit), ITEM)
            found |= wrap(marks, self.key(key, unit)) if key is not None else marks
        for key, value in unit.items.get(name, ()):
            found |= wrap(self.marks(value, unit), self.key(key, unit))
        return frozenset(found)

    def _attribute(self, e: code.Member, unit: Unit) -> Marks:
        """What an attribute of an object of the repository holds, from every assignment to it."""
        found: set[Mark] = set()
        for value in self.core.resolver.values(e.base, unit):
            if not isinstance(value, Instance | ClassValue):
                continue
            family = (value.info, *self.core.resolver.classes.bases(value.info)[0])
            for info in family:
                for binding, owner in info.attributes.get(e.name, ()):
                    found |= self.bound(binding, owner)
                method = info.methods.get(e.name)
                if method is not None and method.function is not None and _is_property(method.function):
                    found |= self.returns(method)
        return frozenset(found)

    # -- functions ---------------------------------------------------------------------------------------------

    def _returns(self, unit: Unit) -> Marks:
        if unit.function is None:
            return NONE
        found: set[Mark] = set()
        for value in unit.returns:
            found |= self.marks(value, unit)
        for given in unit.yields:
            if given.value is not None:
                marks = self.marks(given.value, unit)
                found |= marks if given.many else wrap(marks, ITEM)
        return frozenset(m for m in found if m.hops < MAX_HOPS)

    def _inputs(self, given: Given) -> Marks:
        unit, name = given.unit, given.name
        found: set[Mark] = set()
        for edge in self.core.graph.callers.get(unit, ())[:80]:
            if len(self.callees.get(edge.node, ())) > MAX_TARGETS:
                continue
            if isinstance(edge.node, code.Call) and (edge.is_call or self._calls_object(edge.node, edge.unit, unit)):
                found |= self.resolved(self.results.argument(edge.node, edge.unit, unit, name))
        found |= self._state(unit, name)
        return frozenset(m for m in found if m.hops < MAX_HOPS)

    def _calls_object(self, call: code.Call, caller: Unit, unit: Unit) -> bool:
        values = self.core.resolver.values(call.function, caller) if unit.owner is not None else ()
        return any(isinstance(v, Instance) and unit in self.results.run_by_call(v) for v in values)

    def _state(self, unit: Unit, name: str) -> Marks:
        """The state that a node of a graph is given: what the other nodes returned."""
        group = self.sources.groups.get(unit)
        if group is None or unit.function is None or not _is_first(unit.function, name):
            return NONE
        found: set[Mark] = set()
        for node in sorted(group, key=lambda u: u.place):
            found |= self.resolved(self.returns(node))
        return _merged(m for m in found if m.path)


def _merged(returned: Iterable[Mark]) -> Marks:
    """What a graph makes of what its nodes return: `Command(update=…)` is opened, a single message joins the list."""
    found = {replace(m, path=m.path[1:]) if m.path[0] == "update" and m.path[1:] else m for m in returned}
    single = {m.path[0] for m in found if m.whole and len(m.path) == 1}
    return frozenset(found | {replace(m, path=(m.path[0], ITEM, *m.path[1:])) for m in found if m.path[0] in single})


def _additions(unit: Unit) -> dict[str, list[tuple[code.Expression | None, code.Expression]]]:
    """What is put into containers by methods: by the container's name, with the key it lies under in that, if any."""
    found: dict[str, list[tuple[code.Expression | None, code.Expression]]] = defaultdict(list)
    for call in unit.calls:
        function = call.function
        if isinstance(function, code.Member) and function.name in _ADDERS:
            match function.base:
                case code.Name(id=name):
                    found[name].extend((None, a) for a in call.arguments[-1:])
                case code.Index(base=code.Name(id=name), key=key):
                    found[name].extend((key, a) for a in call.arguments[-1:])
    return found


def _is_inside(use: code.Node, value: code.Expression | None, unit: Unit) -> bool:
    """Whether a name is used in the very expression that gives it its next value."""
    return value is not None and (use is value or any(above is value for above in unit.enclosing(use)))


def _is_first(function: code.Function, name: str) -> bool:
    names = [p.name for p in function.parameters if p.name not in ("self", "cls")]
    return names[:1] == [name]


def _is_property(function: code.Function) -> bool:
    return any(isinstance(d, code.Name) and d.id in ("property", "cached_property") for d in function.decorators)
