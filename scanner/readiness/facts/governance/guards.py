"""What stands between a stranger and a handler: functions that ask who is calling and turn away who may not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.governance.access_knowledge import AccessKnowledge
from readiness.facts.governance.credentials import Credentials
from readiness.facts.governance.shared_keys import SharedKeys
from readiness.facts.governance.switches import Switches
from readiness.facts.governance.turning_away import TurningAway, leaves, statements
from readiness.facts.linking.graph import Edge
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import FunctionValue
from readiness.facts.place import Place
from readiness.repository.tree import Role

How = Literal["identity", "shared", "outside", "login-form", "own-key"]

DEEP = 5
"""Calls that a dependency or middleware is followed down."""

NEAR = 3
"""Calls that a handler's own body is followed down."""

MAX_UNITS = 80

_DEPENDING = frozenset({"Depends", "Security"})
_REQUESTS = frozenset(
    {
        "request", "req", "websocket", "ws", "update", "ctx", "context", "interaction", "event", "headers", "environ",
        "scope", "message",
    }
)  # fmt: skip
"""What handlers call the request they are given."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One thing that asks who is calling.

    `how`: it knows each caller ("identity"), they all share one key ("shared"), something in front of the service does
    it ("outside"), a login only shows and hides parts of a page ("login-form"), every visitor pays with a key of their
    own ("own-key"). `switch` is the setting that has to be there for it to ask at all, "" where it always asks.
    """

    place: Place
    text: str
    how: How
    switch: str = ""

    @property
    def strength(self) -> int:
        """What it is worth, to compare guards by."""
        order = {"identity": 4, "shared": 3, "login-form": 2, "outside": 1, "own-key": 1}
        return order[self.how] * 2 - bool(self.switch)


