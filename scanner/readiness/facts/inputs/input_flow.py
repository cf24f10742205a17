"""Where a value that came in from outside goes: through names, attributes, calls and returns.

A light taint: it does not follow the order of statements, and it stops at the units that the entry point runs. A call
of the repository's own function passes on what the function returns, a call of anything else what it is given.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.graph import Edge
from readiness.facts.linking.units import ClassInfo, Unit, last_name
from readiness.facts.linking.values import External

MAX_VISITS = 300
"""Units that are looked at (again) for one value; a value that spreads further is taken as it is known by then."""

Source = Callable[[code.Expression, Unit], bool | None]
"""Whether an expression is the value itself: True, False (and nothing inside it is), None (look inside)."""

_COLLECTING = frozenset(
    {"append", "extend", "add", "update", "insert", "appendleft", "put", "put_nowait", "setdefault", "write"}
)
_DECODING = frozenset(
    {
        "decode", "loads", "load", "parse", "model_validate", "model_validate_json", "validate_python", "join",
        "format", "format_map",
    }
)  # fmt: skip
_OPENING = frozenset({"open", "read_text", "read_bytes", "glob", "iterdir"})
_RUNNING = frozenset({"to_thread", "run_in_executor", "run_sync", "run_in_threadpool", "submit", "getattr"})
ASIDE = frozenset(
    (  # noqa: SIM905 - words read better as words
        "config configurable thread_id session_id conversation_id user user_id run_id metadata callbacks "
        "timeout filter filters where k top_k limit tags context checkpoint api_key model temperature "
        "max_tokens namespace ids executor"
    ).split()
)
"""Arguments of a model call that are no text it reads: not followed, unless a flow is told otherwise."""


class Flow:
    """The names, attributes and calls that hold a value, found once on construction.

    Args:
        core: the linked program.
        within: the units to look at, with their hops from the entry point.
        starts: names that hold the value, by unit.
        source: tells expressions that are the value.
        seeded: units to look at first, where the value is an expression.
        aside: keyword arguments that are not followed; by default those that are settings of a model call.
        direct: follow the value itself alone, not what an object answers when it is asked with the value.
        visits: units that are looked at (again) at most.
    """

    def __init__(
        self,
        core: Core,
        within: Mapping[Unit, int],
        starts: Mapping[Unit, Iterable[str]],
        source: Source | None = None,
        seeded: Iterable[Unit] = (),
        aside: frozenset[str] | None = None,
        direct: bool = False,
        visits: int = MAX_VISITS,
    ) -> None:
        self._core, self._within, self._source = core, within, source
        self._aside, self._direct = ASIDE if aside is None else aside, direct
        self.names: dict[Unit, set[str]] = defaultdict(set)
        self.attributes: set[tuple[ClassInfo, str]] = set()
        self._returning: set[Unit] = set()
        self._answers = _answers(core)
        self._edges: dict[Unit, dict[code.Node, list[Edge]]] = {}
        for unit, names in starts.items():
            self.names[unit].update(names)
        self._queue: deque[Unit] = deque(dict.fromkeys([*starts, *seeded]))
        self._queued: set[Unit] = set(self._queue)
        self._run(visits)

    def holds(self, expression: code.Node, unit: Unit) -> bool:
        """Whether an expression of a unit is, or is made from, the value."""
        stack: list[code.Node] = [expression]
        while stack:
            node = stack.pop()
            if isinstance(node, code.Expression):
                known = self._source(node, unit) if self._source is not None else None
                if known:
                    return True
                if known is False:
                    continue
            if isinstance(node, code.Name) and self._named(node.id, unit):
                return True
            if isinstance(node, code.Member) and self._attribute(node, unit):
                return True
            if isinstance(node, code.Call):
                stack.extend(self._of_call(node, unit))
                if self._returns(node, unit):
                    return True
                continue
            stack.extend(_made_from(node) if self._direct else code.children(node))
        return False

    def reaches(self, calls: Iterable[ModelCall]) -> bool:
        """Whether the value is among what one of these model calls is given to read."""
        return any(self.given_to(call, unit) for site in calls for call, unit in site.runs)

    def given_to(self, call: code.Call, unit: Unit) -> bool:
        """Whether a call is given the value, or is made on it, other than as a setting aside of what it reads."""
        if unit not in self._within:
            return False
        read = [*call.arguments, *(k.value for k in call.keywords if k.name not in self._aside), call.function]
        return any(self.holds(expression, unit) for expression in read)

    def gives(self, unit: Unit) -> bool:
        """Whether what a unit returns is, or is made from, the value."""
        return unit in self._returning

    def units(self) -> Iterator[Unit]:
        """The units the entry point runs."""
        yield from self._within

    # -- spreading ---------------------------------------------------------------------------------------------

    def _run(self, most: int) -> None:
        visits = 0
        while self._queue and visits < most:
            unit = self._queue.popleft()
            self._queued.discard(unit)
            visits += 1
            self._visit(unit)

    def _push(self, unit: Unit) -> None:
        if unit in self._within and unit not in self._queued:
            self._queued.add(unit)
            self._queue.append(unit)

    def _visit(self, unit: Unit) -> None:
        if self._settle(unit):
            for inner in unit.nested.values():
                self._push(inner)
        self._attributes_of(unit)
        for node, edges in self._edges_of(unit).items():
            if isinstance(node, code.Call):
                held = [a for a in (*node.arguments, *(k.value for k in node.keywords)) if self.holds(a, unit)]
                for edge in edges if held else ():
                    self._pass(node, unit, edge, held)
        if unit not in self._returning:
            values = [*unit.returns, *(y.value for y in unit.yields if y.value is not None)]
            if any(self.holds(value, unit) for value in values):
                self._returning.add(unit)
                for caller in self._core.graph.callers.get(unit, ()):
                    self._push(caller.unit)

    def _settle(self, unit: Unit) -> bool:
        """Add the unit's own names that take the value, until no more do; whether it holds any."""
        names, changed = self.names[unit], True
        while changed:
            found = {
                name
                for name, bindings in unit.bindings.items()
                if name not in names and any(b.value is not None and self.holds(b.value, unit) for b in bindings)
            }
            found |= {
                name
                for name, pairs in unit.items.items()
                if name not in names and any(self.holds(value, unit) for _, value in pairs)
            }
            found |= {
                call.function.base.id
                for call in unit.calls
                if isinstance(call.function, code.Member)
                and call.function.name in _COLLECTING
                and isinstance(call.function.base, code.Name)
                and call.function.base.id not in names
                and any(self.holds(a, unit) for a in (*call.arguments, *(k.value for k in call.keywords)))
            }
            changed = bool(found - names)
            names |= found
        return bool(names)

    def _attributes_of(self, unit: Unit) -> None:
        owner = _owner(unit)
        if owner is None:
            return
        for member, binding in unit.members:
            key = (owner, member.name)
            if key in self.attributes or not _is_self(member) or binding.value is None:
                continue
            if self.holds(binding.value, unit):
                self.attributes.add(key)
                for method in owner.methods.values():
                    self._push(method)

    def _pass(self, call: code.Call, unit: Unit, edge: Edge, held: list[code.Expression]) -> None:
        """Give what a call passes to the parameters of what it runs."""
        function = edge.unit.function
        if function is None or edge.unit not in self._within:
            return
        positional = [p.name for p in function.parameters if p.kind in ("positional", "either")]
        if edge.unit.owner is not None and positional and positional[0] in ("self", "cls"):
            positional = positional[1:]
        arguments = call.arguments
        if not edge.is_call:
            position = self._handed(call, unit, edge.unit)
            if position is None and edge.unit.name not in ("__init__", "__post_init__"):
                return
            arguments = arguments[(-1 if position is None else position) + 1 :]
        given = [name for name, value in zip(positional, arguments, strict=False) if value in held]
        given += [k.name for k in call.keywords if k.name and edge.unit.parameter(k.name) and k.value in held]
        new = set(given) - self.names[edge.unit]
        if new:
            self.names[edge.unit] |= new
            self._push(edge.unit)

    def _handed(self, call: code.Call, unit: Unit, target: Unit) -> int | None:
        """The position at which a function is handed over to be called with the arguments after it."""
        for position, argument in enumerate(call.arguments):
            if isinstance(argument, code.Name | code.Member):
                for value in self._core.resolver.values(argument, unit):
                    if getattr(value, "unit", None) is target:
                        return position
        return None

    # -- looking -----------------------------------------------------------------------------------------------

    def _named(self, name: str, unit: Unit) -> bool:
        if unit.is_module:  # a page is the body of its module
            return name in self.names.get(unit, ())
        scope: Unit | None = unit
        while scope is not None and not scope.is_module:
            if name in self.names.get(scope, ()):
                return True
            if scope is not unit and scope.function is None:
                return False
            if name in scope.bindings or scope.parameter(name) is not None:
                return False
            scope = scope.parent
        return False

    def _attribute(self, member: code.Member, unit: Unit) -> bool:
        if not self.attributes or not _is_self(member):
            return False
        owner = _owner(unit)
        if owner is None:
            return False
        family = (owner, *self._core.resolver.classes.bases(owner)[0])
        return any((info, member.name) in self.attributes for info in family)

    def _of_call(self, call: code.Call, unit: Unit) -> Iterator[code.Node]:
        """The parts of a call that its result is made from."""
        if call in self._answers or any(e.is_call for e in self._edges_of(unit).get(call, ())):
            return
        if self._direct and last_name(call.function) in _OPENING:
            return  # what lies in a file is not its name
        yield call.function
        if self._direct and not self._is_converted(call, unit):
            return
        yield from call.arguments
        yield from (k.value for k in call.keywords if k.name not in self._aside)

    def _is_converted(self, call: code.Call, unit: Unit) -> bool:
        """Whether a call makes something of its arguments: a function, a class, a decoder; no store that is asked."""
        function = call.function
        if last_name(function) in _RUNNING:
            return False  # what the function gives that it runs
        if isinstance(function, code.Name) or (isinstance(function, code.Member) and function.name in _DECODING):
            return True
        values = self._core.resolver.values(function, unit) if isinstance(function, code.Member) else ()
        return any(isinstance(v, External) and "()" not in v.path for v in values)

    def _returns(self, call: code.Call, unit: Unit) -> bool:
        runs = last_name(call.function) in _RUNNING  # `await asyncio.to_thread(search, text)` gives what `search` does
        return any(e.unit in self._returning for e in self._edges_of(unit).get(call, ()) if e.is_call or runs)

    def _edges_of(self, unit: Unit) -> dict[code.Node, list[Edge]]:
        known = self._edges.get(unit)
        if known is None:
            known = self._edges[unit] = defaultdict(list)
            for edge in self._core.graph.edges.get(unit, ()):
                known[edge.node].append(edge)
        return known


