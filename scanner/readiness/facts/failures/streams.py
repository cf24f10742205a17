"""Where a stream is consumed: an error of a generator or a streamed answer is raised there, not where it is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.failures.resilience import Resilience, stands_for
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import FunctionValue


@dataclass(frozen=True, slots=True)
class Consumption:
    """Where a stream is read.

    `node` is the place in this unit whose handlers see its errors. `detached`: a framework reads it after the unit has
    returned, out of reach of every handler here. `handed_on`: the unit returns it unread, for its callers to read.
    """

    node: code.Node
    detached: bool = False
    handed_on: bool = False
    unit: Unit | None = None
    """The function of the repository that is given the stream and reads it, where it is not read here."""


class Streams:
    """Follows a stream from the expression that makes it to what reads it."""

    def __init__(self, resolver: Resolver, known: Resilience) -> None:
        self._resolver, self._known = resolver, known

    def consumption(self, node: code.Node, unit: Unit) -> Consumption:
        """Where the stream that an expression of a unit makes is read."""
        name = ""
        for above in unit.enclosing(node):
            given = self._read_by(above, node, unit) if isinstance(above, code.Call) else None
            if given is not None:
                return given
            if isinstance(above, code.Call) and self.responds(above, unit):
                return Consumption(node, detached=True)
            if isinstance(above, code.Return):
                return Consumption(node, handed_on=True)
            if isinstance(above, code.Assign):
                name = next((t.id for t in above.targets if isinstance(t, code.Name)), "")
                break
            if isinstance(above, code.With):
                name = next((t.id for c, t in above.items if isinstance(t, code.Name) and _holds(c, node)), "")
                break
            if isinstance(above, code.Statement):
                return Consumption(node)
        return self._of_name(name, node, unit) if name else Consumption(node)

    def _read_by(self, call: code.Call, stream: code.Node, unit: Unit) -> Consumption | None:
        """Where a function of the repository reads the stream that it is given: `to_events(answer(question))`."""
        for value in self._resolver.values(call.function, unit):
            if not isinstance(value, FunctionValue) or value.unit.function is None:
                continue
            parameters = [p for p in value.unit.function.parameters if p.name not in ("self", "cls")]
            named = [k.name for k in call.keywords if k.value is stream]
            named += [p.name for p, a in zip(parameters, call.arguments, strict=False) if a is stream]
            for use in self._uses(named[0], value.unit) if named and named[0] else ():
                for above in value.unit.enclosing(use):
                    if isinstance(above, code.Loop) and _holds(above.subject, use):
                        return Consumption(above, unit=value.unit)
        return None

    def responds(self, call: code.Call, unit: Unit) -> bool:
        """Whether a call makes a response that is streamed later."""
        return stands_for(call.function, unit, self._resolver, self._known.streaming_responses)

    def _of_name(self, name: str, node: code.Node, unit: Unit) -> Consumption:
        for use in self._uses(name, unit):
            for above in unit.enclosing(use):
                given = self._read_by(above, use, unit) if isinstance(above, code.Call) else None
                if given is not None:
                    return given
                if isinstance(above, code.Loop) and _holds(above.subject, use):
                    return Consumption(above)
                if isinstance(above, code.Source) and _holds(above.iterable, use):
                    return Consumption(above)
                if isinstance(above, code.Call) and self.responds(above, unit):
                    return Consumption(node, detached=True)
                if isinstance(above, code.Return) and above.value is use:
                    return Consumption(node, handed_on=True)
                if isinstance(above, code.Statement):
                    break
        return Consumption(node)

    def _uses(self, name: str, unit: Unit) -> Iterator[code.Name]:
        for node in unit.parents:
            if isinstance(node, code.Name) and node.id == name:
                yield node


def _holds(outer: code.Node, inner: code.Node) -> bool:
    return any(node is inner for node in code.walk(outer))