class Guards:
    """Follows functions down to where a caller is turned away; every answer is remembered."""

    def __init__(self, core: Core, knowledge: AccessKnowledge) -> None:
        self.core, self.knowledge = core, knowledge
        self.credentials = Credentials(core.resolver, core.program, knowledge)
        self._away = TurningAway(core.resolver, knowledge)
        self._shared = SharedKeys(core.resolver, self.credentials)
        self._switches = Switches(core.resolver, self.credentials, self._away)
        self._known: dict[tuple[Unit, bool], Guard | None] = {}

    def dependency(self, root: Unit) -> Guard | None:
        """The guard that running a dependency, a middleware or a decorator is; None where it lets everybody in."""
        return self._cached(root, own=False)

    def body(self, root: Unit) -> Guard | None:
        """The guard in a handler's own body, or in what it calls before anything else."""
        return self._cached(root, own=True)

    def reads(self, root: Unit) -> bool:
        """Whether anything that runs with a unit takes a credential off the request."""
        return any(self.credentials.look(unit).reads for unit, _ in self._closure(root, DEEP, own=False))

    def is_shared(self, root: Unit) -> bool:
        """Whether a function knows its callers only by a key, or a password, that they all share."""
        return self._shared.only([unit for unit, _ in self._closure(root, 2, own=False)])

    def denials(self, unit: Unit) -> tuple[code.Statement, ...]:
        """Where a unit turns somebody away."""
        return self._away.denials(unit)

    def _cached(self, root: Unit, *, own: bool) -> Guard | None:
        key = (root, own)
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._find(root, own)
        return self._known[key]

    def _find(self, root: Unit, own: bool) -> Guard | None:
        closure = list(self._closure(root, NEAR if own else DEEP, own=own))
        looks = [self.credentials.look(unit) for unit, _ in closure]
        if not any(look.asked for look in looks) or not any(look.reads for look in looks):
            return None
        found: list[tuple[Unit, code.Node, str]] = []
        for unit, switch in closure:
            nodes = self._strict(unit) if own else self._lenient(unit)
            for node in nodes:
                skipped = self._switches.around(unit, node)
                if skipped is not None:
                    found.append((unit, node, switch or skipped))
        if not found:
            return None
        unit, node, switch = min(found, key=lambda one: bool(one[2]))
        by_writer = any(look.knows_writer for look in looks)
        shared = not by_writer and self._shared.only([u for u, _ in closure])
        return Guard(unit.at(node), f"{unit.name} turns strangers away", "shared" if shared else "identity", switch)

    def _lenient(self, unit: Unit) -> Iterator[code.Node]:
        """Where a function whose only business is to ask who is calling says no."""
        yield from self._away.denials(unit)
        yield from self.credentials.look(unit).raising
        yield from (branch for branch in self._branches(unit) if self._asks(branch.test, unit))

    def _strict(self, unit: Unit) -> Iterator[code.Node]:
        """Where a function that also does other things says no because of a credential."""
        look = self.credentials.look(unit)
        yield from look.raising
        for branch in self._branches(unit):
            if self._asks(branch.test, unit) or self._asks_elsewhere(branch.test, unit):
                yield branch

    def _branches(self, unit: Unit) -> Iterator[code.If]:
        """Branches one side of which ends what is being done."""
        for statement in statements(unit):
            if isinstance(statement, code.If) and (leaves(statement.body) or leaves(statement.otherwise)):
                yield statement

    def _asks(self, test: code.Expression, unit: Unit) -> bool:
        """Whether a test holds a credential against something, or is about what came of it."""
        look = self.credentials.look(unit)
        inner = set(code.walk(test))
        if any(call in inner for call in look.answering) or any(one in inner for one, _ in look.compared):
            return True
        verdicts = {
            name
            for name, bindings in unit.bindings.items()
            for b in bindings
            if b.value is not None and any(n in look.answering for n in code.walk(b.value))
        }
        proven = self.knowledge.proven
        return any(
            (isinstance(n, code.Name) and n.id in verdicts) or (isinstance(n, code.Member) and n.name in proven)
            for n in inner
        )

    def _asks_elsewhere(self, test: code.Expression, unit: Unit) -> bool:
        """Whether a test calls a function of the project that holds a credential against something."""
        for node in code.walk(test):
            call = node if isinstance(node, code.Call) else self._bound_call(node, unit)
            if call is None:
                continue
            for value in self.core.resolver.values(call.function, unit):
                if isinstance(value, FunctionValue):
                    inner = [self.credentials.look(u) for u, _ in self._closure(value.unit, 2, own=False)]
                    if any(i.reads for i in inner) and any(i.compared or i.answering or i.raising for i in inner):
                        return True
        return False

    def _bound_call(self, node: code.Node, unit: Unit) -> code.Call | None:
        """The call whose result a name of a test holds: `user = authenticate(request)`, `if user is None`."""
        for binding in unit.bindings.get(node.id, ()) if isinstance(node, code.Name) else ():
            value = binding.value.value if isinstance(binding.value, code.Await) else binding.value
            if isinstance(value, code.Call):
                return value
        return None

    def _is_about_request(self, edge: Edge, unit: Unit) -> bool:
        """Whether a call passes on the request or a credential, or runs what takes one off the request by itself."""
        if edge.unit.parent is unit or self.credentials.look(edge.unit).takes:
            return called_name(edge.node) not in _DEPENDING
        if not isinstance(edge.node, code.Call) or last_name(edge.node.function) in _DEPENDING:
            return False
        names = self.credentials.look(unit).names | _REQUESTS
        return any(
            self.credentials.mentions(argument, unit, names)
            for argument in (*edge.node.arguments, *(k.value for k in edge.node.keywords))
        )

    def _closure(self, root: Unit, depth: int, *, own: bool) -> Iterable[tuple[Unit, str]]:
        """The units that run with a root, each with the switch that has to be on for it, the surest way first."""
        hops: dict[Unit, tuple[int, str]] = {root: (0, "")}
        layer = [root]
        for distance in range(1, depth + 1):
            following: list[Unit] = []
            for unit in layer:
                for edge in self.core.graph.edges.get(unit, ()):
                    if edge.unit.is_module or edge.unit.module.role is not Role.SERVING or len(hops) >= MAX_UNITS:
                        continue
                    if own and not self._is_about_request(edge, unit):
                        continue
                    skipped = self._switches.around(unit, edge.node)
                    switch = hops[unit][1] or skipped or ("" if skipped is not None else "a credential that is there")
                    known = hops.get(edge.unit)
                    if known is None or (known[1] and not switch):
                        hops[edge.unit] = (distance, switch)
                        following.append(edge.unit)
            layer = following
        return [(unit, switch) for unit, (_, switch) in hops.items()]


def called_name(node: code.Node) -> str:
    """The last name of what a node calls; "" where it is no call."""
    return last_name(node.function) if isinstance(node, code.Call) else ""
