"""Where the outside world comes in: routes, pages, bots, workers, functions of a platform, commands."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from readiness.extract import code
from readiness.extract.observations import Observations
from readiness.facts.linking.dispatch import dispatched
from readiness.facts.linking.program import Program
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import ClassInfo, ModuleInfo, Unit, main_guard
from readiness.facts.linking.values import ClassValue, External, FunctionValue, Instance, Known, Value
from readiness.facts.linking.web import Framework, WebKnowledge
from readiness.facts.place import Place
from readiness.repository.tree import Role

NETWORK = frozenset({"http", "websocket", "ui", "bot", "queue", "lambda", "mcp"})
"""The kinds that people or machines outside the process can reach (gate G-HTTP)."""

MAX_HANDS = 2
"""Calls between a script and the function of another module that draws the page for it."""


@dataclass(slots=True, eq=False)
class EntryPoint:
    """One handler, or one page: `route` is its path or command ("/chat").

    `kind` is http, websocket, ui, bot, queue, lambda, mcp, job or cli. `unit` is the handler (of a page, its first, or
    the body of its module); `units` are all that run first: a page has several callbacks.
    """

    place: Place
    text: str
    kind: str
    framework: str
    route: str
    methods: frozenset[str]
    unit: Unit
    units: list[Unit] = field(default_factory=list)
    decorator: code.Call | None = None
    app: tuple[code.Call, ...] = ()
    """The calls that constructed the application or router it hangs on."""

    @property
    def is_network(self) -> bool:
        """Whether somebody outside the process can call it."""
        return self.kind in NETWORK


class EntryPoints:
    """Finds the entry points of a program."""

    def __init__(self, program: Program, resolver: Resolver, web: WebKnowledge, observations: Observations) -> None:
        self._program, self._resolver, self._web, self._observations = program, resolver, web, observations
        self._by_app = {f"{_object(app)}.{name}": f for f in web.frameworks for app in f.apps
                        for name in (*f.decorators, *f.websockets)}  # fmt: skip
        self._by_symbol = {s: f for f in web.frameworks for s in f.decorators_of_symbols}
        self._by_class = {s: f for f in web.frameworks for s in f.class_decorators}
        self._registrations = {f"{_object(app)}.{name}": (f, parameters) for f in web.frameworks for app in f.apps
                               for name, parameters in f.registrations.items()}  # fmt: skip
        self._constructors = {s: (f, parameters) for f in web.frameworks for s, parameters in f.constructors.items()}
        self._specifications = {f"{_object(app)}.{name}" for f in web.frameworks for app in f.apps
                                for name in f.specifications}  # fmt: skip
        self._by_deployment = {s: f for f in web.frameworks for s in f.deployed}
        self._events = {(f.package, event): f for f in web.frameworks for event in f.events}

    def find(self) -> list[EntryPoint]:
        """All entry points in files of any role, by path and line; one per handler, one per page."""
        found: list[EntryPoint] = []
        for unit in self._program.units:
            if unit.function is not None:
                found.extend(self._decorated(unit))
                found.extend(self._platform(unit))
            found.extend(self._registered(unit))
        for info in self._program.classes:
            found.extend(self._classes(info))
        found.extend(self._scripts())
        found.extend(self._pages())
        if not any(e.is_network and e.unit.module.role is Role.SERVING for e in found):
            found.extend(self._deployed())
        return _merge(found)

    def _deployed(self) -> Iterator[EntryPoint]:
        """Agents that a platform serves: those a managed runtime finds, and the graphs that `langgraph.json` lists.

        Where the repository has routes of its own they are what is served; `langgraph.json` then serves development.
        """
        for unit in self._program.units:
            for call in unit.calls if unit.is_module else ():
                for value in self._resolver.values(call.function, unit):
                    framework = self._by_deployment.get(value.path) if isinstance(value, External) else None
                    if framework is not None:
                        yield self._entry(unit, framework.kind, framework.name, unit.name)
        for path, documents in self._observations.documents.items():
            if path.rpartition("/")[2] != "langgraph.json" or not documents:
                continue
            for name, target in documents[0].items("graphs"):
                file, _, attribute = str(target.value).partition(":")
                info = self._program.modules.get(posixpath.normpath(posixpath.join(posixpath.dirname(path), file)))
                if info is not None:
                    unit = info.body.nested.get(attribute, info.body)
                    found = self._entry(unit, "http", "langgraph", name)
                    for value in self._resolver.exported(info, attribute) if unit is info.body else ():
                        step = value.steps[-1] if isinstance(value, External) and value.steps else None
                        if step is not None and step.unit.module is info:
                            found.app, found.place = (step.call,), step.unit.at(step.call)
                    yield found

    def _decorated(self, unit: Unit) -> Iterator[EntryPoint]:
        assert unit.function is not None
        for decorator in unit.function.decorators:
            call = decorator if isinstance(decorator, code.Call) else None
            for value in self._resolver.values(decorator, unit.parent or unit):
                if not isinstance(value, External):
                    continue
                path = value.path.removesuffix("()") if call else value.path
                name = path.rpartition(".")[2]
                framework = self._by_app.get(path) or self._by_symbol.get(value.path)
                if framework is not None:
                    kind = "websocket" if name in framework.websockets else framework.kind
                    route = self._text(call, unit.parent or unit) or ("/" if _is_root(call) else unit.name)
                    yield self._entry(unit, kind, framework.name, route, _methods(name, call), call, value)
                    break

    def _registered(self, unit: Unit) -> Iterator[EntryPoint]:
        for call in unit.calls:
            for value in self._resolver.values(call.function, unit):
                if not isinstance(value, External):
                    continue
                known = self._registrations.get(value.path) or self._constructors.get(value.path)
                if known is not None:
                    yield from self._handlers(call, unit, value, *known)
                elif value.path in self._specifications:
                    yield from self._specified(value)
                elif event := self._events.get((value.path.partition(".")[0], value.path.rpartition(".")[2])):
                    yield from self._handlers(call, unit, value, event, ("fn",))

    def _handlers(
        self, call: code.Call, unit: Unit, value: External, framework: Framework, parameters: tuple[str, ...]
    ) -> Iterator[EntryPoint]:
        for index, parameter in enumerate(parameters):
            argument = call.keyword(parameter) or (call.arguments[index] if index < len(call.arguments) else None)
            if argument is None:
                continue
            for handler in self._units(argument, unit):
                yield self._entry(handler, framework.kind, framework.name, self._text(call, unit) or handler.name,
                                  _methods(value.path.rpartition(".")[2], call), call, value)  # fmt: skip

    def _units(self, argument: code.Expression, unit: Unit) -> Iterator[Unit]:
        for value in self._resolver.values(argument, unit):
            yield from _handlers_of(value)
        match argument:
            case code.Call(function=code.Member(base=view, name="as_view" | "as_asgi")):
                for value in self._resolver.values(view, unit):
                    yield from _handlers_of(value)

    def _specified(self, value: External) -> Iterator[EntryPoint]:
        """Handlers that an OpenAPI document names by `operationId`."""
        for path, documents in self._observations.documents.items():
            if not documents or documents[0].get("paths") is None:
                continue
            for route, operations in documents[0].items("paths"):
                for method, operation in operations.items():
                    name = operation.text("operationId")
                    unit = self._by_dotted(name) if name else None
                    if unit is not None:
                        place = Place(path, operation.line, operation.line)
                        found = self._entry(unit, "http", "connexion", route, frozenset({method.upper()}), value=value)
                        found.text = f"{method.upper()} {route} ({place.path}:{place.line})"
                        yield found

    def _by_dotted(self, name: str) -> Unit | None:
        module, _, function = name.rpartition(".")
        for info in self._program.modules.values():
            if module and (info.name == module or info.name.endswith(f".{module}")):
                return info.body.nested.get(function)
        return None

    def _platform(self, unit: Unit) -> Iterator[EntryPoint]:
        assert unit.function is not None
        names = tuple(p.name for p in unit.function.parameters[:2])
        for handler in self._web.handlers:
            if unit.name in handler.functions and names == handler.parameters and unit.parent is unit.module.body:
                yield self._entry(unit, handler.kind, handler.name, unit.name)

    def _classes(self, info: ClassInfo) -> Iterator[EntryPoint]:
        """Methods that a framework calls because of the class's base or decorator."""
        bases = self._resolver.classes.bases(info)[1]
        for framework in self._web.frameworks:
            if framework.base_classes and any(base in framework.base_classes for base in bases):
                for name, unit in info.methods.items():
                    if name in framework.verbs or not (framework.verbs or name.startswith("_")):
                        routed = self._routed(info)
                        for route, handler in [(routed, unit)] if routed else dispatched(info, unit):
                            yield self._entry(handler, framework.kind, framework.name, route, _methods(name, None))
        for decorator in info.node.decorators:
            for value in self._resolver.values(decorator, info.unit):
                if isinstance(value, External) and (known := self._by_class.get(value.path)):
                    for name, unit in info.methods.items():
                        if name in known.verbs or (
                            not known.verbs and (not name.startswith("_") or name == "__call__")
                        ):
                            yield self._entry(unit, known.kind, known.name, name)

    def _routed(self, info: ClassInfo) -> str:
        """The path that a decorator gives a class of handlers: `@namespace.route("/answer")`."""
        found = (self._text(d, info.unit) for d in info.node.decorators if isinstance(d, code.Call))
        return next((text for text in found if text.startswith("/")), "")

    def _scripts(self) -> Iterator[EntryPoint]:
        """Console scripts of the package's metadata."""
        for path, documents in self._observations.documents.items():
            if not path.endswith("pyproject.toml") or not documents:
                continue
            for section in (("project", "scripts"), ("tool", "poetry", "scripts")):
                for name, target in documents[0].items(*section):
                    unit = self._by_dotted(str(target.value).replace(":", ".")) if target.value else None
                    if unit is not None:
                        yield self._entry(unit, "cli", "console script", name)

    def _pages(self) -> Iterator[EntryPoint]:
        """Files that draw a page when they run: Streamlit pages."""
        imported = self._program.imported_paths()
        frameworks = [f for f in self._web.frameworks if f.page_calls]
        for info in self._program.modules.values():
            is_page = info.path not in imported or "/pages/" in f"/{info.path}" or main_guard(info.code) is not None
            if info.role in (Role.TEST, Role.VENDORED) or not is_page:
                continue
            for framework in frameworks:
                drawing = self._draws(info, framework.page_calls)
                if drawing is None and info.path not in imported:
                    drawing = self._draws_elsewhere(info, framework.page_calls)
                if drawing is not None:
                    yield EntryPoint(Place(info.path, drawing.line, drawing.end_line), f"page {info.path}", "ui",
                                     framework.name, info.path, frozenset(), info.body, [info.body])  # fmt: skip

    def _draws(self, info: ModuleInfo, package: str) -> code.Call | None:
        """The first call into a UI library that running the file makes, in its body or in a function of the file."""
        if not _imports(info, package):
            return None
        units = (info.body, *info.body.nested.values())
        return next((call for unit in units for call in self._drawing(unit, package)), None)

    def _draws_elsewhere(self, info: ModuleInfo, package: str) -> code.Call | None:
        """The first call of a script to a function of another module of the project that draws the page for it."""
        own = (info.body, *info.body.nested.values())
        calls = [(call, call, unit) for unit in own for call in unit.calls]
        for _ in range(MAX_HANDS):
            following: list[tuple[code.Call, code.Call, Unit]] = []
            for first, call, unit in calls:
                for value in self._resolver.values(call.function, unit):
                    if isinstance(value, FunctionValue) and value.unit not in own:
                        drawn = _imports(value.unit.module, package) and next(self._drawing(value.unit, package), None)
                        if drawn:
                            return first
                        following.extend((first, c, value.unit) for c in value.unit.calls)
            calls = following
        return None

    def _drawing(self, unit: Unit, package: str) -> Iterator[code.Call]:
        """The calls of a unit that draw with a UI library; caching with it draws nothing."""
        for call in unit.calls:
            for value in self._resolver.values(call.function, unit):
                if isinstance(value, External) and value.path.startswith(f"{package}.") and "cache" not in value.path:
                    yield call

    def _text(self, call: code.Call | None, unit: Unit) -> str:
        if call is None:
            return ""
        argument = call.keyword("path") or next(iter(call.arguments), None)
        values = self._resolver.values(argument, unit) if argument is not None else ()
        return next((v.value for v in values if isinstance(v, Known) and isinstance(v.value, str)), "")

    def _entry(
        self,
        unit: Unit,
        kind: str,
        framework: str,
        route: str,
        methods: frozenset[str] = frozenset(),
        call: code.Call | None = None,
        value: External | None = None,
    ) -> EntryPoint:
        app = tuple(step.call for step in value.steps[:1]) if value else ()
        verb = "/".join(sorted(methods)) or kind
        return EntryPoint(unit.place, f"{verb} {route}", kind, framework, route, methods, unit, [unit], call, app)


