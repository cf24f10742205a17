"""Graphs that are written out node by node: do their edges come back, or do they end by construction?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.failures.reactions import walk
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import Bound, ClassValue, External, FunctionValue, Instance, Items, Known, Value

_EDGES = (
    "add_node",
    "add_edge",
    "add_conditional_edges",
    "add_sequence",
    "set_entry_point",
    "set_conditional_entry_point",
)
_ENDS = frozenset({"END", "__end__", "START", "__start__"})
_TOOLS = "tools"


class GraphCycles:
    """Reads the edges of graphs (`add_edge`, `add_conditional_edges`, `Command(goto=…)`)."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._calls: dict[code.Call, list[tuple[code.Call, Unit]]] = defaultdict(list)
        for name in _EDGES:
            for call, unit in core.program.calls_by_name.get(name, ()):
                if isinstance(call.function, code.Member):
                    for value in core.resolver.values(call.function.base, unit):
                        if isinstance(value, External) and value.steps:
                            self._calls[value.steps[0].call].append((call, unit))

    def ends(self, graph: code.Call) -> bool:
        """Whether no edge of a graph, by its constructor, leads back. False where an edge cannot be read."""
        calls = self._calls.get(graph, [])
        if not calls:
            return False
        edges: dict[str, set[str]] = defaultdict(set)
        for call, unit in calls:
            for start, end in self._edges(call, unit):
                if not start or not end:
                    return False
                edges[start].add(end)
        return not _cyclic(edges)

    def _edges(self, call: code.Call, unit: Unit) -> Iterator[tuple[str, str]]:
        """(from, to) of one line; an empty name where it cannot be read."""
        name = last_name(call.function)
        given = [*call.arguments, *(k.value for k in call.keywords)]
        if name == "add_edge" and len(given) == 2:
            yield from ((s, e) for s in self._names(given[0], unit) for e in self._names(given[1], unit))
        elif name == "add_conditional_edges" and given:
            starts = self._names(given[0], unit)
            yield from ((s, e) for s in starts for e in self._branches(given[1:], unit))
        elif name == "add_sequence" and given and isinstance(given[0], code.Sequence):
            names = [next(iter(self._names(i, unit)), "") for i in given[0].items]
            yield from pairwise(names)
        elif name == "add_node" and given:
            start = next(iter(self._names(given[0], unit)), "")
            for node in (v.unit for v in self._core.resolver.values(given[-1], unit) if isinstance(v, FunctionValue)):
                yield from ((start, end) for end in self._commands(node))

    def _branches(self, given: list[code.Expression], unit: Unit) -> Iterator[str]:
        """Where a branch can lead: its map or list of targets, or else what its function returns."""
        if len(given) > 1:
            for value in self._core.resolver.values(given[1], unit):
                if isinstance(value, Items) and isinstance(value.literal, code.Mapping):
                    for _, target in value.literal.items:
                        yield from self._names(target, value.unit)
                elif isinstance(value, Items) and isinstance(value.literal, code.Sequence):
                    for target in value.literal.items:
                        yield from self._names(target, value.unit)
                else:
                    yield ""
            return
        for value in self._core.resolver.values(given[0], unit) if given else ():
            match value:
                case FunctionValue(function):
                    for returned in function.returns:
                        yield from self._names(returned, function)
                case External(path) if path.endswith("tools_condition"):
                    yield _TOOLS
                case _:
                    yield ""

    def _commands(self, node: Unit) -> Iterator[str]:
        """The targets of `Command(goto=…)` in a node."""
        for inner in walk(node.body):
            if isinstance(inner, code.Call) and last_name(inner.function) == "Command":
                goto = inner.keyword("goto")
                if goto is not None:
                    yield from self._names(goto, node)

    def _names(self, expression: code.Expression, unit: Unit) -> list[str]:
        if isinstance(expression, code.Sequence):
            return [n for item in expression.items for n in self._names(item, unit)]
        return [self._name(value) for value in self._core.resolver.values(expression, unit)]

    def _name(self, value: Value) -> str:
        match value:
            case Known(value=str() as name):
                return name
            case External(path) if path.rpartition(".")[2] in _ENDS:
                return path.rpartition(".")[2]
            case FunctionValue(unit) | Bound(function=FunctionValue(unit)):
                return unit.name
            case ClassValue(info) | Instance(info):
                return info.node.name
        return ""


def _cyclic(edges: dict[str, set[str]]) -> bool:
    """Whether following the edges from some node leads back to it."""
    for start, targets in edges.items():
        seen: set[str] = set()
        stack = [n for n in targets if n not in _ENDS]
        while stack:
            node = stack.pop()
            if node == start:
                return True
            if node not in seen:
                seen.add(node)
                stack.extend(n for n in edges.get(node, ()) if n not in _ENDS)
    return False
