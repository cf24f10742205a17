"""Tests that make a model, or what it depends on, fail, and look at what becomes of it (failure-mode-tests)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.evals.collected_tests import CollectedTest, CollectedTests
from readiness.facts.evals.failure_knowledge import load_failures
from readiness.facts.evals.replacements import Replacements
from readiness.facts.evals.test_reach import TestReach
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import ClassValue, External, FunctionValue, Instance, LambdaValue, Value
from readiness.facts.place import Place
from readiness.repository.tree import Role

ALL = frozenset({"timeout", "overload", "malformed", "outage", "generic"})
MAX_FOLLOWED = 200
"""Tests that simulate a failure and are followed into the project."""
MAX_UNITS = 60
_TIMEOUTS = frozenset({408, 504})
_OVERLOADS = frozenset({429, 500, 502, 503, 529})


@dataclass(frozen=True, slots=True)
class FailureTest:
    """One test, and one kind of failure that it simulates: timeout, overload, malformed, outage or generic."""

    place: Place
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class FailureTests:
    """The first test of each kind of failure, by place."""

    tests: tuple[FailureTest, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of failure that tests simulate."""
        return tuple(sorted({test.kind for test in self.tests}))

    @property
    def missing(self) -> tuple[str, ...]:
        """Those that none does, in plain words."""
        words = {
            "timeout": "a timeout",
            "overload": "a rate limit or server error",
            "malformed": "a malformed answer",
            "outage": "an outage of the data or a dependency",
        }
        return tuple(text for kind, text in words.items() if kind not in self.kinds)


def find_failure_tests(core: Core, tests: CollectedTests) -> FailureTests:
    """The tests of a linked program that simulate failures on the way to a model."""
    calls = [c for c in core.calls if c.role is Role.SERVING and c.importable]
    if not calls or not tests.tests:
        return FailureTests()
    return _Finder(core, tests, calls).find()


