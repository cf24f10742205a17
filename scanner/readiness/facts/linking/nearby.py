"""The code around a call: what runs it, what runs beside it, and what of the program is loaded at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.units import ModuleInfo, Unit, last_name
from readiness.facts.linking.values import External
from readiness.repository.tree import Role

UP = 4
"""Callers that are followed up from a call: handler, service, wrapper and one more."""

DOWN = 3
"""Calls that are followed down from a function on the way: a helper that records, and what it calls."""

BESIDE = 2
"""Calls that are followed down from a function between an entry point and a call: what keeps the record of it."""

_APPLICATIONS = frozenset(
    {"FastAPI", "Flask", "Quart", "Starlette", "Litestar", "Sanic", "Celery", "FastMCP", "FlaskApp", "AsyncApp"}
)


class Nearby:
    """Looks around in the call graph; every answer is remembered."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._above: dict[Unit, dict[Unit, int]] = {}
        self._below: dict[Unit, dict[Unit, int]] = {}
        self._around: dict[Unit, dict[Unit, int]] = {}
        self._pages = {unit for e in core.entry_points for unit in e.units if unit.is_module}
        self.loaded = self._loaded()

    def above(self, unit: Unit) -> dict[Unit, int]:
        """A unit and those that run it, with the hops between."""
        known = self._above.get(unit)
        if known is None:
            known = self._above[unit] = self._walk(unit, UP, up=True)
        return known

    def below(self, unit: Unit) -> dict[Unit, int]:
        """A unit and those that it runs, with the hops between."""
        known = self._below.get(unit)
        if known is None:
            known = self._below[unit] = self._walk(unit, DOWN, up=False)
        return known

    def around(self, unit: Unit) -> dict[Unit, int]:
        """A unit, those that run it, and those that any of these runs."""
        known = self._around.get(unit)
        if known is None:
            found = dict(self.above(unit))
            layer = list(found)
            for _ in range(DOWN):
                following: list[Unit] = []
                for outer in layer:
                    for edge in self._core.graph.edges.get(outer, ()):
                        if edge.unit not in found and not edge.unit.is_module:
                            found[edge.unit] = found[outer] + 1
                            following.append(edge.unit)
                layer = following
            known = self._around[unit] = found
        return known

    def around_calls(self, calls: Iterable[ModelCall]) -> dict[Unit, int]:
        """What is around any of these calls."""
        found: dict[Unit, int] = {}
        for unit in dict.fromkeys(u for call in calls for _, u in (*call.runs, (call.call, call.unit))):
            for near, hops in self.around(unit).items():
                found[near] = min(found.get(near, 99), hops)
        return found

    def on_the_way(self, calls: Iterable[ModelCall]) -> frozenset[Unit]:
        """What runs between an entry point and one of these calls, however many layers lie there, and just beside it.

        Only outright calls count: with each layer, a callback more says less of which answer it is about.
        """
        found = set[Unit]()
        layer = [u for call in calls for _, u in (*call.runs, (call.call, call.unit)) if u in self._core.reached]
        while layer:
            found.update(layer)
            edges = [e for unit in layer for e in self._core.graph.callers.get(unit, ()) if e.is_call]
            layer = [u for u in dict.fromkeys(e.unit for e in edges) if u in self._core.reached and u not in found]
        beside = list(found)
        for _ in range(BESIDE):
            edges = [e for unit in beside for e in self._core.graph.edges.get(unit, ()) if e.is_call]
            beside = [u for u in dict.fromkeys(e.unit for e in edges) if u not in found]
            found.update(beside)
        return frozenset(found)

    def _walk(self, start: Unit, depth: int, *, up: bool) -> dict[Unit, int]:
        edges = self._core.graph.callers if up else self._core.graph.edges
        hops = {start: 0}
        layer = [start]
        for distance in range(1, depth + 1):
            following: list[Unit] = []
            for unit in layer:
                for edge in edges.get(unit, ()):
                    outside = up and edge.unit.module.role is not Role.SERVING
                    if edge.unit not in hops and not outside and (not edge.unit.is_module or edge.unit in self._pages):
                        hops[edge.unit] = distance
                        following.append(edge.unit)
            layer = following
        return hops

    def _factories(self) -> Iterator[Unit]:
        """Functions that build the application: a server is told their name, and no code calls them."""
        for unit in self._core.serving_units():
            if any(
                last_name(call.function) in _APPLICATIONS
                and any(isinstance(v, External) for v in self._core.resolver.values(call.function, unit))
                for call in unit.calls
            ):
                yield unit

    def _loaded(self) -> frozenset[Unit]:
        """The units that run when the application does, or while it is loaded: what its modules' bodies run included.

        Where nothing starts the application (a library), all serving code counts.
        """
        starts = [e.unit.module for e in self._core.entry_points if e.unit.module.role is Role.SERVING]
        if not starts:
            return frozenset(self._core.serving_units())
        modules: dict[ModuleInfo, None] = dict.fromkeys(starts)
        queue = [*modules, *{u.module for u in self._core.started}]
        units = dict.fromkeys(u for u in self._core.started)
        of_module: dict[ModuleInfo, list[Unit]] = {}
        for unit in self._core.program.units:
            of_module.setdefault(unit.module, []).append(unit)
        seen = set(queue)
        while queue:
            module = queue.pop()
            units[module.body] = None
            for unit in of_module.get(module, ()):
                for statement in unit.imports.values():
                    names = (
                        [statement.module, f"{statement.module}.{statement.name}"]
                        if statement.name
                        else [statement.module]
                    )
                    for name in filter(None, names):
                        found = self._core.program.find_module(name.strip("."), module, statement.level)
                        if found is not None and found not in seen and found.role is Role.SERVING:
                            seen.add(found)
                            queue.append(found)
        units.update(dict.fromkeys(self._factories()))
        # A module that builds or starts the application is loaded although nothing imports it.
        bodies = {e.unit.module.body for e in self._core.entry_points}
        return frozenset(self._core.graph.reach([*units, *bodies]))
