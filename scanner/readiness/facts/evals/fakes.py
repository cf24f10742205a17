"""Tests that run the real pipeline with a stand-in for the model, and the modules and entry points they cover.

The rule is Google's Rule #5 (test the infrastructure independently from the model): a test counts when it reaches a
model call through the project's own code, with the model replaced where that code looks it up.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.evals.collected_tests import CollectedTest, CollectedTests
from readiness.facts.evals.replacements import ReplacementFinder, Replacements
from readiness.facts.evals.test_reach import Reach, TestReach
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import ClassValue, External, FunctionValue, Instance, ModuleValue, Values
from readiness.facts.place import Place
from readiness.facts.sdks.symbols import root
from readiness.repository.tree import Role

MAX_GROUPS = 300
"""Groups of tests that replace the same which are followed; a suite beyond that has long told what it covers."""

THIN = 6
"""A function whose body has no more statements than this, one of them the call, is a thin wrapper of the call."""


@dataclass(frozen=True, slots=True)
class FakeTest:
    """A test that reaches model calls with a stand-in; `modules` are the serving modules whose calls it reaches."""

    place: Place
    text: str
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FakeTests:
    """Which model-calling modules, and which entry points that reach a model, are driven by tests with a stand-in.

    `blocked` are tests that look like it but cannot run, are skipped, or wait for a key.
    """

    tests: tuple[FakeTest, ...] = ()
    modules: tuple[str, ...] = ()
    covered_modules: tuple[str, ...] = ()
    entries: int = 0
    covered_entries: int = 0
    blocked: tuple[FakeTest, ...] = ()

    @property
    def share(self) -> float:
        """The share of the modules that call a model which such tests cover."""
        return len(self.covered_modules) / len(self.modules) if self.modules else 0.0

    @property
    def drives_every_entry(self) -> bool:
        """Whether every entry point that reaches a model is driven to the call."""
        return self.entries > 0 and self.covered_entries == self.entries

    @property
    def uncovered(self) -> tuple[str, ...]:
        """The modules that call a model and that no such test reaches."""
        return tuple(m for m in self.modules if m not in self.covered_modules)


def find_fakes(core: Core, tests: CollectedTests) -> FakeTests:
    """The tests of a linked program that drive model calls offline."""
    calls = [c for c in core.calls if c.role is Role.SERVING and c.importable and not c.is_probe]
    if not calls or not tests.tests:
        return FakeTests(modules=_modules(calls))
    return _Coverage(core, tests, calls).find()


class _Coverage:
    def __init__(self, core: Core, tests: CollectedTests, calls: list[ModelCall]) -> None:
        self._core, self._tests, self._calls = core, tests, calls
        self._finder, self._reach = ReplacementFinder(core, tests), TestReach(core, tests)
        self._entries = [
            e
            for e in core.entry_points
            if e.is_network and e.unit.module.role is Role.SERVING and self._reaches(e, calls)
        ]
        self._names: dict[ModelCall, frozenset[str]] = {}
        self._graphs: dict[ModelCall, list[ModelCall]] = defaultdict(list)
        for call in calls:
            if call.inside is not None and call.inside is not call:
                self._graphs[call.inside].append(call)

    def find(self) -> FakeTests:
        groups: dict[tuple[str, bool, tuple[object, ...]], list[CollectedTest]] = defaultdict(list)
        replaced: dict[tuple[str, bool, tuple[object, ...]], Replacements] = {}
        for test in self._tests.tests:
            if test.unit.module.role is Role.TEST:
                what = self._finder.of(test)
                key = (test.unit.module.path, bool(test.blocked), what.key)
                groups[key].append(test)
                replaced[key] = what
        good: list[FakeTest] = []
        blocked: list[FakeTest] = []
        driven: set[EntryPoint] = set()
        for key, tests in list(groups.items())[:MAX_GROUPS]:
            reach = self._reach.follow(tests, replaced[key])
            covered = [c for c in self._calls if self._covers(c, reach, replaced[key])]
            if not covered:
                continue
            ran = reach.units | reach.replaced
            modules = tuple(sorted({u.module.path for c in covered for _, u in c.runs if u in ran}))
            unit = self._shown(tests, covered, replaced[key]).unit
            found = FakeTest(unit.place, f"{unit.name} reaches {', '.join(modules[:3])}", modules)
            (blocked if tests[0].blocked else good).append(found)
            if not tests[0].blocked:
                driven.update(e for e in reach.entries if self._reaches(e, covered))
        covered_modules = {m for test in good for m in test.modules}
        modules = _modules(self._calls)
        return FakeTests(
            tests=tuple(sorted(good, key=lambda t: t.place)),
            modules=modules,
            covered_modules=tuple(m for m in modules if m in covered_modules),
            entries=len(self._entries),
            covered_entries=sum(1 for e in self._entries if e in driven),
            blocked=tuple(sorted(blocked, key=lambda t: t.place)),
        )

    def _shown(self, tests: list[CollectedTest], covered: list[ModelCall], replaced: Replacements) -> CollectedTest:
        """The first test of several alike that reaches one of these calls by itself."""
        for test in tests[:6] if len(tests) > 1 else ():
            reach = self._reach.follow([test], replaced)
            if any(self._covers(c, reach, replaced) for c in covered):
                return test
        return tests[0]

    def _reaches(self, entry: EntryPoint, calls: list[ModelCall]) -> bool:
        units = self._core.reached_from(entry)
        return any(u in units for c in calls for _, u in c.runs)

    def _covers(self, call: ModelCall, reach: Reach, replaced: Replacements) -> bool:
        units = {u for _, u in call.runs}
        if any(u in reach.replaced and _is_thin(u) for u in units):
            return True
        if not units & reach.units:
            return False
        if call.kind == "predict" and call.sdk.in_process and not self._downloads(call):
            return True
        if call in self._graphs:  # a graph of the project's own: what counts are the calls in its nodes
            return any(self._covers(inner, reach, replaced) for inner in self._graphs[call])
        return replaced.any and self._stands_in(call, replaced)

    def _downloads(self, call: ModelCall) -> bool:
        """Whether the weights come from a hub when the model is built: a test that does so is not offline."""
        model = call.model.id
        if not call.sdk.provider.startswith("huggingface") or not model or model.startswith(("/", ".", "~")):
            return False
        return model not in self._core.observations.files and not any(
            path.startswith(f"{model.rstrip('/')}/") for path in self._core.observations.files
        )

    def _stands_in(self, call: ModelCall, replaced: Replacements) -> bool:
        """Whether what is replaced is the model of this call, where its code looks it up."""
        if replaced.http and call.remote:
            return True
        if any(self._is_source(path, call) for path in replaced.externals):
            return True
        if replaced.models:
            return True
        if not call.is_invocation:  # what is built in the place of a model is never seen to be asked
            return False
        if any(self._looks_up(call, module, name, values) for (module, name), values in replaced.names.items()):
            return True
        method = call.value.path.rpartition(".")[2]
        return bool(replaced.injected & self._identifiers(call)) and bool({"*", method} & replaced.methods)

    def _is_source(self, path: str, call: ModelCall) -> bool:
        """A class or method of the call's own SDK, replaced where it is defined."""
        if root(path) not in (root(call.value.path), call.sdk.name.partition("-")[0], call.sdk.provider):
            return False
        return ("embed" in path.lower()) == (call.kind == "embed") or path.count(".") < 2

    def _looks_up(self, call: ModelCall, module: str, name: str, values: Values) -> bool:
        """Whether a patched name is one that the call, or what builds its client when it is called, looks up."""
        if any(u.module.path == module for _, u in call.runs):
            return any(self._is_model(v, call) for v in values) or (not values and name in self._identifiers(call))
        if any(
            s.unit.module.path == module and s.unit.function is not None and s.path.endswith(name)
            for s in call.value.steps
        ):
            return True
        return self._is_member(call, module, name) or self._is_factory(call, module, values)

    def _is_member(self, call: ModelCall, module: str, name: str) -> bool:
        """`llm.client.create(…)`: the name is looked up in the module where it is patched, at the time of the call."""
        for expression, unit in call.runs:
            for node in code.walk(expression.function):
                if isinstance(node, code.Member) and node.name == name:
                    values = self._core.resolver.values(node.base, unit)
                    if any(isinstance(v, ModuleValue) and v.info.path == module for v in values):
                        return True
        return False

    def _is_factory(self, call: ModelCall, module: str, values: Values) -> bool:
        """A function between the call and its client, which its own module looks up on the way."""
        inside = any(s.unit.module.path == module for s in call.value.steps)
        return inside and any(
            isinstance(v, FunctionValue) and v.unit.module.path != module and self._is_model(v, call) for v in values
        )

    def _is_model(self, value: object, call: ModelCall) -> bool:
        match value:
            case External(path):
                return root(path) == root(call.value.path) or self._core.knowledge.client(path) is not None
            case FunctionValue(unit):
                given = self._core.resolver.returned(unit)
                return any(isinstance(v, External) and root(v.path) == root(call.value.path) for v in given)
            case Instance(info) | ClassValue(info):
                return call.unit.owner is not info
            case _:
                return False

    def _identifiers(self, call: ModelCall) -> frozenset[str]:
        """The names through which a call gets its model: its receiver, and two assignments back."""
        known = self._names.get(call)
        if known is None:
            found: set[str] = set()
            stack: list[tuple[code.Expression, Unit, int]] = [(c.function, u, 2) for c, u in call.runs]
            stack += [(argument, u, 1) for c, u in call.runs if call.is_agent for argument in c.arguments[:1]]
            while stack:
                expression, unit, depth = stack.pop()
                for node in code.walk(expression):
                    names = (
                        [node.id]
                        if isinstance(node, code.Name)
                        else [node.name]
                        if isinstance(node, code.Member)
                        else []
                    )
                    for name in names:
                        if name in found:
                            continue
                        found.add(name)
                        if depth:
                            stack += [
                                (b.value, unit, depth - 1) for b in unit.bindings.get(name, ()) if b.value is not None
                            ]
                            owner = unit.owner
                            stack += [
                                (b.value, u, depth - 1)
                                for b, u in (owner.attributes.get(name, ()) if owner else ())
                                if b.value is not None
                            ]
            known = self._names[call] = frozenset(found - {"self", "cls"})
        return known


def _is_thin(unit: Unit) -> bool:
    statements = [s for s in code.walk(unit.body) if isinstance(s, code.Statement)]
    return len(statements) <= THIN


def _modules(calls: list[ModelCall]) -> tuple[str, ...]:
    """The modules that call a model, by path; a lone constructor counts where nothing else of its module does."""
    return tuple(sorted({u.module.path for c in calls for _, u in c.runs}))
