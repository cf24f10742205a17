"""Tests that send what nobody should send. check hostile-input-tests."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.evals.collected_tests import CollectedTest, CollectedTests
from readiness.facts.evals.hostile_knowledge import load_hostile
from readiness.facts.evals.replacements import ReplacementFinder
from readiness.facts.evals.test_reach import TestReach
from readiness.facts.inputs.screening_knowledge import load_screening
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External
from readiness.facts.place import Evidence, Place
from readiness.repository.tree import Role

MAX_TESTS = 150
"""Tests with such inputs that are followed into the project."""

_FOREIGN = re.compile(
    r"[\u0590-\u08ff\u0900-\u0dff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u200b-\u202e\U0001f300-\U0001faff]"
)
_NUMBER = re.compile(r"\s*-?\d+(?:\.\d+)?\s*$")
_STATUS = frozenset({"status_code", "status"})
_SENDING = frozenset({"json", "data", "content", "files", "params"})


@dataclass(frozen=True, slots=True)
class HostileTests:
    """What tests send that is empty, huge, malformed, in another script, or an attack.

    `kinds` reach an entry point that asks a model, and what becomes of them is asserted; `elsewhere` reach a part of it
    or another route. `red_team` runs in CI; `red_team_unrun` is one that nothing runs.
    """

    kinds: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    tests: tuple[Evidence, ...] = ()
    others: tuple[Evidence, ...] = ()
    red_team: tuple[Evidence, ...] = ()
    red_team_unrun: tuple[Evidence, ...] = ()
    entries: tuple[Evidence, ...] = ()
    """Where to begin: the entry points, or the calls, that ask a model."""


def find_hostile_tests(core: Core, tests: CollectedTests) -> HostileTests:
    """The hostile inputs of a linked program's tests, and its red teams."""
    return _Finder(core, tests).find()


