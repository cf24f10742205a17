"""Where a stream is consumed: an error of a generator or a streamed answer is raised there, not where it is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.resilience import Resilience, stands_for
from readiness.facts.resolve import Resolver
from readiness.facts.units import Unit


@dataclass(frozen=True, slots=True)
class Consumption:
    """Where a stream is read.

    `node` is the place in this unit whose handlers see its errors. `detached`: a framework reads it after the unit has
    returned, out of reach of every handler here. `handed_on`: the unit returns it unread, for its callers to read.
    """

    node: code.Node
    detached: bool = False
    handed_on: bool = False


class Streams:
    """Follows a stream from the expression that makes it to what reads it."""

    def __init__(self, resolver: Resolver, known: Resilience) -> None:
        self._resolver, self._known = resolver, known

    def consumption(self, node: code.Node, unit: Unit) -> Consumption:
        """Where the stream that an expression of a unit makes is read."""
        name = ""
        for above in unit.enclosing(node):
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

    def responds(self, call: code.Call, unit: Unit) -> bool:
        """Whether a call makes a response that is streamed later."""
        return stands_for(call.function, unit, self._resolver, self._known.streaming_responses)

    def _of_name(self, name: str, node: code.Node, unit: Unit) -> Consumption:
        for use in self._uses(name, unit):
            for above in unit.enclosing(use):
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
