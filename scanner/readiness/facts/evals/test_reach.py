"""How far a test gets: the units of the project that it runs, directly or through the application's routes."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.evals.collected_tests import CollectedTest, CollectedTests
from readiness.facts.evals.replacements import Replacements
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.graph import Edge
from readiness.facts.linking.routes import Routes
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import ClassValue, External, FunctionValue, Instance, Known, ModuleValue, Text
from readiness.repository.tree import Role

_VERBS = frozenset({"get", "post", "put", "patch", "delete", "stream", "websocket_connect", "request", "open"})
_REAL_CLIENTS = ("requests.", "urllib", "aiohttp.")
_RUN = frozenset(
    {
        *("invoke", "ainvoke", "stream", "astream", "astream_events", "batch", "abatch", "run", "arun", "run_sync"),
        *("run_stream", "kickoff", "kickoff_async", "execute", "call", "query", "chat", "forward", "predict"),
        *("start", "send", "process"),
    }
)
_HOST = re.compile(r"^\w+://(?:test|testserver|testclient|app|asgi)(?::\d+)?(?=/)")


@dataclass(slots=True)
class Reach:
    """What a test runs: `units`, the functions that it `replaced` just before a call, and the `entries` it drives."""

    units: set[Unit] = field(default_factory=set)
    replaced: set[Unit] = field(default_factory=set)
    entries: list[EntryPoint] = field(default_factory=list)


class TestReach:
    """Follows tests into the project."""

    __test__ = False

    def __init__(self, core: Core, tests: CollectedTests) -> None:
        self._core, self._tests = core, tests
        self._routes = [e for e in core.entry_points if e.is_network and e.unit.module.role is not Role.TEST]
        self._handlers = {u for e in self._routes for u in e.units}
        self._registered = {u for units in core.graph.registered.values() for u in units}
        self._runs = {call for c in core.calls for call, _ in c.runs if c.is_agent}
        routes = Routes(core)
        self._patterns = [(e, parts) for e in self._routes if e.kind in ("http", "websocket")
                          for parts in self._full_routes(e, routes)]  # fmt: skip

    def follow(self, tests: Iterable[CollectedTest], replaced: Replacements) -> Reach:
        """What tests that replace the same run in the project."""
        found = Reach()
        starts: dict[Unit, None] = {}
        for test in tests:
            for unit in test.scope:
                starts[unit] = None
                starts.update((t, None) for t in self._through_fixtures(unit))
                for entry in self.driven(unit, test):
                    if entry not in found.entries:
                        found.entries.append(entry)
        starts.update((u, None) for u in sorted(replaced.runs, key=lambda u: u.qualified))
        found.units, found.replaced = self._walk(starts, replaced)
        for entry in self._routes:
            if entry not in found.entries and entry.unit.function is not None and entry.unit in found.units:
                found.entries.append(entry)
        inner, cut = self._walk((u for e in found.entries for u in e.units), replaced)
        found.units |= inner
        found.replaced |= cut
        return found

    def _walk(self, starts: Iterable[Unit], replaced: Replacements) -> tuple[set[Unit], set[Unit]]:
        seen = {u for u in starts if u not in replaced.units}
        cut: set[Unit] = set()
        behind = self._behind(replaced)
        queue = deque(seen)
        while queue:
            unit = queue.popleft()
            for edge in self._core.graph.edges.get(unit, ()):
                # An application that is handed round does not run its routes: a request does.
                if edge.unit in seen or (edge.unit in self._handlers and not edge.is_call):
                    continue
                if not edge.is_call and (edge.unit in behind or not self._is_run(edge)):
                    continue
                if edge.unit in replaced.units or self._is_patched(unit, edge, replaced):
                    cut.add(edge.unit)
                else:
                    seen.add(edge.unit)
                    queue.append(edge.unit)
        return seen, cut - seen

    def _is_run(self, edge: Edge) -> bool:
        """Whether what is hung on an object runs here: building a graph of nodes does not run them."""
        if edge.unit not in self._registered or not isinstance(edge.node, code.Call):
            return True
        return edge.node in self._runs or last_name(edge.node.function) in _RUN

    def _behind(self, replaced: Replacements) -> set[Unit]:
        """The functions hung on objects (the nodes of a graph) that the project gets under a name that is patched."""
        found: set[Unit] = set()
        for values in replaced.names.values():
            for value in values:
                given = self._core.resolver.returned(value.unit) if isinstance(value, FunctionValue) else (value,)
                for inner in given:
                    for step in inner.steps if isinstance(inner, External) else ():
                        found.update(self._core.graph.registered.get(step.call, ()))
        return found

    def _is_patched(self, caller: Unit, edge: Edge, replaced: Replacements) -> bool:
        """Whether a call looks its function up under a name that is patched."""
        node = edge.node
        function = node.function if isinstance(node, code.Call) and edge.is_call else node
        name = last_name(function) if isinstance(function, code.Expression) else ""
        if (caller.module.path, name) in replaced.names:
            return True
        if not any(known == name for _, known in replaced.names):
            return False
        if isinstance(function, code.Member):
            for value in self._core.resolver.values(function.base, caller):
                if isinstance(value, ModuleValue) and (value.info.path, name) in replaced.names:
                    return True
        return False

    def _through_fixtures(self, unit: Unit) -> Iterator[Unit]:
        """The functions a test calls on what its fixtures give."""
        for call in unit.calls:
            if isinstance(call.function, code.Member | code.Name):
                for value in self._tests.values(call.function, unit)[:6]:
                    match value:
                        case FunctionValue(target):
                            yield target
                        case ClassValue(info):
                            yield from (m for n, m in info.methods.items() if n == "__init__")
                        case Instance(info):
                            method = self._core.resolver.classes.method(info, "__call__")
                            if method is not None:
                                yield method

    # -- routes ------------------------------------------------------------------------------------------------

    def _full_routes(self, entry: EntryPoint, routes: Routes) -> list[list[str]]:
        """Every path that leads to a handler, whole and below its own router alone."""
        prefix = ""
        for call in entry.app:
            given = call.keyword("prefix") or call.keyword("url_prefix")
            if isinstance(given, code.Constant) and isinstance(given.value, str):
                prefix = given.value
        found = [f"{prefix}/{entry.route}", *routes.paths(entry)]
        return [list(parts) for parts in dict.fromkeys(tuple(p for p in path.split("/") if p) for path in found)]

    def driven(self, unit: Unit, test: CollectedTest) -> Iterator[EntryPoint]:
        """The entry points that requests of a test client reach."""
        for call in unit.calls:
            name = last_name(call.function)
            if name in ("from_file", "AppTest"):
                yield from self._pages(call, unit)
            if name not in _VERBS or not isinstance(call.function, code.Member):
                continue
            if any(
                isinstance(v, External) and v.path.startswith(_REAL_CLIENTS)
                for v in self._tests.values(call.function, unit)[:3]
            ):
                continue
            for path in self._paths(call, unit, test):
                yield from self._matching(path)

    def _pages(self, call: code.Call, unit: Unit) -> Iterator[EntryPoint]:
        for argument in call.arguments[:1]:
            for value in self._core.resolver.values(argument, unit)[:2]:
                if isinstance(value, Known) and isinstance(value.value, str):
                    tail = value.value.lstrip("./")
                    yield from (
                        e
                        for e in self._routes
                        if e.kind == "ui" and tail and f"/{e.unit.module.path}".endswith(f"/{tail}")
                    )

    def _paths(self, call: code.Call, unit: Unit, test: CollectedTest) -> Iterator[str]:
        candidates = [*call.arguments[:2], *(k.value for k in call.keywords if k.name in ("url", "path"))]
        for argument in candidates:
            for value in self._core.resolver.values(argument, unit)[:4]:
                if isinstance(value, Known) and isinstance(value.value, str):
                    yield from _path(value.value)
                elif isinstance(value, Text) and isinstance(value.template, code.Template):
                    parts = [p.value if isinstance(p, code.Constant) else "{}" for p in value.template.parts]
                    yield from _path("".join(str(p) for p in parts))
            if isinstance(argument, code.Name) and unit.parameter(argument.id) is not None:
                for decorator, _ in test.decorators:  # one of the values it is parametrised with
                    for node in code.walk(decorator):
                        if isinstance(node, code.Constant) and isinstance(node.value, str) and "/" in node.value:
                            yield from _path(node.value)

    def _matching(self, path: str) -> Iterator[EntryPoint]:
        given = [part for part in path.split("/") if part]
        for entry, wanted in self._patterns:
            if not wanted:
                if not given:
                    yield entry
                continue
            tail = given[-len(wanted) :]
            if len(tail) == len(wanted) and all(map(_same, tail, wanted)):
                yield entry


def _same(given: str, wanted: str) -> bool:
    return given == wanted or wanted.startswith(("{", "<", ":")) or given == "{}"


def _path(text: str) -> Iterator[str]:
    text = _HOST.sub("", text.partition("?")[0])
    if "://" not in text and ("/" in text) and " " not in text:
        yield text
