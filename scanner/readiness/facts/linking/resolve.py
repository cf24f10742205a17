"""What does this expression stand for? rules-of-evidence.md, "Resolution".

The resolver follows imports, assignments, `self.x`, defaults, settings, partials, factories and project functions to
the external symbols and literal values behind an expression. It answers with alternatives, the default first, and
says `Unknown` rather than guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from readiness.extract import code
from readiness.facts.linking.access import Access
from readiness.facts.linking.calling import Calling
from readiness.facts.linking.environment import Environment
from readiness.facts.linking.members import Classes
from readiness.facts.linking.names import Names
from readiness.facts.linking.operators import Operators
from readiness.facts.linking.program import Program
from readiness.facts.linking.prompt_assets import PromptAssets
from readiness.facts.linking.units import Binding, ModuleInfo, Unit
from readiness.facts.linking.values import MAX_ALTERNATIVES, Items, Known, LambdaValue, Pieces, Unknown, Value, Values

Thing = TypeVar("Thing")

MAX_TRIES = 3
"""How often an answer in a knot of mutual definitions is worked out anew before it is remembered as it is."""

MAX_ANSWERS = 3_000_000
"""Answers that are worked out for one repository, ten times what the largest seen needs; then every other is unknown.

A count, not a clock: the same commit must give the same report on any machine.
"""

MAX_DEPTH = 60
"""Hops after which a chain of definitions is given up as unknown."""


class Symbols(Protocol):
    """What the resolver must know of the world's SDKs (see `knowledge.py`)."""

    def normalise(self, symbol: str) -> str:
        """The canonical name of an import path."""
        ...

    def is_modifier(self, path: str, method: str) -> bool:
        """Whether calling `method` on what `path` stands for gives the same thing with more settings."""
        ...

    def is_selector(self, method: str) -> bool:
        """Whether the keyword arguments of this modifier are other things to run in its place."""
        ...

    def stands_for(self, path: str) -> str | None:
        """The constructor argument that an object of this library class stands for, if it does."""
        ...


class Settings(Protocol):
    """Where values outside the code are looked up: sample environments, manifests, settings and prompt files."""

    prompts: PromptAssets

    def variable(self, name: str) -> Known | None:
        """The value the repository's own configuration gives an environment variable."""
        ...

    def entry(self, keys: tuple[str, ...]) -> Known | None:
        """The value of a key path in the repository's settings files."""
        ...

    def in_file(self, file: str, key: str) -> Known | Pieces | None:
        """The value of a key in the settings file of this name."""
        ...