def only(wanted: code.Expression) -> Source:
    """The source that is one expression."""

    def source(node: code.Expression, _: Unit) -> bool | None:
        return True if node is wanted else None

    return source


@lru_cache(maxsize=1)
def _answers(core: Core) -> frozenset[code.Call]:
    """The lines that ask a model: what they give is the model's, not the caller's."""
    return frozenset(call for site in core.calls for call, _ in site.runs)


def aliases(core: Core, within: Mapping[Unit, int], unit: Unit, name: str) -> dict[Unit, set[str]]:
    """The names under which the object bound to `name` in `unit` is known wherever it is passed as it is."""
    found: dict[Unit, set[str]] = {unit: {name}}
    queue = deque([unit])
    while queue and len(found) < MAX_VISITS:
        here = queue.popleft()
        own = found[here]
        for inner in here.nested.values():
            fresh = {n for n in own if inner.parameter(n) is None} - found.setdefault(inner, set())
            if fresh:
                found[inner] |= fresh
                queue.append(inner)
        own |= {n for n, bindings in here.bindings.items() if any(_is_name(b.value, own) for b in bindings)}
        for edge in core.graph.edges.get(here, ()):
            if edge.unit not in within or edge.unit.function is None or not isinstance(edge.node, code.Call):
                continue
            passed = _parameters(edge.node, edge, own) - found.setdefault(edge.unit, set())
            if passed:
                found[edge.unit] |= passed
                queue.append(edge.unit)
    return {here: names for here, names in found.items() if names}