def _imports(info: ModuleInfo, package: str) -> bool:
    """Whether a module imports something of a package."""
    return any(i.module.partition(".")[0] == package for i in info.body.imports.values())


def _is_root(call: code.Call | None) -> bool:
    """Whether a route's path is written and empty: the prefix of its router is the whole path."""
    given = (call.keyword("path") or next(iter(call.arguments), None)) if call is not None else None
    return isinstance(given, code.Constant) and given.value == ""


def _object(app: str) -> str:
    """The path of an application: what calling its class gives, or a member of one (`discord.Client().tree`)."""
    return app if "()" in app else f"{app}()"


def _handlers_of(value: Value) -> Iterator[Unit]:
    match value:
        case FunctionValue(unit):
            yield unit
        case ClassValue(info) | Instance(info):
            verbs = ("get", "post", "put", "patch", "delete", "on_get", "on_post", "on_put", "on_delete")
            yield from (unit for name, unit in info.methods.items() if name in verbs)
        case _:
            return


def _methods(name: str, call: code.Call | None) -> frozenset[str]:
    name = name.removeprefix("do_").lower()
    if name in ("get", "post", "put", "patch", "delete"):
        return frozenset({name.upper()})
    given = call.keyword("methods") if call is not None else None
    if isinstance(given, code.Sequence):
        return frozenset(str(i.value).upper() for i in given.items if isinstance(i, code.Constant))
    return frozenset({"GET"}) if name == "route" else frozenset()


def _merge(found: list[EntryPoint]) -> list[EntryPoint]:
    """One entry point per handler, and one per page of a UI framework."""
    merged: dict[object, EntryPoint] = {}
    for entry in sorted(found, key=lambda e: (e.place, e.kind, e.route)):
        is_page = entry.kind == "ui"
        key: object = (entry.unit.module.path, "ui") if is_page else entry.unit
        known = merged.setdefault(key, entry)
        if known is not entry:
            known.units.extend(u for u in entry.units if u not in known.units)
            known.methods |= entry.methods
    return list(merged.values())