class Resolver:
    """Answers `values(expression, unit)`; every answer is remembered."""

    def __init__(self, program: Program, symbols: Symbols, settings: Settings) -> None:
        self.program, self.symbols, self.settings = program, symbols, settings
        self._canonical: dict[str, str] = {}
        self.classes = Classes(self)
        self.environment = Environment(self)
        self._names, self._access = Names(self), Access(self)
        self._calling, self._operators = Calling(self), Operators(self)
        self._known: dict[tuple[object, object], Values] = {}
        self._active: dict[tuple[object, object], int] = {}
        """What is being worked out, outermost first, each with its depth."""
        self._cut = MAX_DEPTH + 1
        """The outermost depth at which the answer being worked out was refused itself."""
        self._tries: dict[tuple[object, object], int] = {}
        self._answers = 0

    def values(self, expression: code.Expression, unit: Unit) -> Values:
        """The alternatives an expression of a unit can stand for; never empty, the default first."""
        known = self._known.get((expression, unit))
        if known is None:
            known = self.once((expression, unit), lambda: self._values(expression, unit))
        return known or (Unknown(),)

    def once(self, key: tuple[object, object], compute: Callable[[], Values]) -> Values:
        """Compute once; a value defined through itself, or deeper than the cap, gives nothing."""
        known = self._known.get(key)
        if known is not None:
            return known
        depth = self._active.get(key)
        self._answers += 1
        if depth is not None or len(self._active) > MAX_DEPTH or self._answers > MAX_ANSWERS:
            self._cut = min(self._cut, depth if depth is not None else 0)
            return ()
        own = len(self._active)
        self._active[key] = own
        outer_cut, self._cut = self._cut, MAX_DEPTH + 1
        found = _distinct(compute())
        del self._active[key]
        # An answer that leans on a definition still being worked out is only complete at the outermost of the two.
        tries = self._tries[key] = self._tries.get(key, 0) + 1
        if self._cut >= own or tries >= MAX_TRIES:
            self._known[key] = found
            self._cut = outer_cut
        else:
            self._cut = min(self._cut, outer_cut)
        return found

    def _values(self, e: code.Expression, unit: Unit) -> Values:
        match e:
            case code.Name():
                return self.name(e.id, unit, e)
            case code.Member():
                return self.each(self.values(e.base, unit), lambda v: self.member(v, e.name))
            case code.Call():
                return self._call(e, unit)
            case code.Constant():
                return (Known(e.value, (unit.module.path, e.line)),)
            case code.Template():
                return self._operators.template(e, unit)
            case code.Mapping() | code.Sequence() | code.Comprehension():
                return (Items(e, unit),)
            case code.Index():
                return self.each(self.values(e.base, unit), lambda v: self.item(v, e.key, unit))
            case code.Operation():
                return self._operators.operation(e, unit)
            case code.Choice():
                return (*self.values(e.then, unit), *self.values(e.otherwise, unit))
            case code.Await() | code.Spread() | code.Bind():
                return self.values(e.value, unit)
            case code.Lambda():
                return (LambdaValue(e, unit),)
            case _:
                return (Unknown(),)

    def canonical(self, symbol: str) -> str:
        """The canonical name of an import path."""
        known = self._canonical.get(symbol)
        if known is None:
            known = self._canonical[symbol] = self.symbols.normalise(symbol)
        return known

    def each(self, things: Iterable[Thing], step: Callable[[Thing], Values]) -> Values:
        """What a step gives for each alternative, in order."""
        return tuple(found for thing in things for found in step(thing))

    def _call(self, call: code.Call, unit: Unit) -> Values:
        return self.each(self.values(call.function, unit), lambda v: self.called(v, call, unit))

    def union(self, expressions: Iterable[code.Expression], unit: Unit) -> Values:
        """The alternatives of several expressions of a unit together."""
        found: list[Value] = []
        for expression in expressions:
            found.extend(self.values(expression, unit))
            if len(found) > MAX_ALTERNATIVES:
                break
        return tuple(found)

    def constant(self, expression: code.Expression, unit: Unit) -> code.Scalar:
        """The first value of an expression that is written in the repository; None where there is none."""
        return next((v.value for v in self.values(expression, unit) if isinstance(v, Known)), None)

    def name(self, name: str, unit: Unit, use: code.Expression | None = None) -> Values:
        """What a bare name stands for in a unit, at the line of `use` where given."""
        return self._names.name(name, unit, use)

    def symbol(self, dotted: str, importer: ModuleInfo) -> Values:
        """What a dotted name in a text stands for, as if imported."""
        return self._names.symbol(dotted, importer)

    def reaching(self, name: str, unit: Unit, use: code.Expression | None) -> list[Binding]:
        """The bindings of a name that can reach a use of it."""
        return self._names.reaching(name, unit, use)

    def binding(self, binding: Binding, unit: Unit) -> Values:
        """What one binding gives its name."""
        return self._names.binding(binding, unit)

    def exported(self, module: ModuleInfo, name: str) -> Values:
        """What a module of the repository offers under a name; empty where it has no such name."""
        return self._names.exported(module, name)

    def member(self, value: Value, name: str) -> Values:
        """What `value.name` stands for."""
        return self._access.member(value, name)

    def item(self, value: Value, key: code.Expression | None, unit: Unit) -> Values:
        """What `value[key]` stands for; every item where the key is not known."""
        return self._access.item(value, key, unit)

    def items_of(self, value: Value) -> Values:
        """What iterating over a value gives."""
        return self._access.items_of(value)

    def entered(self, value: Value) -> Values:
        """What `with value as x` gives."""
        return self._access.entered(value)

    def part(self, value: Value, position: int) -> Values:
        """The `position`-th member of an unpacked value."""
        return self._access.part(value, position)

    def called(self, function: Value, call: code.Call, unit: Unit) -> Values:
        """What calling a value gives."""
        return self._calling.called(function, call, unit)

    def returned(self, unit: Unit) -> Values:
        """What a function of the repository returns."""
        return self._calling.returned(unit)

    def parameter(self, unit: Unit, parameter: code.Parameter) -> Values:
        """What a parameter can be."""
        return self._calling.parameter(unit, parameter)

    def annotated(self, annotation: code.Expression, unit: Unit) -> Values:
        """What an annotation promises: an instance of each class it names."""
        return self._calling.annotated(annotation, unit)


def _distinct(values: Values) -> Values:
    if len(values) < 2:
        return values
    return tuple(dict.fromkeys(values))[:MAX_ALTERNATIVES]