def _parameters(call: code.Call, edge: Edge, own: set[str]) -> set[str]:
    assert edge.unit.function is not None
    positional = [p.name for p in edge.unit.function.parameters if p.kind in ("positional", "either")]
    found: set[str] = set()
    if edge.unit.owner is not None and positional and positional[0] in ("self", "cls"):
        if isinstance(call.function, code.Member) and _is_name(call.function.base, own):
            found.add(positional[0])
        positional = positional[1:]
    arguments = call.arguments
    if not edge.is_call:  # `add_task(handle, body)`: what is handed over comes first
        arguments = arguments[1:] if len(arguments) > 1 else arguments
    found |= {name for name, value in zip(positional, arguments, strict=False) if _is_name(value, own)}
    found |= {k.name for k in call.keywords if k.name and edge.unit.parameter(k.name) and _is_name(k.value, own)}
    return found


def _made_from(node: code.Node) -> list[code.Node]:
    """The parts of an expression that its value is made of: a condition only chooses."""
    match node:
        case code.Choice():
            return [node.then, node.otherwise]
        case code.Comprehension():
            return [n for n in (node.key, node.element, *(s.iterable for s in node.sources)) if n is not None]
        case code.Operation(operator="==" | "!=" | "in" | "not in" | "is" | "is not" | "<" | ">" | "<=" | ">=" | "not"):
            return []
        case _:
            return code.children(node)


def _is_name(expression: code.Expression | None, names: set[str]) -> bool:
    return isinstance(expression, code.Name) and expression.id in names


def _is_self(member: code.Member) -> bool:
    return isinstance(member.base, code.Name) and member.base.id in ("self", "cls")


def _owner(unit: Unit) -> ClassInfo | None:
    scope: Unit | None = unit
    while scope is not None:
        if scope.owner is not None:
            return scope.owner
        scope = scope.parent
    return None