class _Finder:
    def __init__(self, core: Core, tests: CollectedTests) -> None:
        self._core, self._tests, self._known, self._attacks = core, tests, load_hostile(), load_screening()
        calls = [c for c in core.calls if c.role is Role.SERVING and not c.is_probe]
        self._asks_text = any(c.generates for c in calls)
        self._calls = calls
        self._entries = [
            e for e in core.entry_points
            if e.is_network and e.unit.module.role is Role.SERVING
            and any(u in core.reached_from(e) for c in calls for _, u in c.runs)
        ]  # fmt: skip

    def find(self) -> HostileTests:
        sending = [(t, sent) for t in self._tests.tests if not t.blocked and (sent := self._kinds(t))]
        kinds: dict[str, None] = {}
        elsewhere: dict[str, None] = {}
        good: set[Evidence] = set()
        others: set[Evidence] = set()
        if sending and self._calls:
            finder, reach = ReplacementFinder(self._core, self._tests), TestReach(self._core, self._tests)
            behind = self._behind()
            for test, sent in sending[:MAX_TESTS]:
                if test.unit.module.role is not Role.TEST:
                    continue
                found = reach.follow([replace(test, scope=(*test.scope, *self._helpers(test)))], finder.of(test))
                place = Evidence(test.unit.place, f"{test.unit.name} sends {', '.join(sorted(sent))}")
                if any(e in self._entries for e in found.entries):
                    kinds.update(dict.fromkeys(sorted(sent)))
                    good.add(place)
                elif found.entries or found.units & behind:
                    elsewhere.update(dict.fromkeys(sorted(sent)))
                    others.add(place)
        run, unrun = self._red_teams()
        starts = [Evidence(e.place, e.text) for e in self._entries] or [Evidence(c.place, c.text) for c in self._calls]
        return HostileTests(tuple(sorted(kinds)), tuple(sorted(elsewhere)), tuple(sorted(good)), tuple(sorted(others)),
                            run, unrun, tuple(starts[:3]))  # fmt: skip

    def _helpers(self, test: CollectedTest) -> Iterator[Unit]:
        """The functions of a test's own module that it calls: there the request is sent."""
        for edge in self._core.graph.edges.get(test.unit, ()):
            if edge.is_call and edge.unit.module is test.unit.module and edge.unit not in test.scope:
                yield edge.unit

    def _behind(self) -> set[Unit]:
        """The functions that run on the way to a model call, and those that call one."""
        found = {u for e in self._entries for u in self._core.reached_from(e)}
        return found | {u for c in self._calls for _, u in c.runs}

    # -- kinds -------------------------------------------------------------------------------------------------

    def _kinds(self, test: CollectedTest) -> set[str]:
        """The kinds of hostile inputs that a test sends, if it asserts what becomes of them."""
        refused, asserted = _asserted(test.unit)
        if not asserted and not refused:
            return set()
        found: set[str] = set()
        for unit, nodes in self._written(test):
            for node in nodes:
                if not _is_expected(node, unit):
                    found.update(self._kind(node, unit, refused))
        if not refused:
            found -= {"empty", "malformed"}  # an empty text that is answered like any other proves nothing
        if not self._asks_text:
            found -= {"injection"}
        return found

    def _written(self, test: CollectedTest) -> Iterator[tuple[Unit, Iterable[code.Node]]]:
        """What a test writes: its own code, what it is parametrised with, and the module's constants that it names."""
        yield test.unit, test.unit.parents
        for fixture in test.scope:
            if fixture is not test.unit and fixture.name in test.fixtures:
                yield fixture, [n for n in fixture.parents if not _is_path(n)]  # where its own data lies
        names = {n.id for n in test.unit.parents if isinstance(n, code.Name)}
        for decorator, unit in test.decorators:
            nodes = list(code.walk(decorator))
            names |= {n.id for n in nodes if isinstance(n, code.Name)}
            yield unit, nodes
        body = test.unit.module.body
        for name in sorted(names & body.bindings.keys()):
            for binding in body.bindings[name]:
                if binding.value is not None:
                    yield body, list(code.walk(binding.value))

    def _kind(self, node: code.Node, unit: Unit, refused: bool) -> Iterator[str]:
        if isinstance(node, code.Mapping) and refused and not self._asks_text and not _is_given(node, unit):
            yield from _of_row(node)
        match node:
            case code.Constant(value=str() as text):
                yield from self._of_text(node, text, unit, refused)
            case code.Operation(operator="*", operands=[left, right]):
                yield from self._repeated(left, right)
            case code.Keyword(name="json", value=code.Mapping(items=items)):
                if not items or any(_is_no_text(v) for _, v in items):
                    yield "malformed"
            case code.Keyword(name="content", value=code.Constant()) | code.Keyword(name="files"):
                yield "malformed"
            case code.Call():
                paths = [v.path for v in self._core.resolver.values(node.function, unit) if isinstance(v, External)]
                if any(p in self._known.generators for p in paths):
                    yield from ("empty", "foreign script", "generated")
                elif last_name(node.function) == "float" and any(_is_no_number(a) for a in node.arguments):
                    yield "no number"
            case code.Member(name="nan" | "inf" | "NaN"):
                yield "no number"

    def _of_text(self, node: code.Constant, text: str, unit: Unit, refused: bool) -> Iterator[str]:
        if not text.strip():
            if _is_sent(node, unit):
                yield "empty"
        elif len(text) >= self._known.huge:
            yield "huge"
        elif self._attacks.speaks_of_attacks(text):
            yield "injection"
        elif "../" in text and refused:
            yield "path"
        elif _FOREIGN.search(text) and _is_sent(node, unit):
            yield "foreign script"

    def _repeated(self, left: code.Expression, right: code.Expression) -> Iterator[str]:
        """`"x" * 100_000`."""
        for text, times in ((left, right), (right, left)):
            if isinstance(text, code.Constant) and isinstance(text.value, str | bytes):
                number = times.value if isinstance(times, code.Constant) else None
                if isinstance(number, int) and len(text.value) * number >= self._known.huge:
                    yield "huge"

    # -- red teams ---------------------------------------------------------------------------------------------

    def _red_teams(self) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
        run = {
            Evidence(step.place, " ".join(command.words[:4]))
            for step, command in self._core.ci.commands
            if any(_begins(command.words, wanted) for wanted in self._known.red_team_commands)
        }
        unrun: defaultdict[str, Evidence] = defaultdict()
        for unit in self._core.program.units:
            for name, statement in unit.imports.items() if unit.is_module else ():
                packages = accumulate(statement.module.split("."), "{}.{}".format)
                if not self._known.red_teams.isdisjoint(packages) and _is_used(name, unit):
                    unrun.setdefault(unit.module.path, Evidence(unit.at(statement), statement.module))
        for path, documents in self._core.observations.documents.items():
            named = path.rpartition("/")[2].startswith("promptfoo")
            section = documents[0].get("redteam") if named and documents else None
            if section is not None:
                unrun.setdefault(path, Evidence(Place(path, section.line, section.end_line), "redteam"))
        return tuple(sorted(run)), tuple(sorted(unrun.values()))


