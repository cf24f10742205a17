"""The project's own code that the stages of a pipe run: `retriever | shorten | prompt | model`, called as a whole.

What a stage is given comes from the stage before it and stands in no argument of the code, so it is told by the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.access import COMPOSERS
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External, FunctionValue, Instance, Items, LambdaValue, Pipe, Value

MAX_DEPTH = 8
"""Pipes inside pipes that are looked into."""

MAX_STAGES = 60
"""Stages of one call that are looked at."""

Stage = tuple[Unit, ...]


def stages_of(core: Core, call: code.Call, unit: Unit) -> list[Stage]:
    """The units that each stage of the pipe runs that a call is made on (`chain.invoke(…)`), in order."""
    if not isinstance(call.function, code.Member):
        return []
    pipes = [v for v in core.resolver.values(call.function.base, unit) if isinstance(v, Pipe)]
    found: list[Stage] = []
    for pipe in pipes:
        for stage in _stages(core, pipe, 0):
            if stage not in found and len(found) < MAX_STAGES:
                found.append(stage)
    return found


def _stages(core: Core, value: Value, depth: int) -> Iterator[Stage]:
    if depth > MAX_DEPTH:
        return
    match value:
        case Pipe(parts):
            for part in parts:
                for inner in dict.fromkeys(part):
                    yield from _stages(core, inner, depth + 1)
        case FunctionValue(unit):
            yield (unit,)
        case LambdaValue(node, owner):
            yield tuple(_called_in(core, node, owner))
        case Instance(info):
            family = (info, *core.resolver.classes.bases(info)[0])
            yield tuple(m for one in family for name, m in one.methods.items() if not name.startswith("__"))
        case External(path, steps) if path.startswith(COMPOSERS) and steps:
            call, unit = steps[-1].call, steps[-1].unit
            yield from _of_all(core, (*call.arguments, *(k.value for k in call.keywords)), unit, depth)
        case Items(literal=code.Mapping(items=items), unit=unit):
            yield from _of_all(core, (given for _, given in items), unit, depth)


def _of_all(core: Core, expressions: Iterable[code.Expression], unit: Unit, depth: int) -> Iterator[Stage]:
    for expression in expressions:
        for value in dict.fromkeys(core.resolver.values(expression, unit)):
            yield from _stages(core, value, depth + 1)


def _called_in(core: Core, node: code.Lambda, owner: Unit) -> Iterator[Unit]:
    """What the body of an unnamed function calls."""
    inside = set(code.walk(node.body))
    yield from (edge.unit for edge in core.graph.edges.get(owner, ()) if edge.node in inside)
