"""The ways into the service that cost a model call, and who asks there who is calling (endpoint-authentication)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.governance.access_knowledge import AccessKnowledge, load_access
from readiness.facts.governance.guards import Guard, Guards, called_name
from readiness.facts.governance.middleware import Before, find_middleware
from readiness.facts.governance.outside import find_outside
from readiness.facts.governance.page_guards import PageGuards, own_key
from readiness.facts.inputs.requests import RequestEntry
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.routes import Routes
from readiness.facts.linking.units import Unit, dotted, last_name
from readiness.facts.linking.values import ClassValue, External, FunctionValue, Instance, Known
from readiness.facts.place import Place

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SERVERS = frozenset({"run", "run_app", "launch", "serve", "Config", "run_simple", "make_server", "HTTPServer"})
_HELPING = frozenset({"speak", "transcribe", "embed"})
_DEPENDING = frozenset({"Depends", "Security", "Annotated"})


@dataclass(slots=True, eq=False)
class Door:
    """One entry point that reaches a model, and its guards, the strongest first.

    `kind` and `text` are the entry point's. `local`: the application listens on this machine alone and the repository
    ships nothing that would put it elsewhere. `elsewhere`: what calls it is set up outside of the repository.
    """

    place: Place
    text: str
    entry: EntryPoint
    kind: str
    guards: tuple[Guard, ...]
    local: bool
    elsewhere: bool
    importable: bool
    reachable: bool = True

    @property
    def guard(self) -> Guard | None:
        """The strongest guard; None where anybody gets in."""
        return self.guards[0] if self.guards else None

    @property
    def how(self) -> str:
        """How the strongest guard knows its callers; "" where there is none."""
        return self.guards[0].how if self.guards else ""

    @property
    def switch(self) -> str:
        """The setting without which the strongest guard asks nothing."""
        return self.guards[0].switch if self.guards else ""


def find_doors(core: Core, requests: Iterable[RequestEntry], health: Container[Place] = ()) -> list[Door]:
    """Every network entry point of serving code that reaches a model.

    Left out are queues and background jobs, whose broker lets nobody in, routes at a place of `health`, which must be
    open to the probe, and pages that only speak or listen while another entry point asks the model.
    """
    entries = [r for r in requests if r.entry.kind not in ("queue", "job", "cli") and r.place not in health]
    if any(c.generates for r in entries for c in r.calls):
        entries = [r for r in entries if r.entry.kind != "ui" or any(c.kind not in _HELPING for c in r.calls)]
    if not entries:
        return []
    finder = _Finder(core, load_access())
    outside = find_outside(core, load_access())
    local = _is_local(core)
    return [
        Door(r.place, r.text, r.entry, r.entry.kind, _ranked([*finder.of(r), *outside]), local,
             _is_elsewhere(r.entry), r.importable)
        for r in entries
        if not (r.entry.kind == "mcp" and finder.is_stdio())
    ]  # fmt: skip


def _ranked(guards: Iterable[Guard]) -> tuple[Guard, ...]:
    return tuple(sorted(dict.fromkeys(guards), key=lambda g: (-g.strength, g.place)))


def _is_elsewhere(entry: EntryPoint) -> bool:
    """Whether the platform that calls a function or hosts an agent decides who may: nothing here says how."""
    return entry.kind == "lambda" or entry.framework in ("langgraph", "managed-deepagents")


def _is_local(core: Core) -> bool:
    """Whether every server that code starts listens on the loopback address alone, and nothing deploys the service."""
    deployment = core.deployment
    if deployment.images or deployment.compose or deployment.workloads or deployment.platforms:
        return False
    hosts = [
        host.value
        for unit in core.serving_units()
        for call in unit.calls
        if last_name(call.function) in _SERVERS
        for keyword in call.keywords
        if keyword.name in ("host", "server_name", "hostname")
        for host in core.resolver.values(keyword.value, unit)[:1]
        if isinstance(host, Known)
    ]
    return bool(hosts) and all(host in _LOOPBACK for host in hosts)


class _Finder:
    """Collects the guards of an entry point: dependencies, decorators, middleware, its own body, its framework."""

    def __init__(self, core: Core, knowledge: AccessKnowledge) -> None:
        self._core, self._knowledge = core, knowledge
        self._guards = Guards(core, knowledge)
        self._routes = Routes(core)
        self._before = find_middleware(core)
        self._pages = PageGuards(core, knowledge, self._guards)

    def of(self, request: RequestEntry) -> Iterator[Guard]:
        """Every guard of one entry point."""
        entry = request.entry
        own = own_key(self._core, request) if entry.kind == "ui" else None
        if own is not None:
            yield own
        if entry.framework in self._knowledge.signed_frameworks:
            yield Guard(entry.place, f"{entry.framework} signs what it sends", "identity")
        yield from self._pages.of(entry)
        yield from self._platform(entry)
        for expression, unit in self._routes.dependencies(entry):
            yield from self._depended(expression, unit)
        for unit in entry.units:
            yield from self._injected(unit)
            yield from self._decorated(unit)
            if entry.kind != "ui":
                yield from self._own(unit)
        yield from self._of_class(entry.unit)
        yield from self._middleware(entry)

    def _platform(self, entry: EntryPoint) -> Iterator[Guard]:
        """`auth` of a `langgraph.json`: the platform asks it before it runs a graph."""
        if entry.framework != "langgraph":
            return
        for path, documents in self._core.observations.documents.items():
            given = documents[0].get("auth", "path") if documents and path.endswith("langgraph.json") else None
            if given is not None:
                yield Guard(Place(path, given.line, given.end_line), "auth of langgraph.json", "identity")

    def is_stdio(self) -> bool:
        """Whether no MCP server of the repository is told to listen on a network."""
        calls = [c for c, _ in self._core.program.calls_by_name.get("run", ())]
        calls += [c for c, _ in self._core.program.calls_by_name.get("run_async", ())]
        transports = [k.value for c in calls for k in c.keywords if k.name == "transport"]
        served = any(
            name in self._core.program.calls_by_name for name in ("sse_app", "streamable_http_app", "http_app")
        )
        return not served and all(isinstance(t, code.Constant) and t.value == "stdio" for t in transports)

    def _own(self, unit: Unit) -> Iterator[Guard]:
        guard = self._guards.body(unit)
        if guard is not None:
            yield guard

    def _injected(self, unit: Unit) -> Iterator[Guard]:
        """What the handler's parameters depend on."""
        body = unit.parents
        scope = unit.parent or unit
        for edge in self._core.graph.edges.get(unit, ()):
            if edge.node not in body and called_name(edge.node) in _DEPENDING:
                yield from self._dependency(edge.unit)
        for parameter in unit.function.parameters if unit.function is not None else ():
            for expression in (parameter.default, parameter.annotation):
                for node in code.walk(expression) if expression is not None else ():
                    if isinstance(node, code.Call) and last_name(node.function) in _DEPENDING:
                        yield from self._depended(node, scope)

    def _depended(self, expression: code.Expression, unit: Unit) -> Iterator[Guard]:
        """`Depends(x)`, in whatever way x can be called."""
        given = expression.arguments[:1] if isinstance(expression, code.Call) else []
        given += (
            [k.value for k in expression.keywords if k.name == "dependency"]
            if isinstance(expression, code.Call)
            else []
        )
        if isinstance(expression, code.Name | code.Member):
            for value in self._core.resolver.values(expression, unit):
                if isinstance(value, External) and value.steps and value.path == "fastapi.Security()":
                    given += value.steps[-1].call.arguments[:1]
        for target in given:
            for value in self._core.resolver.values(target, unit):
                match value:
                    case FunctionValue(callee):
                        yield from self._dependency(callee)
                    case Instance(info) | ClassValue(info):
                        for name in ("__call__",) if isinstance(value, Instance) else ("__init__",):
                            method = self._core.resolver.classes.method(info, name)
                            if method is not None:
                                yield from self._dependency(method)
                    case External(path) if path in self._knowledge.dependencies:
                        yield Guard(unit.at(expression), path, "identity")
                    case _:
                        continue

    def _dependency(self, unit: Unit) -> Iterator[Guard]:
        guard = self._guards.dependency(unit)
        if guard is not None:
            yield guard
        yield from self._ready_made(unit)

    def _ready_made(self, unit: Unit, depth: int = 0) -> Iterator[Guard]:
        """Dependencies of a dependency that a library brings."""
        scope = unit.parent or unit
        for parameter in unit.function.parameters if unit.function is not None and depth < 3 else ():
            for expression in (parameter.default, parameter.annotation):
                for node in code.walk(expression) if expression is not None else ():
                    if isinstance(node, code.Call) and last_name(node.function) in _DEPENDING and node.arguments:
                        for value in self._core.resolver.values(node.arguments[0], scope):
                            if isinstance(value, External) and value.path in self._knowledge.dependencies:
                                yield Guard(scope.at(node), value.path, "identity")
                            elif isinstance(value, FunctionValue) and value.unit is not unit:
                                yield from self._ready_made(value.unit, depth + 1)

    def _decorated(self, unit: Unit) -> Iterator[Guard]:
        scope = unit.parent or unit
        for decorator in unit.function.decorators if unit.function is not None else ():
            for value in self._core.resolver.values(decorator, scope):
                match value:
                    case External(path) if path in self._knowledge.decorators:
                        if not _is_optional(decorator):
                            yield Guard(scope.at(decorator), path, "identity")
                    case FunctionValue(callee):
                        yield from self._dependency(callee)
                    case _:
                        continue
            if isinstance(decorator, code.Call):
                for value in self._core.resolver.values(decorator.function, scope):
                    if isinstance(value, FunctionValue):
                        yield from self._dependency(value.unit)

    def _of_class(self, unit: Unit) -> Iterator[Guard]:
        """Permissions that a view's class names or inherits."""
        info = unit.owner
        if info is None:
            return
        own, external = self._core.resolver.classes.bases(info)
        if any(base in self._knowledge.decorators for base in external):
            yield Guard(info.place, "its class lets only known callers in", "identity")
        for owner in (info, *own):
            for name in ("permission_classes", "decorators", "method_decorators"):
                for binding, scope in owner.attributes.get(name, ()):
                    for node in code.walk(binding.value) if binding.value is not None else ():
                        if isinstance(node, code.Name | code.Member | code.Call):
                            for value in self._core.resolver.values(node, scope):
                                if isinstance(value, External) and (
                                    value.path in self._knowledge.permissions
                                    or value.path in self._knowledge.decorators
                                ):
                                    yield Guard(scope.at(node), value.path, "identity")
                                elif isinstance(value, FunctionValue):
                                    yield from self._dependency(value.unit)

    def _middleware(self, entry: EntryPoint) -> Iterator[Guard]:
        apps = self._routes.applications(entry)
        paths = self._routes.paths(entry) if entry.kind in ("http", "websocket") else []
        for before in self._before:
            if before.app is not None and apps and before.app not in apps and not self._wraps(before, apps):
                continue
            if before.external is not None:
                if before.external.path in self._knowledge.middleware:
                    yield Guard(before.where.at(before.node), before.external.path, "identity")
                yield from self._handed_backend(before)
            elif before.unit is not None and not self._passes_by(before.unit, paths):
                yield from self._dependency(before.unit)

    def _handed_backend(self, before: Before) -> Iterator[Guard]:
        """`BaseHTTPMiddleware(dispatch=check)` is given the function that asks."""
        call = before.node
        for keyword in call.keywords if isinstance(call, code.Call) else ():
            if keyword.name == "dispatch":
                for value in self._core.resolver.values(keyword.value, before.where):
                    if isinstance(value, FunctionValue):
                        yield from self._dependency(value.unit)

    def _wraps(self, before: Before, apps: frozenset[code.Call]) -> bool:
        """Whether the way from an application to the route is not seen in full, so that this may be the one."""
        complete = any(last_name(app.function) in ("FastAPI", "Flask", "Starlette", "Quart") for app in apps)
        return not complete

    def _passes_by(self, unit: Unit, paths: list[str]) -> bool:
        """Whether a middleware lets every path of a handler pass without asking."""
        open_, asked = self._path_tests(unit)
        if not paths:
            return False
        if any(all(p in texts or any(p.startswith(t) for t in starts) for p in paths) for texts, starts in open_):
            return True
        return bool(asked) and not any(
            p in texts or any(p.startswith(t) for t in starts) for p in paths for texts, starts in asked
        )

    def _path_tests(self, unit: Unit) -> tuple[list[tuple[set[str], set[str]]], list[tuple[set[str], set[str]]]]:
        """What a middleware lets pass by its path, and what it asks of: (whole paths, beginnings) of each test."""
        denying = self._guards.denials(unit)
        open_, asked = [], []
        for node in (*unit.body, *unit.parents):
            if not isinstance(node, code.If) or not _tests_path(node.test, unit):
                continue
            texts = self._texts(node.test, unit)
            if not (texts[0] or texts[1]):
                continue
            inside = {n for s in node.body for n in code.walk(s)}
            negated = any(
                isinstance(n, code.Operation) and n.operator in ("not", "not in", "!=") for n in code.walk(node.test)
            )
            denies = any(d in inside for d in denying)
            if denies and not negated:
                asked.append(texts)
            elif not denies and not negated and any(isinstance(n, code.Return) for n in inside):
                open_.append(texts)
        return open_, asked

    def _texts(self, test: code.Expression, unit: Unit) -> tuple[set[str], set[str]]:
        whole: set[str] = set()
        starts: set[str] = set()
        beginning = {
            a
            for n in code.walk(test)
            if isinstance(n, code.Call) and last_name(n.function) == "startswith"
            for a in n.arguments
        }
        for node in code.walk(test):
            if isinstance(node, code.Name | code.Constant | code.Member):
                for value in self._core.resolver.values(node, unit):
                    texts = [value.value] if isinstance(value, Known) else self._listed(value)
                    within = any(node in set(code.walk(b)) for b in beginning)
                    (starts if within else whole).update(t for t in texts if isinstance(t, str) and t.startswith("/"))
        starts.discard("/")
        return whole, starts

    def _listed(self, value: object) -> list[object]:
        literal = getattr(value, "literal", None)
        items = literal.items if isinstance(literal, code.Sequence) else []
        return [i.value for i in items[:100] if isinstance(i, code.Constant)]


def _tests_path(test: code.Expression, unit: Unit) -> bool:
    for node in code.walk(test):
        if isinstance(node, code.Member) and node.name in ("path", "endpoint", "full_path"):
            return True
        if isinstance(node, code.Name) and node.id in ("path", "route", "request_path", "url_path"):
            return True
        if isinstance(node, code.Name):
            for binding in unit.bindings.get(node.id, ()):
                if binding.value is not None and dotted(binding.value).endswith((".path", ".endpoint")):
                    return True
    return False


def _is_optional(decorator: code.Expression) -> bool:
    """`@jwt_required(optional=True)` lets everybody in."""
    return isinstance(decorator, code.Call) and any(
        k.name == "optional" and isinstance(k.value, code.Constant) and k.value.value is True
        for k in decorator.keywords
    )