def _is_used(name: str, unit: Unit) -> bool:
    """Whether a module does something with what it imports."""
    root = name.partition(".")[0]
    return any(isinstance(node, code.Name) and node.id == root for node in code.walk(unit.body))


def _begins(words: Iterable[str], wanted: tuple[str, ...]) -> bool:
    """Whether a command is this one, whatever starts it (`npx promptfoo@latest redteam run`)."""
    plain = [word.partition("@")[0].rpartition("/")[2] for word in words][:6]
    return any(tuple(plain[i : i + len(wanted)]) == wanted for i in range(len(plain)))


def _asserted(unit: Unit) -> tuple[bool, bool]:
    """(whether a refusal is asserted, whether anything is) by a test; one that takes an error of the server is none."""
    refused, anything = False, False
    for node in (*unit.parents, *unit.body):
        if isinstance(node, code.Assert):
            codes = {n.value for n in code.walk(node.test) if isinstance(n, code.Constant) and isinstance(n.value, int)}
            if any(isinstance(n, code.Member) and n.name in _STATUS for n in code.walk(node.test)):
                if any(500 <= c < 600 for c in codes if c != 503):
                    return False, False
                refused = refused or any(400 <= c < 500 for c in codes)
            anything = True
        elif isinstance(node, code.Call) and last_name(node.function) in ("raises", "assertRaises"):
            refused = True
        elif isinstance(node, code.Call) and last_name(node.function).startswith("assert"):
            anything = True
    return refused, anything


def _is_sent(node: code.Node, unit: Unit) -> bool:
    """Whether a text stands in what is sent: in a body, or among the values of a parameter of the test."""
    above = unit.parents.get(node)
    if above is None:
        return True
    while isinstance(above, code.Mapping | code.Sequence):
        node, above = above, unit.parents.get(above)
    return isinstance(above, code.Keyword) and above.name in _SENDING


def _is_path(node: code.Node) -> bool:
    return isinstance(node, code.Constant) and isinstance(node.value, str) and "../" in node.value


def _is_given(node: code.Node, unit: Unit) -> bool:
    """Whether a row is part of what some other call is given, such as the headers of a client."""
    above = unit.parents.get(node)
    while isinstance(above, code.Mapping | code.Sequence):
        above = unit.parents.get(above)
    if isinstance(above, code.Keyword):
        return above.name not in _SENDING
    return isinstance(above, code.Call) and last_name(above.function) not in ("dumps", "param", "parametrize")


def _of_row(row: code.Mapping) -> Iterator[str]:
    """What is wrong with the features that a test has refused: nothing given, or numbers that cannot be."""
    if not row.items:
        yield "missing field"
    for _, value in row.items:
        match value:
            case code.Operation(operator="-", operands=[code.Constant(value=int() | float())]):
                yield "out of range"
            case code.Constant(value=str() as text) if _NUMBER.match(text):
                yield "wrong type"
            case code.Constant(value=None):
                yield "wrong type"


def _is_expected(node: code.Node, unit: Unit) -> bool:
    """Whether something is only compared with what came back: `assert "x" * 1000 not in response.text`."""
    for above in unit.enclosing(node):
        if isinstance(above, code.Call):
            return False
        if isinstance(above, code.Assert):
            return True
    return False


def _is_no_text(value: code.Expression) -> bool:
    """A number, a list or nothing where a text is wanted."""
    if isinstance(value, code.Constant):
        return not isinstance(value.value, str | bool)
    return isinstance(value, code.Mapping | code.Sequence)


def _is_no_number(value: code.Expression) -> bool:
    return isinstance(value, code.Constant) and str(value.value).lower() in ("nan", "inf", "-inf")
