"""Clients that are built anew for each request: connection pools thrown away, weights loaded again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.graph import Edge
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import STATES, Unit
from readiness.facts.linking.values import ClassValue, External, Unknown
from readiness.facts.place import Evidence
from readiness.facts.scale.knowledge import ScaleKnowledge, paths_of

CONSTRUCTORS = frozenset({"__init__", "__post_init__", "__new__"})
_KEYS = ("api_key", "api_token", "token", "access_token", "key")


class RebuiltClients:
    """Finds, for each entry point, a client that every request builds again."""

    def __init__(self, core: Core, known: ScaleKnowledge) -> None:
        self._core, self._known = core, known
        self._built: dict[Unit, tuple[Evidence, ...]] = {}
        self._each: dict[Unit, tuple[Unit, ...]] = {}

    def of(self, entry: EntryPoint) -> Evidence | None:
        """The first client that one request of an entry point builds and drops."""
        # The body of a page runs for each visitor, that of a module that defines an agent once.
        units = [u for u in entry.units if not u.is_module or entry.kind == "ui"]
        seen = {unit: None for unit in units if not self._decorated_with(unit, self._known.per_session)}
        queue = deque(seen)
        while queue:
            unit = queue.popleft()
            for found in self._in(unit):
                return found
            for inner in self._run_each_time(unit):
                if inner not in seen:
                    seen[inner] = None
                    queue.append(inner)
        return None

    def _in(self, unit: Unit) -> tuple[Evidence, ...]:
        known = self._built.get(unit)
        if known is None:
            known = self._built[unit] = tuple(self._constructors(unit))
        return known

    def _constructors(self, unit: Unit) -> Iterator[Evidence]:
        for node in unit.calls:
            if isinstance(node.function, code.Name | code.Member):
                path = next(iter(paths_of(node.function, unit, self._core.resolver)), "")
                if path and self._opens(path) and not self._kept(node, unit) and not self._of_visitor(node, unit):
                    yield Evidence(unit.at(node), f"{path.rpartition('.')[2]}(…)")

    def _opens(self, path: str) -> bool:
        """Whether calling a path opens connections or loads a model."""
        if path in self._known.pools:
            return True
        found = self._core.knowledge.client(path)
        if found is None or self._core.knowledge.call(path) is not None:
            return False
        sdk, client = found
        return not client.inner and not client.subclassed and sdk.name not in self._known.light_constructors

    def _run_each_time(self, unit: Unit) -> tuple[Unit, ...]:
        known = self._each.get(unit)
        if known is None:
            found = (e.unit for e in self._core.graph.edges.get(unit, ()) if self._is_each_time(e, unit))
            known = self._each[unit] = tuple(dict.fromkeys(found))
        return known

    def _is_each_time(self, edge: Edge, unit: Unit) -> bool:
        target = edge.unit
        if target.module.role is not unit.module.role or self._decorated_with(target, self._known.memoizing):
            return False
        if not isinstance(edge.node, code.Call):
            return True
        if only_given(edge, unit, self._core.resolver):
            return False
        return not self._kept(edge.node, unit) and not self._of_visitor(edge.node, unit, for_sure=True)

    def _decorated_with(self, unit: Unit, symbols: object) -> bool:
        decorators = unit.function.decorators if unit.function is not None else []
        return any(
            path in symbols  # type: ignore[operator]
            for decorator in decorators
            for path in paths_of(decorator, unit.parent or unit, self._core.resolver)
        )

    def _kept(self, node: code.Call, unit: Unit) -> bool:
        """Whether what a call gives outlives the request, and is made only where it is not there yet."""
        if self._decorated_with(unit, self._known.memoizing):
            return True
        if _beside_state(node, unit):
            return True
        if any(isinstance(a, code.If) and _asks_whether_there(a.test) for a in unit.enclosing(node)):
            return True
        return any(
            isinstance(s, code.If) and s.end_line < node.line and _hands_back(s, unit)
            for s in unit.body
        )  # fmt: skip

    def _of_visitor(self, node: code.Call, unit: Unit, for_sure: bool = False) -> bool:
        """Whether a client gets a key that its own user brought; one that nobody can tell counts unless `for_sure`."""
        for keyword in node.keywords:
            if keyword.name is None or not (keyword.name in _KEYS or keyword.name.endswith("_api_key")):
                continue
            values = self._core.resolver.values(keyword.value, unit)
            external = [v.path for v in values if isinstance(v, External)]
            if any(path in self._known.visitors for path in external):
                return True
            if not for_sure and all(isinstance(v, Unknown) for v in values):
                return True
        return False


def only_given(edge: Edge, unit: Unit, resolver: Resolver) -> bool:
    """Whether a function is only given to an object of the project to keep: that object's methods run it, or nobody."""
    if edge.is_call or not isinstance(edge.node, code.Call) or edge.unit.name in CONSTRUCTORS:
        return False
    return any(isinstance(v, ClassValue) for v in resolver.values(edge.node.function, unit))


def _in_state(target: code.Expression) -> bool:
    """Whether an assignment puts something into the state of a session or an application."""
    base = target.base if isinstance(target, code.Member | code.Index) else None
    return isinstance(base, code.Member) and base.name in STATES


def _beside_state(node: code.Call, unit: Unit) -> bool:
    """Whether the block that a call stands in puts its result into a state."""
    statement: code.Node = node
    for above in unit.enclosing(node):
        statement = above if not isinstance(statement, code.Statement) else statement
        block = next((b for b in _blocks(above) if statement in b), None)
        if block is not None:
            return any(isinstance(s, code.Assign) and any(_in_state(t) for t in s.targets) for s in block)
    return any(isinstance(statement, code.Assign) and _in_state(t) for t in getattr(statement, "targets", ()))


def _blocks(node: code.Node) -> list[list[code.Statement]]:
    match node:
        case code.If() | code.Loop():
            return [node.body, node.otherwise]
        case code.With():
            return [node.body]
        case code.Try():
            return [node.body, node.otherwise, node.final]
        case _:
            return []


def _asks_whether_there(test: code.Expression) -> bool:
    """Whether a test asks if something is missing that was kept: `x is None`, `not x`, `key not in known`."""
    match test:
        case code.Operation(operator="is" | "==", operands=[code.Name() | code.Member() | code.Index(), right]):
            return isinstance(right, code.Constant) and right.value is None
        case code.Operation(operator="not", operands=[code.Name() | code.Member() | code.Index() | code.Call()]):
            return True
        case code.Operation(operator="not in", operands=[_, code.Name() | code.Member()]):
            return True
        case code.Operation(operator="or" | "and", operands=operands):
            return any(_asks_whether_there(o) for o in operands)
        case _:
            return False


def _hands_back(statement: code.If, unit: Unit) -> bool:
    """Whether a branch gives back something that was kept: `if key in clients: return clients[key]`."""
    for inner in statement.body:
        value = inner.value if isinstance(inner, code.Return) else None
        base = value.base if isinstance(value, code.Index | code.Member) else value
        if isinstance(value, code.Member) or (isinstance(base, code.Name) and unit.parameter(base.id) is None):
            return _outlives(base, unit)
    return False


def _outlives(base: code.Expression | None, unit: Unit) -> bool:
    if isinstance(base, code.Name):
        return base.id in ("self", "cls") or base.id in unit.globals or base.id not in unit.bindings
    return isinstance(base, code.Member)
