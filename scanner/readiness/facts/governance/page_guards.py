"""Who is let onto a page, or talked to by a bot: logins of UI frameworks, passwords of pages, lists of people."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.governance.access_knowledge import AccessKnowledge
from readiness.facts.governance.guards import Guard, Guards
from readiness.facts.inputs.requests import RequestEntry
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, FunctionValue, Known
from readiness.repository.tree import Role


class PageGuards:
    """Looks for what the framework of an entry point offers to let people in."""

    def __init__(self, core: Core, knowledge: AccessKnowledge, guards: Guards) -> None:
        self._core, self._knowledge, self._guards = core, knowledge, guards
        self._arguments: dict[str, tuple[Guard, ...]] = {}
        self._logins: dict[str, tuple[Guard, ...]] = {}

    def of(self, entry: EntryPoint) -> Iterator[Guard]:
        """The guards of one page, bot or server that its framework sets up."""
        yield from self._told(entry.framework)
        yield from self._callbacks(entry)
        if entry.kind == "bot":
            yield from self._allow_lists()
        if entry.kind == "ui":
            units = dict.fromkeys(u for start in entry.units for u in self._core.reached_from(entry) | {start: 0})
            if entry.framework == "streamlit":
                yield from self._page(entry.unit, units)
            else:
                for unit in entry.units:
                    guard = self._guards.body(unit)
                    if guard is not None:
                        yield guard
                yield from self._form(entry.framework)

    def _told(self, framework: str) -> tuple[Guard, ...]:
        """`launch(auth=…)`, `FastMCP(auth=…)`."""
        if framework not in self._arguments:
            self._arguments[framework] = tuple(self._find_told(framework))
        return self._arguments[framework]

    def _find_told(self, framework: str) -> Iterator[Guard]:
        for known in self._knowledge.arguments:
            if known.framework != framework:
                continue
            for call, unit in self._core.program.calls_by_name.get(known.function, ()):
                given = next((k for k in call.keywords if k.name in known.names), None)
                if unit.module.role is Role.SERVING and given is not None:
                    yield from self._given(given, call, unit)

    def _given(self, given: code.Keyword, call: code.Call, unit: Unit) -> Iterator[Guard]:
        text = f"{last_name(call.function)}({given.name}=…)"
        values = self._core.resolver.values(given.value, unit)
        first = values[0]
        if isinstance(first, Known) and first.value is None and len(values) == 1:
            return
        switch = ""
        if any(isinstance(v, Known) and v.value is None for v in values) or isinstance(given.value, code.Choice):
            switch = given.name or "auth"
        function = next((v.unit for v in values if isinstance(v, FunctionValue)), None)
        if function is not None:
            shared = self._guards.is_shared(function)
        else:
            shared = isinstance(given.value, code.Sequence) or (
                given.name == "auth" and not isinstance(first, External)
            )
        yield Guard(unit.at(call), text, "shared" if shared else "identity", switch)

    def _callbacks(self, entry: EntryPoint) -> Iterator[Guard]:
        symbols = self._knowledge.callbacks.get(entry.framework)
        if symbols is None:
            return
        for unit in self._core.serving_units():
            if not _same_application(unit.module.path, entry.unit.module.path):
                continue
            for decorator in unit.function.decorators if unit.function is not None else ():
                for value in self._core.resolver.values(decorator, unit.parent or unit):
                    if isinstance(value, External) and value.path in symbols:
                        shared = self._guards.is_shared(unit)
                        yield Guard(unit.place, value.path, "shared" if shared else "identity")

    def _allow_lists(self) -> Iterator[Guard]:
        for name in ("User", "Chat", "user", "chat"):
            for call, unit in self._core.program.calls_by_name.get(name, ()):
                for value in self._core.resolver.values(call.function, unit):
                    if isinstance(value, External) and value.path in self._knowledge.allow_lists:
                        under = any(isinstance(a, code.If | code.Choice) for a in unit.enclosing(call))
                        yield Guard(unit.at(call), value.path, "identity", "a list of people" if under else "")

    def _page(self, page: Unit, units: dict[Unit, None]) -> Iterator[Guard]:
        """A page that shows a login first: a package's, the framework's own, or a password box and a test."""
        compared: tuple[Unit, code.Node] | None = None
        for unit in units:
            if unit.module.role is not Role.SERVING:
                continue
            look = self._guards.credentials.look(unit)
            for call in unit.calls:
                for value in self._core.resolver.values(call.function, unit):
                    if isinstance(value, External) and value.path in self._knowledge.page_logins:
                        yield Guard(unit.at(call), value.path, "identity")
            for node in unit.parents:
                if (
                    isinstance(node, code.Member)
                    and node.name in self._knowledge.proven
                    and self._is_tested(node, unit)
                ):
                    yield Guard(unit.at(node), f"{node.name} is asked", "identity")
            if look.answering or look.raising:
                compared = (unit, (*look.answering, *look.raising)[0])
            elif compared is None and look.compared and self._asks_password(unit, units):
                compared = (unit, look.compared[0][0])
        if compared is not None and self._stops(units):
            unit, node = compared
            shared = self._guards.is_shared(unit)
            yield Guard(unit.at(node), "a password is asked", "shared" if shared else "identity")

    def _is_tested(self, node: code.Node, unit: Unit) -> bool:
        inner = node
        for above in unit.enclosing(node):
            if isinstance(above, code.If | code.Choice) and above.test is inner:
                return True
            inner = above
        return False

    def _asks_password(self, unit: Unit, units: dict[Unit, None]) -> bool:
        return any(self._is_password_box(call) for u in units for call in u.calls)

    def _is_password_box(self, call: code.Call) -> bool:
        """A text box that hides what is typed, and is called a password: not one for a provider's key."""
        hides = call.keyword("type")
        if not (isinstance(hides, code.Constant) and hides.value == "password"):
            return False
        label = call.keyword("label") or call.keyword("key") or (call.arguments[0] if call.arguments else None)
        return isinstance(label, code.Constant) and isinstance(label.value, str) and "pass" in label.value.lower()

    def _stops(self, units: dict[Unit, None]) -> bool:
        """Whether somewhere the page ends, or a branch decides what of it is drawn."""
        return any(last_name(call.function) in ("stop", "switch_page") for u in units for call in u.calls) or any(
            isinstance(n, code.Return) for u in units for n in u.parents
        )

    def _form(self, framework: str) -> tuple[Guard, ...]:
        """A login form of pages whose handlers do not ask: it shows and hides, and fills in a name."""
        if framework not in self._logins:
            found = [
                Guard(unit.at(call), "a login form", "login-form")
                for name in ("Textbox", "Text")
                for call, unit in self._core.program.calls_by_name.get(name, ())
                if unit.module.role is Role.SERVING and self._is_password_box(call)
            ]
            self._logins[framework] = tuple(found[:1])
        return self._logins[framework]


def _same_application(path: str, other: str) -> bool:
    """Whether one file lies in the folder of the other, or below it: a repository may hold many small applications."""
    folder, home = f"{path}/".rpartition("/")[0].rpartition("/")[0], f"{other}/".rpartition("/")[0].rpartition("/")[0]
    return not folder or not home or f"{folder}/".startswith(f"{home}/") or f"{home}/".startswith(f"{folder}/")


def own_key(core: Core, request: RequestEntry) -> Guard | None:
    """Where every model call of a page takes the provider's key from a box that the visitor fills in."""
    calls = [c for c in request.calls if c.generates]
    places = []
    for call in calls:
        nodes = [(call.call, call.unit), *((s.call, s.unit) for s in call.value.steps)]
        found = [
            unit.at(keyword)
            for node, unit in nodes
            for keyword in node.keywords
            if keyword.name is not None
            and keyword.name.endswith("api_key")
            and all(
                isinstance(v, External) and v.path.startswith(f"{request.entry.framework}.")
                for v in core.resolver.values(keyword.value, unit)
            )
        ]
        if not found:
            return None
        places.append(found[0])
    return Guard(places[0], "every visitor brings a key of the provider", "own-key") if places else None
