"""Which tests call a route and read what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.evals.collected_tests import CollectedTest, CollectedTests
from readiness.facts.evals.test_reach import TestReach
from readiness.facts.inputs.contract_knowledge import ContractKnowledge
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External
from readiness.repository.tree import Role

_ADDING = frozenset({"append", "extend", "add", "update"})
MAX_HELPERS = 30
"""Functions of test code that one test is followed into."""


class ContractTests:
    """Finds, for each route, a test that calls it and asserts on the body of the answer."""

    def __init__(self, core: Core, tests: CollectedTests, knowledge: ContractKnowledge) -> None:
        self._core, self._tests, self._knowledge = core, tests, knowledge
        self._by_entry: dict[EntryPoint, str] | None = None
        self._of_all = ""

    def reading(self, entry: EntryPoint) -> str:
        """The name of a test that reads what an entry point answers; "" where there is none."""
        if self._by_entry is None:
            self._of_all = self._generated()
            self._by_entry = {} if self._of_all else self._found()
        return self._by_entry.get(entry, self._of_all if entry.kind == "http" else "")

    def _generated(self) -> str:
        """Tests that are made from the published schema ask every route in it."""
        for _, command in self._core.ci.commands:
            words = (command.program, *command.arguments)
            if any(words[: len(known)] == known for known in self._knowledge.commands):
                return command.text
        for module in self._core.program.modules.values():
            roots = {i.module.partition(".")[0] for i in module.body.imports.values()}
            if module.role is not Role.TEST or not roots & self._knowledge.packages:
                continue
            for unit in (module.body, *module.body.nested.values()):
                for call in unit.calls:
                    for value in self._core.resolver.values(call.function, unit)[:3]:
                        if isinstance(value, External) and value.path in self._knowledge.testers:
                            return module.path
        return ""

    def _found(self) -> dict[EntryPoint, str]:
        found: dict[EntryPoint, str] = {}
        reach = TestReach(self._core, self._tests)
        for test in self._tests.tests:
            if test.blocked or test.unit.module.role is not Role.TEST:
                continue
            units = self._helpers(test)
            driven = {entry for unit in units for entry in reach.driven(unit, test)}
            if driven and self._asserts(units):
                for entry in driven:
                    found.setdefault(entry, test.unit.name)
        return found

    def _helpers(self, test: CollectedTest) -> list[Unit]:
        """The test, its fixtures, and the functions of test code that they call."""
        units = list(test.scope)
        for unit in units:
            for edge in self._core.graph.edges.get(unit, ()):
                if edge.unit.module.role is Role.TEST and edge.unit not in units and len(units) < MAX_HELPERS:
                    units.append(edge.unit)
        return units

    def _asserts(self, units: Iterable[Unit]) -> bool:
        """Whether something read out of an answer's body is asserted."""
        units = list(units)
        giving = {u.name for u in units if u.function is not None and any(self._reads(r) for r in _given(u))}
        return any(self._asserts_in(unit, giving) for unit in units)

    def _asserts_in(self, unit: Unit, giving: set[str]) -> bool:
        names: set[str] = set()
        for _ in range(3):
            names |= {
                name
                for name, bindings in unit.bindings.items()
                for b in bindings
                if b.value is not None and self._speaks(b.value, names, giving)
            }
            names |= {name for name, given in _added(unit) if self._speaks(given, names, giving)}
        for node in code.walk(unit.body):
            if isinstance(node, code.Assert) and self._speaks(node.test, names, giving):
                return True
            if isinstance(node, code.Call):
                name = last_name(node.function)
                is_check = name.startswith("assert") or name in ("model_validate", "validate", "validate_python")
                if is_check and any(self._speaks(a, names, giving) for a in node.arguments):
                    return True
        return False

    def _speaks(self, expression: code.Expression, names: set[str], giving: set[str]) -> bool:
        for node in code.walk(expression):
            if isinstance(node, code.Name) and node.id in names:
                return True
            if isinstance(node, code.Call) and last_name(node.function) in giving:
                return True
            if isinstance(node, code.Member) and node.name in self._knowledge.bodies and _is_plain(node.base):
                return True
        return False

    def _reads(self, expression: code.Expression) -> bool:
        return any(isinstance(n, code.Member) and n.name in self._knowledge.bodies for n in code.walk(expression))


def _added(unit: Unit) -> Iterator[tuple[str, code.Expression]]:
    """What is put into plain names: `events.append(…)`."""
    for call in unit.calls:
        function = call.function
        if isinstance(function, code.Member) and isinstance(function.base, code.Name) and function.name in _ADDING:
            name = function.base.id
            yield from ((name, argument) for argument in call.arguments)


def _given(unit: Unit) -> list[code.Expression]:
    """What a helper returns, with what the names in it are bound to."""
    found = list(unit.returns)
    for expression in unit.returns:
        for node in code.walk(expression):
            if isinstance(node, code.Name):
                found += [b.value for b in unit.bindings.get(node.id, ()) if b.value is not None]
                found += [given for name, given in _added(unit) if name == node.id]
    return found


def _is_plain(base: code.Expression) -> bool:
    """Whether the owner of a body is a thing, not a module such as `json` or `os`."""
    return not (isinstance(base, code.Name) and base.id in ("self", "cls", "json", "os"))
