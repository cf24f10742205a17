"""Model calls that are made many at a time, and what bounds how many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, FunctionValue, Items, Known
from readiness.facts.place import Place
from readiness.facts.scale.knowledge import ScaleKnowledge, load_scale, paths_of
from readiness.repository.tree import Role

FEW = 5
"""So many things written out one by one are no fan-out."""


@dataclass(slots=True, eq=False)
class FanOut:
    """One place that starts model calls together. `bound` says what keeps their number small, or is empty.

    `by_default`: only the number of workers that an executor takes when none is said. `unseen`: what is gone through
    comes from a function of the project that does not show how many it can give.
    """

    place: Place
    text: str
    bound: str
    by_default: bool
    unseen: bool
    reachable: bool


@dataclass(frozen=True, slots=True)
class _Start:
    """What is started: the nodes that start it, the functions it runs, and over what."""

    call: code.Call
    nodes: tuple[code.Node, ...]
    targets: tuple[Unit, ...]
    over: code.Expression | None
    pool: External | None = None


def find_fan_outs(core: Core) -> list[FanOut]:
    """The fan-outs of serving code that reach a model."""
    finder = _Finder(core, load_scale())
    return [found for unit in core.serving_units() for found in finder.of_unit(unit)]


class _Finder:
    def __init__(self, core: Core, known: ScaleKnowledge) -> None:
        self._core, self._known = core, known
        self._nodes: dict[code.Call, Unit] = {}
        self._asking: set[Unit] = set()
        for call in core.calls:
            if call.role is Role.SERVING and call.kind != "predict" and call.is_invocation:
                for node, unit in call.runs:
                    if last_name(node.function) not in known.lazy_methods:
                        self._nodes[node] = unit
                        self._asking.add(unit)
        self._limited = {node for c in core.calls for node, _ in c.runs if _is_limited(c.value, known)}
        self._reaching: dict[Unit, bool] = {}
        self._gated: dict[Unit, bool] = {}
        self._names = known.fan_gathering | known.fan_starting | known.fan_mapping | known.fan_batching

    def of_unit(self, unit: Unit) -> Iterator[FanOut]:
        """The fan-outs that one unit starts; a loop that starts them counts once."""
        seen: set[code.Node] = set()
        for call in unit.calls:
            if last_name(call.function) not in self._names or call not in unit.parents:
                continue
            for start in self._started(call, unit):
                if seen.isdisjoint(start.nodes) and self._asks(start):
                    seen.update(start.nodes)
                    yield self._judged(start, unit)

    # -- what is started ---------------------------------------------------------------------------------------

    def _started(self, call: code.Call, unit: Unit) -> Iterator[_Start]:
        name = last_name(call.function)
        if name in self._known.fan_gathering:
            for argument in call.arguments[:1] if name != "gather" else call.arguments:
                inner = argument.value if isinstance(argument, code.Spread) else argument
                if name != "gather" or isinstance(argument, code.Spread):
                    yield from self._elements(call, inner, unit)
        elif name in self._known.fan_batching and call in self._nodes:
            yield _Start(call, (call,), (), call.arguments[0] if call.arguments else None)
        elif name in self._known.fan_mapping and len(call.arguments) > 1:
            pool = self._pool(call, unit)
            if pool is not None:
                yield _Start(call, (call,), self._functions(call.arguments[0], unit), call.arguments[1], pool)
        elif name in self._known.fan_starting:
            over = self._loop(call, unit)
            if over is not None:
                functions = tuple(f for a in call.arguments[:2] for f in self._functions(a, unit))
                inside = tuple(n for a in call.arguments for n in code.walk(a) if isinstance(n, code.Call))
                nodes = (call, *inside)
                yield _Start(call, nodes, (*functions, *self._run(nodes, unit)), over, self._pool(call, unit))

    def _elements(self, call: code.Call, given: code.Expression, unit: Unit) -> Iterator[_Start]:
        """What `gather(*given)` waits for: the elements of a comprehension, or what a loop appended."""
        match given:
            case code.Comprehension(element=element, sources=[source, *_]):
                nodes = tuple(n for n in code.walk(element) if isinstance(n, code.Call))
                yield _Start(call, nodes, self._run(nodes, unit), source.iterable, self._pool_of(nodes, unit))
            case code.Name(id=name):
                for binding in unit.bindings.get(name, ()):
                    if isinstance(binding.value, code.Comprehension):
                        yield from self._elements(call, binding.value, unit)
                for other in unit.calls:
                    if isinstance(other.function, code.Member) and other.function.name == "append":
                        base, over = other.function.base, self._loop(other, unit)
                        if isinstance(base, code.Name) and base.id == name and over is not None:
                            nodes = tuple(n for a in other.arguments for n in code.walk(a) if isinstance(n, code.Call))
                            yield _Start(call, nodes, self._run(nodes, unit), over, self._pool_of(nodes, unit))

    def _run(self, nodes: tuple[code.Node, ...], unit: Unit) -> tuple[Unit, ...]:
        inside = set(nodes)
        return tuple(e.unit for e in self._core.graph.edges.get(unit, ()) if e.node in inside)

    def _functions(self, given: code.Expression, unit: Unit) -> tuple[Unit, ...]:
        return tuple(v.unit for v in self._core.resolver.values(given, unit) if isinstance(v, FunctionValue))

    def _loop(self, node: code.Node, unit: Unit) -> code.Expression | None:
        """What the nearest loop around a node goes through; None for a loop without an end, and outside loops."""
        inner = node
        for above in unit.enclosing(node):
            if isinstance(above, code.Loop) and above.target is not None and inner in above.body:
                return above.subject if not above.is_async else None
            if isinstance(above, code.Comprehension) and inner is above.element:
                return above.sources[0].iterable
            inner = above
        return None

    def _pool_of(self, nodes: tuple[code.Node, ...], unit: Unit) -> External | None:
        found = (self._pool(n, unit) for n in nodes if isinstance(n, code.Call))
        return next((p for p in found if p is not None), None)

    def _pool(self, call: code.Call, unit: Unit) -> External | None:
        if not isinstance(call.function, code.Member):
            return None
        in_loop = call.function.name == "run_in_executor" and bool(call.arguments)
        given = call.arguments[0] if in_loop else call.function.base
        for value in self._core.resolver.values(given, unit):
            if isinstance(value, External) and value.path.removesuffix("()") in self._known.worker_pools:
                return value
        return None

    def _asks(self, start: _Start) -> bool:
        return any(n in self._nodes for n in start.nodes) or any(self._asked_by(u) for u in start.targets)

    def _asked_by(self, unit: Unit) -> bool:
        known = self._reaching.get(unit)
        if known is None:
            known = self._reaching[unit] = not self._asking.isdisjoint(self._core.graph.reach([unit]))
        return known

    # -- what bounds it ----------------------------------------------------------------------------------------

    def _judged(self, start: _Start, unit: Unit) -> FanOut:
        bound, by_default = self._bound(start, unit)
        is_reached = unit in self._core.started
        unseen = not bound and not by_default and start.over is not None and self._is_given(start.over, unit, 3)
        return FanOut(
            unit.at(start.call), f"{last_name(start.call.function)}(…)", bound, by_default, unseen, is_reached
        )

    def _bound(self, start: _Start, unit: Unit) -> tuple[str, bool]:
        if start.pool is not None:
            counted = self._counts_workers(start.pool)
            return ("a pool of so many workers", False) if counted else ("", True)
        if self._is_limited(start, unit):
            return "a limit of the client", False
        if start.over is not None and self._is_few(start.over, unit, 3):
            return "so many things at most", False
        if self._is_gated(start, unit):
            return "a semaphore around the call", False
        name = last_name(start.call.function)
        return "", name in ("batch", "batch_as_completed", "run_in_executor")

    def _counts_workers(self, pool: External) -> bool:
        for step in pool.steps:
            if step.call.arguments or any(k.name in self._known.worker_counts for k in step.call.keywords):
                return True
        return False

    def _is_limited(self, start: _Start, unit: Unit) -> bool:
        for keyword in start.call.keywords:
            if keyword.name in self._known.outbound_limits:
                return True
        given = [*start.call.arguments, *(k.value for k in start.call.keywords)]
        for argument in given if last_name(start.call.function) in self._known.fan_batching else ():
            for value in self._core.resolver.values(argument, unit):
                if isinstance(value, Items) and isinstance(value.literal, code.Mapping):
                    keys = {k.value for k, _ in value.literal.items if isinstance(k, code.Constant)}
                    if not keys.isdisjoint(self._known.outbound_limits):
                        return True
        reached = self._core.graph.reach(start.targets)
        asked = [n for n, u in self._nodes.items() if u in reached or n in start.nodes]
        return bool(asked) and all(n in self._limited for n in asked)

    def _is_few(self, over: code.Expression, unit: Unit, depth: int) -> bool:
        """Whether what is gone through has a bound that one can see: a literal, a slice, a range, a limit asked for."""
        match over:
            case code.Sequence(items=items):
                return not any(isinstance(i, code.Spread) for i in items)
            case code.Index(key=code.Slice(upper=upper)):
                return upper is not None
            case code.Call(function=function, arguments=arguments) if last_name(function) in (
                "enumerate",
                "zip",
                "list",
            ):
                return any(self._is_few(a, unit, depth) for a in arguments)
            case code.Call(function=code.Name(id="range"), arguments=arguments):
                sizes = [n for a in arguments for n in code.walk(a) if isinstance(n, code.Call)]
                return not any(last_name(n.function) == "len" for n in sizes)
            case code.Call(keywords=keywords):
                named = [k.name or "" for k in keywords]
                return any(n in self._known.bounding_arguments or n.startswith("max_") for n in named) or (
                    depth > 0 and self._gives_few(over, unit, depth)
                )
            case code.Await(value=inner):
                return self._is_few(inner, unit, depth)
            case code.Name(id=name):
                bound = [b.value for b in unit.bindings.get(name, ()) if b.value is not None and b.how == "value"]
                return depth > 0 and bool(bound) and any(self._is_few(b, unit, depth - 1) for b in bound)
            case code.Member(name=name):
                kept = self._members(name, unit)
                return depth > 0 and any(self._is_few(b, u, depth - 1) for b, u in kept)
            case _:
                values = self._core.resolver.values(over, unit)
                return bool(values) and all(isinstance(v, Known) for v in values)

    def _members(self, name: str, unit: Unit) -> list[tuple[code.Expression, Unit]]:
        if unit.owner is None:
            return []
        found = unit.owner.attributes.get(name, [])
        return [(b.value, u) for b, u in found if b.value is not None and b.how == "value"]

    def _gives_few(self, call: code.Call, unit: Unit, depth: int) -> bool:
        """Whether a function of the project cuts what it gives back."""
        for value in self._core.resolver.values(call.function, unit):
            if isinstance(value, FunctionValue) and value.unit.returns:
                return all(self._is_few(r, value.unit, depth - 1) for r in value.unit.returns)
        return False

    def _is_given(self, over: code.Expression, unit: Unit, depth: int) -> bool:
        """Whether what is gone through is what a function of the project gave."""
        match over:
            case code.Await(value=inner):
                return self._is_given(inner, unit, depth)
            case code.Call(function=function, arguments=[first, *_]) if last_name(function) in (
                "enumerate",
                "zip",
                "list",
            ):
                return self._is_given(first, unit, depth)
            case code.Call(function=function):
                return any(isinstance(v, FunctionValue) for v in self._core.resolver.values(function, unit))
            case code.Name(id=name) if depth:
                bound = [
                    b.value for b in unit.bindings.get(name, ()) if b.value is not None and b.how in ("value", "part")
                ]
                return any(self._is_given(b, unit, depth - 1) for b in bound)
            case _:
                return False

    def _is_gated(self, start: _Start, unit: Unit) -> bool:
        """Whether a semaphore is held around the model call, here or in the functions between."""
        if any(self._holds(above, unit) for node in start.nodes for above in unit.enclosing(node)):
            return True
        return any(self._gates(inner) for inner in self._core.graph.reach(start.targets))

    def _gates(self, unit: Unit) -> bool:
        """Whether a unit holds a semaphore while a model is asked."""
        known = self._gated.get(unit)
        if known is None:
            blocks = (n for n in (*unit.body, *unit.parents) if isinstance(n, code.With))
            known = any(self._holds(n, unit) and self._leads_to_model(n.body, unit) for n in blocks)
            acquired = (c for c in unit.calls if last_name(c.function) == "acquire")
            known = self._gated[unit] = known or any(self._is_gate(c.function, unit) for c in acquired)
        return known

    def _holds(self, node: code.Node, unit: Unit) -> bool:
        return isinstance(node, code.With) and any(
            path in self._known.gates
            for context, _ in node.items
            for path in paths_of(context, unit, self._core.resolver)
        )

    def _is_gate(self, function: code.Expression, unit: Unit) -> bool:
        return any(
            p.removesuffix(".acquire") in self._known.gates for p in paths_of(function, unit, self._core.resolver)
        )

    def _leads_to_model(self, body: list[code.Statement], unit: Unit) -> bool:
        inside = {n for n in code.walk(body) if isinstance(n, code.Call)}
        if any(n in self._nodes for n in inside):
            return True
        return any(e.node in inside and self._asked_by(e.unit) for e in self._core.graph.edges.get(unit, ()))


def _is_limited(value: External, known: ScaleKnowledge) -> bool:
    """Whether the client of a call lets only so many requests out."""
    return any(k.name in known.outbound_limits for step in value.steps for k in step.call.keywords)