class _Finder:
    def __init__(self, core: Core, tests: CollectedTests, calls: list[ModelCall]) -> None:
        self._core, self._tests, self._knowledge = core, tests, load_failures()
        self._calling = {unit for c in calls for _, unit in c.runs}
        self._path = self._on_the_way()

    def _on_the_way(self) -> set[Unit]:
        """The serving units that belong to the service around a model: what its entry points run."""
        found = set(self._calling)
        for entry in self._core.entry_points:
            reached = self._core.reached_from(entry) if entry.unit.module.role is Role.SERVING else {}
            if not self._calling.isdisjoint(reached):
                found.update(reached)
        return found

    def find(self) -> FailureTests:
        found: dict[str, FailureTest] = {}
        reach, followed = TestReach(self._core, self._tests), 0
        for test in self._tests.tests:
            if test.blocked or test.unit.module.role is not Role.TEST or followed >= MAX_FOLLOWED:
                continue
            units = self._units(test)
            kinds = {kind for kind, _ in self._simulated(units, test)} - found.keys()
            if not kinds or not self._asserts(units):
                continue
            followed += 1
            if self._path.isdisjoint(reach.follow([test], Replacements()).units):
                continue
            for kind, text in self._simulated(units, test):
                if kind in kinds:
                    found.setdefault(kind, FailureTest(test.unit.place, f"{test.unit.name}: {text}", kind))
            if found.keys() >= ALL:
                break
        return FailureTests(tuple(sorted(found.values(), key=lambda t: (t.place, t.kind))))

    # -- what belongs to a test --------------------------------------------------------------------------------

    def _units(self, test: CollectedTest) -> list[Unit]:
        """The test, its own fixtures, the functions inside them, and the fakes and helpers of test code they use."""
        near = [u for u in test.scope if u is test.unit or u.module is test.unit.module]
        for unit in near:
            if len(near) >= MAX_UNITS:
                break
            for one in self._used(unit):
                if one.module.role is Role.TEST and one not in near:
                    near.append(one)
        return near

    def _used(self, unit: Unit) -> Iterator[Unit]:
        yield from unit.nested.values()
        for info in unit.classes.values():
            yield from info.methods.values() if not unit.is_module else ()
        for edge in self._core.graph.edges.get(unit, ()):
            yield edge.unit
        for call in unit.calls:
            for argument in (*call.arguments, *(k.value for k in call.keywords)):
                if isinstance(argument, code.Name | code.Call):
                    for value in self._core.resolver.values(argument, unit)[:3]:
                        if isinstance(value, FunctionValue):
                            yield value.unit
                        elif isinstance(value, Instance | ClassValue):
                            yield from value.info.methods.values()

    @staticmethod
    def _asserts(units: Iterable[Unit]) -> bool:
        """Whether the outcome is looked at, and not only that the failure came through."""
        for unit in units:
            if any(isinstance(node, code.Assert) for node in code.walk(unit.body)):
                return True
            if any(last_name(call.function).startswith("assert") for call in unit.calls):
                return True
        return False

    # -- simulated failures ------------------------------------------------------------------------------------

    def _simulated(self, units: list[Unit], test: CollectedTest) -> Iterator[tuple[str, str]]:
        for decorator, scope in test.decorators:
            if isinstance(decorator, code.Call):
                yield from self._by_call(decorator, scope, test)
        for unit in units:
            if unit is not test.unit:
                yield from self._raised(unit, test)
            for member, binding in unit.members:
                if binding.value is not None and member.name in self._knowledge.raising:
                    yield from self._thrown(binding.value, unit, test)
                elif binding.value is not None and member.name in self._knowledge.statuses:
                    yield from _of_status(binding.value)
            for call in unit.calls:
                if not any(isinstance(above, code.Assert) for above in unit.enclosing(call)):
                    yield from self._by_call(call, unit, test)

    def _raised(self, unit: Unit, test: CollectedTest) -> Iterator[tuple[str, str]]:
        """What a fake raises; under a condition any error may be a complaint of the fake about its own use."""
        for node in unit.parents:
            if isinstance(node, code.Raise) and node.value is not None:
                yield from self._complaints(node, unit, test)
        for node in unit.body:
            if isinstance(node, code.Raise) and node.value is not None:
                yield from self._thrown(node.value, unit, test)

    def _complaints(self, node: code.Raise, unit: Unit, test: CollectedTest) -> Iterator[tuple[str, str]]:
        conditional = any(isinstance(above, code.If | code.Handler) for above in unit.enclosing(node))
        for kind, text in self._thrown(node.value, unit, test) if node.value is not None else ():
            if kind != "generic" or not conditional:
                yield kind, text

    def _by_call(self, call: code.Call, unit: Unit, test: CollectedTest) -> Iterator[tuple[str, str]]:
        name = last_name(call.function)
        if name in ("raises", "fail", "isinstance", "skip") or name.startswith("assert"):
            return
        for keyword in call.keywords:
            if keyword.name in self._knowledge.raising:
                yield from self._thrown(keyword.value, unit, test)
            elif keyword.name in self._knowledge.statuses:
                yield from self._status(keyword.value, unit, test)
            elif keyword.name in self._knowledge.switches:
                yield "overload", f"{keyword.name}="
        if name in self._knowledge.throwing and call.arguments:
            yield from self._thrown(call.arguments[0], unit, test)
        for argument in self._positional_statuses(call, unit):
            yield from self._status(argument, unit, test)
        for argument in (*call.arguments, *(k.value for k in call.keywords if k.name != "match")):
            if isinstance(argument, code.Constant) and isinstance(argument.value, str) and _is_broken(argument.value):
                yield "malformed", f"{argument.value[:30]!r} as an answer"

    def _positional_statuses(self, call: code.Call, unit: Unit) -> Iterator[code.Expression]:
        if last_name(call.function) in self._knowledge.responses:
            yield from call.arguments
            return
        for value in self._core.resolver.values(call.function, unit)[:1] if call.arguments else ():
            if isinstance(value, FunctionValue) and value.unit.module.role is Role.TEST and value.unit.function:
                parameters = [p for p in value.unit.function.parameters if p.name not in ("self", "cls")]
                for parameter, argument in zip(parameters, call.arguments, strict=False):
                    if parameter.name in self._knowledge.statuses:
                        yield argument

    def _status(self, expression: code.Expression, unit: Unit, test: CollectedTest) -> Iterator[tuple[str, str]]:
        yield from _of_status(expression)
        if isinstance(expression, code.Name) and unit.parameter(expression.id) is not None:
            for node in self._parametrised(expression.id, test):
                yield from _of_status(node)

    def _thrown(self, expression: code.Expression, unit: Unit, test: CollectedTest) -> Iterator[tuple[str, str]]:
        """The kinds of the exceptions that an expression stands for, items of a list and parameters included."""
        if isinstance(expression, code.Sequence):
            for item in expression.items:
                if isinstance(item, code.Name | code.Member | code.Call):
                    yield from self._thrown(item, unit, test)
            return
        if isinstance(expression, code.Name):
            given = list(self._parametrised(expression.id, test))
            for node in given if expression.id not in unit.bindings else ():
                yield from self._kind(node, test.unit.module.body)
            if given:
                return
        yield from self._kind(expression, unit)

    def _kind(self, expression: code.Expression, unit: Unit) -> Iterator[tuple[str, str]]:
        if not isinstance(expression, code.Name | code.Member | code.Call):
            return
        values = self._core.resolver.values(expression, unit)[:4]
        names = [name for name in (self._names(value) for value in values) if name]
        if not names:
            if any(isinstance(v, FunctionValue | LambdaValue) for v in values):
                return
            written = expression.function if isinstance(expression, code.Call) else expression
            names = [[last_name(written)]]
        for one in names:
            if _is_exception(one):
                kind = self._knowledge.kind_of(one)
                if kind:
                    yield kind, one[0]

    def _names(self, value: Value) -> list[str]:
        """The last names of an exception class and of its bases."""
        match value:
            case External(path):
                return [path.replace("()", "").rpartition(".")[2]]
            case Instance(info) | ClassValue(info):
                own, outer = self._core.resolver.classes.bases(info)
                return [info.node.name, *(c.node.name for c in own), *(b.rpartition(".")[2] for b in outer)]
            case _:
                return []

    @staticmethod
    def _parametrised(name: str, test: CollectedTest) -> Iterator[code.Expression]:
        """The values that a parameter of a test is given by its `parametrize` marks."""
        for decorator, _ in test.decorators:
            if not isinstance(decorator, code.Call) or last_name(decorator.function) != "parametrize":
                continue
            first = decorator.arguments[0] if decorator.arguments else None
            if first is not None and any(
                isinstance(n, code.Constant) and name in str(n.value) for n in code.walk(first)
            ):
                for argument in decorator.arguments[1:2]:
                    for node in code.walk(argument):
                        if isinstance(node, code.Constant | code.Call | code.Name | code.Member):
                            yield node


def _of_status(expression: code.Expression) -> Iterator[tuple[str, str]]:
    if isinstance(expression, code.Constant) and isinstance(expression.value, int):
        if expression.value in _TIMEOUTS:
            yield "timeout", f"status {expression.value}"
        elif expression.value in _OVERLOADS:
            yield "overload", f"status {expression.value}"


def _is_exception(names: list[str]) -> bool:
    """Whether a class is an exception, by its name or by what it derives from."""
    endings = ("Error", "Exception", "Timeout", "timeout", "Warning", "Exhausted", "Exceeded", "Refused", "Failure")
    return any(name.endswith(endings) or name in ("gaierror", "NotFound", "NoSuchKey") for name in names)


def _is_broken(text: str) -> bool:
    """Whether a text begins like data, or like the page of a proxy, and is no data."""
    start = text.lstrip()[:9].lower()
    if start.startswith(("<html", "<!doctype")):
        return True
    if start[:1] not in ("{", "[") or '"' not in text[:2_000] or "{{" in text or "{%" in text or len(text) > 20_000:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return "%s" not in text and "\\" not in text and not text.rstrip().endswith(("}", "]"))
    return False
