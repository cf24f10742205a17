"""What holds up an event loop: calls that wait, made on it by the code that asynchronous handlers run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.graph import Edge
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.place import Place
from readiness.facts.scale.clients import CONSTRUCTORS, only_given
from readiness.facts.scale.knowledge import ScaleKnowledge, paths_of

_DRAINING = frozenset({"list", "tuple", "next", "join", "sum", "dict", "set", "sorted", "any", "all", "max", "min"})
"""Functions that take everything out of a generator there and then."""
_TYPE_TESTS = frozenset({"isinstance", "hasattr", "iscoroutinefunction", "isawaitable", "iscoroutine", "issubclass"})
_SMALL = frozenset({"sklearn", "model-files"})
"""SDKs (by file) of models over tables: one prediction is short, however many make a wait."""


@dataclass(frozen=True, slots=True)
class Blocking:
    """A call that waits on the event loop; `light`: it computes for a moment instead (a small model over a table)."""

    place: Place
    text: str
    light: bool


class EventLoop:
    """Finds, for each entry point, what blocks the event loop that serves it."""

    def __init__(self, core: Core, known: ScaleKnowledge) -> None:
        self._core, self._known = core, known
        self._found: dict[Unit, tuple[Blocking, ...]] = {}
        self._next: dict[Unit, tuple[Unit, ...]] = {}
        self._models: dict[Unit, list[tuple[code.Call, ModelCall]]] = {}
        for call in core.calls:
            for node, unit in call.runs if call.is_invocation and not call.is_probe else ():
                if last_name(node.function) not in known.lazy_methods:
                    self._models.setdefault(unit, []).append((node, call))

    def blocking(self, entry: EntryPoint) -> Blocking | None:
        """The worst call on the event loop that one entry point makes; None where nothing holds it up."""
        return self.worst(self.starts(entry))

    def worst(self, starts: Iterable[Unit]) -> Blocking | None:
        """The worst call of units that run on an event loop, and of what they run there."""
        light: Blocking | None = None
        for unit in self._on_loop(starts):
            for found in self._in(unit):
                if not found.light:
                    return found
                light = light or found
        return light

    def starts(self, entry: EntryPoint) -> list[Unit]:
        """The units of an entry point, and the dependencies it is given, that begin on a shared event loop."""
        if entry.framework not in self._known.loops:
            return []
        on_loop = entry.framework in self._known.loops_of_all
        own = [u for u in entry.units if on_loop or _is_async(u)]
        given = [e.unit for u in entry.units if u not in own for e in self._core.graph.edges.get(u, ())
                 if not e.is_call and _is_async(e.unit) and e.node not in u.parents]  # fmt: skip
        return [*own, *given]

    def _on_loop(self, starts: Iterable[Unit]) -> Iterator[Unit]:
        """The units that run on the loop itself, the nearest first."""
        seen = dict.fromkeys(starts)
        queue = deque(seen)
        while queue:
            unit = queue.popleft()
            yield unit
            for inner in self._called_on_loop(unit):
                if inner not in seen:
                    seen[inner] = None
                    queue.append(inner)

    def _called_on_loop(self, unit: Unit) -> tuple[Unit, ...]:
        known = self._next.get(unit)
        if known is None:
            edges = self._core.graph.edges.get(unit, ())
            known = self._next[unit] = tuple(dict.fromkeys(e.unit for e in edges if self._stays(e, unit)))
        return known

    def _stays(self, edge: Edge, unit: Unit) -> bool:
        """Whether what an edge leads to runs on the same loop: not in a thread, an executor or a loop of its own."""
        target = edge.unit
        if target.module.role is not unit.module.role or only_given(edge, unit, self._core.resolver):
            return False
        if not isinstance(edge.node, code.Call) or edge.node not in unit.parents:
            # Dependencies, tasks and nested functions: the loop runs the asynchronous ones, threads run the others.
            return _is_async(target)
        if _is_async(target):
            return not self._own_loop(edge.node, unit)
        if self._elsewhere(edge.node, unit):
            return False
        if target.name in CONSTRUCTORS:
            return True
        if not edge.is_call or (target.function is not None and target.function.is_generator
                                and not self._drained(edge.node, unit)):  # fmt: skip
            return False
        # What a library awaits runs the project's synchronous methods elsewhere: `await tool.ainvoke()` and `_run`.
        is_same = target.owner is None or target.name in (last_name(edge.node.function), "__call__")
        return is_same or not self._awaited(edge.node, unit)

    def _own_loop(self, node: code.Node, unit: Unit) -> bool:
        return any(
            isinstance(above, code.Call) and "asyncio.run" in paths_of(above.function, unit, self._core.resolver)
            for above in unit.enclosing(node)
        )

    def _elsewhere(self, node: code.Node, unit: Unit) -> bool:
        """Whether it stands in an unnamed function, or in the branch for what cannot be awaited.

        That is the other branch of `if isinstance(store, AsyncStore): await …`.
        """
        inner = node
        for above in unit.enclosing(node):
            if isinstance(above, code.Lambda):
                return True
            if isinstance(above, code.If) and inner in above.otherwise and _asks_for_type(above.test):
                return any(isinstance(n, code.Await) for n in code.walk(above.body))
            inner = above
        return False

    def _drained(self, node: code.Call, unit: Unit) -> bool:
        """Whether the items of a generator are taken where it is called."""
        above = unit.parents.get(node)
        match above:
            case code.Loop(is_async=False) | code.Source() | code.Spread() | code.Yield(many=True):
                return True
            case code.Call(function=function) if function is not node:
                return last_name(function) in _DRAINING
            case code.Assign(targets=[code.Name(id=name)]):
                return any(
                    isinstance(n, code.Loop) and not n.is_async and isinstance(n.subject, code.Name)
                    and n.subject.id == name for n in unit.parents
                )  # fmt: skip
            case _:
                return False

    def _in(self, unit: Unit) -> tuple[Blocking, ...]:
        known = self._found.get(unit)
        if known is None:
            known = self._found[unit] = tuple(self._blocking(unit))
        return known

    def _blocking(self, unit: Unit) -> Iterator[Blocking]:
        asked = dict(self._models.get(unit, ()))
        for node in unit.calls:
            if node not in unit.parents or self._elsewhere(node, unit) or self._awaited(node, unit):
                continue
            call = asked.get(node)
            if call is not None:
                if self._waits(call, node, unit):
                    yield Blocking(unit.at(node), f"{call.name}(…)", call.kind == "predict" and call.sdk.name in _SMALL)
            elif isinstance(node.function, code.Name | code.Member):
                path = next(iter(paths_of(node.function, unit, self._core.resolver)), "")
                if path in self._known.blocking and path not in self._known.coroutines:
                    yield Blocking(unit.at(node), f"{path.replace('()', '')}(…)", False)

    def _waits(self, call: ModelCall, node: code.Call, unit: Unit) -> bool:
        paths = paths_of(node.function, unit, self._core.resolver) or [call.value.path]
        return not any(path in self._known.coroutines for path in paths)

    def _awaited(self, node: code.Expression, unit: Unit) -> bool:
        """Whether a call's result is awaited: here, by a helper of the event loop, or under the name it gets."""
        inner: code.Node = node
        for above in unit.enclosing(node):
            match above:
                case code.Await() | code.With(is_async=True) | code.Loop(is_async=True):
                    return True
                case code.Call(function=function) if (
                    function is not inner and last_name(function) in self._known.awaiting
                ):
                    return True
                case code.Keyword() | code.Spread() | code.Sequence() | code.Comprehension() | code.Choice():
                    inner = above
                case code.Assign(targets=[code.Name(id=name)]):
                    return any(
                        isinstance(n, code.Name) and n.id == name and self._consumed(n, unit) for n in unit.parents
                    )
                case _:
                    return False
        return False

    def _consumed(self, name: code.Name, unit: Unit) -> bool:
        match unit.parents.get(name):
            case code.Await() | code.With(is_async=True) | code.Loop(is_async=True):
                return True
            case code.Spread() | code.Call() as above:
                outer = unit.parents.get(above) if isinstance(above, code.Spread) else above
                return isinstance(outer, code.Call) and last_name(outer.function) in self._known.awaiting
            case _:
                return False


def _asks_for_type(test: code.Expression) -> bool:
    return isinstance(test, code.Call) and last_name(test.function) in _TYPE_TESTS


def _is_async(unit: Unit) -> bool:
    return unit.function is not None and unit.function.is_async
