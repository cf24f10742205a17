"""What `**options` hold: literals, what is assigned into them, helpers that return them, callers that pass them on.

rules-of-evidence.md, "Resolution": mapping and `**kwargs` literals are followed, also one that a project function
returns or that a comprehension only frees of None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.linking.definitions import Definitions
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Items, Known, Values
from readiness.facts.place import Place

MAX_LOOKS = 150
"""Expressions looked at for one entry."""

_SAME_CONTENT = frozenset({"copy", "deepcopy", "dict", "items", "model_dump"})


@dataclass(frozen=True, slots=True)
class Given:
    """One argument as given: the values it can have (the default first) and where it is written.

    `conditional`: only some path through the code gives it. No values: it stands in options that cannot be seen.
    """

    values: Values
    place: Place
    expression: code.Expression | None = None
    conditional: bool = False
    unit: Unit | None = None
    """The unit the expression stands in."""


class Options:
    """Looks up one entry of a mapping; None where it surely has none of that name."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._definitions = Definitions(resolver)
        self._seen: set[tuple[code.Node, Unit]] = set()
        self._known: dict[tuple[code.Node, Unit, str], Given | None] = {}
        self._callers: dict[Unit, list[tuple[code.Call, Unit]]] = {}

    def find(self, options: code.Expression, unit: Unit, name: str) -> Given | None:
        """The entry that `**options` in a unit may hold."""
        key = (options, unit, name)
        if key not in self._known:
            self._seen = set()
            self._known[key] = self._look(options, unit, name)
        return self._known[key]

    def _look(self, e: code.Expression, unit: Unit, name: str) -> Given | None:
        if (e, unit) in self._seen or len(self._seen) > MAX_LOOKS:
            return None
        self._seen.add((e, unit))
        match e:
            case code.Mapping(items=items):
                return self._entry(items, unit, name)
            case code.Comprehension(kind="mapping", sources=[source, *_]):
                return self._look(source.iterable, unit, name)
            case code.Operation(operator="|", operands=operands):
                return next((g for o in reversed(operands) if (g := self._look(o, unit, name)) is not None), None)
            case code.Operation(operator="or", operands=operands):
                return _merged([self._look(o, unit, name) for o in operands])
            case code.Choice(then=then, otherwise=otherwise):
                return _merged([self._look(then, unit, name), self._look(otherwise, unit, name)])
            case code.Name():
                return self._name(e, unit, name)
            case code.Call():
                return self._call(e, unit, name)
            case code.Member() | code.Index():
                defined, _ = self._definitions.of(e, unit)
                return _merged([self._look(d, u, name) for d, u in defined]) if defined else self._value(e, unit, name)
            case code.Constant():
                return None
            case _:
                return Given((), unit.at(e), conditional=True)

    def _entry(
        self, items: Iterable[tuple[code.Expression | None, code.Expression]], unit: Unit, name: str
    ) -> Given | None:
        unseen: Given | None = None
        for key, value in reversed(list(items)):
            if isinstance(key, code.Constant) and key.value == name:
                return self._at(value, unit)
            if key is not None and self._may_be(key, unit, name):
                # `{"max_completion_tokens" if reasons else "max_tokens": 500}`: one of several names is given.
                return self._at(value, unit)
            if key is None:
                found = self._look(value, unit, name)
                if found is not None and found.values:
                    return found
                unseen = unseen or found
        return unseen

    def _may_be(self, key: code.Expression, unit: Unit, name: str) -> bool:
        """Whether a computed key can be a name."""
        if isinstance(key, code.Constant):
            return False
        return any(isinstance(v, Known) and v.value == name for v in self._resolver.values(key, unit))

    def _name(self, e: code.Name, unit: Unit, name: str) -> Given | None:
        assigned: list[Given | None] = []
        for key, value in self._assigned(e.id, unit):
            if key == name:
                given = self._at(value, unit, not _stands_before(value, e, unit))
                if not given.conditional:
                    return given
                assigned.append(given)
            elif key is None and value is not e and (found := self._look(value, unit, name)) is not None:
                assigned.append(found)
        parameter = unit.parameter(e.id)
        if parameter is not None and parameter.kind == "options":
            bindings = self._resolver.reaching(e.id, unit, e) if e.id in unit.bindings else []
            is_new = any(b.block == () and b.how != "augmented" for b in bindings)
            ways = [self._look(b.value, b.unit or unit, name) for b in bindings if b.value is not None]
            return _merged([*([] if is_new else self._forwarded(unit, name)), *ways, *assigned])
        defined, _ = self._definitions.of(e, unit)
        if not defined and not assigned:
            return self._value(e, unit, name)
        return _merged([*(self._look(d, u, name) for d, u in defined), *assigned])

    def _assigned(self, options: str, unit: Unit) -> list[tuple[str | None, code.Expression]]:
        """`options["x"] = value`, `options.update(x=value)`; a key of None where all of another mapping goes in."""
        found: list[tuple[str | None, code.Expression]] = [
            (k.value, v)
            for k, v in unit.items.get(options, ())
            if isinstance(k, code.Constant) and isinstance(k.value, str)
        ]
        for call in unit.calls:
            match call.function:
                case code.Member(base=code.Name(id=owner), name="update") if owner == options:
                    found.extend((k.name, k.value) for k in call.keywords)
                    found.extend((None, a) for a in call.arguments)
                case code.Member(base=code.Name(id=owner), name="setdefault") if (
                    owner == options and len(call.arguments) == 2
                ):
                    key = call.arguments[0]
                    if isinstance(key, code.Constant) and isinstance(key.value, str):
                        found.append((key.value, call.arguments[1]))
        return found

    def _forwarded(self, unit: Unit, name: str) -> list[Given | None]:
        """What each caller passes on through a function's own `**options`."""
        found: list[Given | None] = []
        if unit not in self._callers:
            self._callers[unit] = self._resolver.classes.callers(unit)
        for call, owner in self._callers[unit]:
            argument = call.keyword(name)
            if argument is not None:
                found.append(self._at(argument, owner))
                continue
            spreads = [self._look(k.value, owner, name) for k in call.keywords if k.name is None]
            found.append(next((g for g in spreads if g is not None), None))
        return found

    def _call(self, call: code.Call, unit: Unit, name: str) -> Given | None:
        defined, _ = self._definitions.of(call, unit)
        if defined:
            return _merged([self._look(d, u, name) for d, u in defined])
        if last_name(call.function) in _SAME_CONTENT:
            argument = call.keyword(name)
            if argument is not None:
                return self._at(argument, unit)
            inner = call.arguments[0] if call.arguments else None
            if inner is None and isinstance(call.function, code.Member):
                inner = call.function.base
            return self._look(inner, unit, name) if inner is not None else None
        return self._value(call, unit, name)

    def _value(self, e: code.Expression, unit: Unit, name: str) -> Given | None:
        """By what the expression resolves to: literals elsewhere, or the constructor of a configuration object."""
        given: list[Given | None] = []
        for value in self._resolver.values(e, unit):
            match value:
                case Items(literal=literal, unit=owner):
                    given.append(self._look(literal, owner, name))
                case External(_, steps) if steps:
                    argument = steps[-1].call.keyword(name)
                    seen = (
                        self._at(argument, steps[-1].unit)
                        if argument is not None
                        else Given((), unit.at(e), conditional=True)
                    )
                    given.append(seen)
                case _:
                    given.append(Given((), unit.at(e), conditional=True))
        return _merged(given)

    def _at(self, value: code.Expression, unit: Unit, conditional: bool = False) -> Given:
        return Given(self._resolver.values(value, unit), unit.at(value), value, conditional, unit)


def _merged(given: list[Given | None]) -> Given | None:
    """Several ways as one: the first that is told, conditional unless every way tells it."""
    told = [g for g in given if g is not None and g.values]
    if not told:
        return next((g for g in given if g is not None), None)
    first = told[0]
    values = tuple(dict.fromkeys(v for g in told for v in g.values))
    return Given(values, first.place, first.expression, first.conditional or len(told) < len(given), first.unit)


def _stands_before(value: code.Node, use: code.Node, unit: Unit) -> bool:
    """Whether a statement is on every path to a use: it is earlier, and in no block that the use is not in."""
    block = _block(value, unit)
    return value.line <= use.line and block == _block(use, unit)[: len(block)]


def _block(node: code.Node, unit: Unit) -> tuple[int, ...]:
    for around in (node, *unit.enclosing(node)):
        if around in unit.blocks:
            return unit.blocks[around]
    return ()
