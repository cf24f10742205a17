"""Whether each entry point that asks a model leaves the event loop free and reuses its clients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.facts.core import Core
from readiness.facts.inputs.requests import RequestEntry
from readiness.facts.linking.units import Unit
from readiness.facts.place import Evidence, Place
from readiness.facts.scale.clients import RebuiltClients
from readiness.facts.scale.event_loop import Blocking, EventLoop
from readiness.facts.scale.knowledge import load_scale, paths_of
from readiness.repository.tree import Role


@dataclass(slots=True, eq=False)
class AsyncEntry:
    """One entry point that reaches a model; where nothing serves it, one asynchronous function that asks a model.

    `blocking` waits on the event loop, `rebuilt` is a client that each request builds again. `place` is where one would
    act: at the blocking call, at the constructor, or at the handler.
    """

    place: Place
    text: str
    blocking: Blocking | None
    rebuilt: Evidence | None
    reachable: bool = True

    @property
    def where(self) -> str:
        """The line to act on, as text."""
        return f"{self.place.path}:{self.place.line}"


def find_async_entries(core: Core, requests: Iterable[RequestEntry]) -> list[AsyncEntry]:
    """The entry points that reach a model, each with what keeps it from serving many at once."""
    known = load_scale()
    loop, clients = EventLoop(core, known), RebuiltClients(core, known)
    found = [_entry(r.text, r.place, loop.blocking(r.entry), clients.of(r.entry)) for r in requests if r.importable]
    return found or [_entry(u.qualified, u.place, loop.worst([u]), None) for u in _asking(core)]


def _entry(text: str, place: Place, blocking: Blocking | None, rebuilt: Evidence | None) -> AsyncEntry:
    cause = blocking or rebuilt
    return AsyncEntry(cause.place if cause else place, text, blocking, rebuilt)


def _asking(core: Core) -> Iterator[Unit]:
    """Asynchronous functions of code without entry points that ask a model; those of a command serve nobody else."""
    if any(e.unit.module.role is Role.SERVING for e in core.entry_points):
        return
    resolver = core.resolver
    alone = core.graph.reach(
        u for u in core.program.units if any("asyncio.run" in paths_of(c.function, u, resolver) for c in u.calls)
    )
    asked = dict.fromkeys(u for c in core.calls if c.role is Role.SERVING and not c.is_probe for _, u in c.runs)
    for unit in asked:
        if unit.function is not None and unit.function.is_async and unit not in alone:
            yield unit
