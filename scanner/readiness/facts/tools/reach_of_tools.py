"""How far tools reach: open-ended ones, safeguards switched off, servers of any content, arguments without limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.flows.flow_marks import ToolInput
from readiness.facts.flows.flows import Flow
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Items, Known
from readiness.facts.place import Place
from readiness.facts.tools.toolbox import Toolbox, ToolList

_LAUNCHING = frozenset(
    (  # noqa: SIM905 - words read better as words
        "StdioServerParameters MCPServerStdio StdioConnection MultiServerMCPClient MCPToolset McpToolset "
        "StdioServerParams MCPServerAdapter MCPClient"
    ).split()
)
_MODULES = frozenset({"os", "shutil", "io", "aiofiles"})


@dataclass(slots=True, eq=False)
class OpenTool:
    """One tool, list of tools or switch by which a model reaches further than one narrow job.

    `fenced`: a sandbox, an allow-list or a fixed program holds it in, wholly or on some ways.
    """

    place: Place
    text: str
    fenced: bool
    reachable: bool = True


def find_open_tools(box: Toolbox, executions: Iterable[Flow]) -> list[OpenTool]:
    """Everything by which tools of serving code reach too far; nothing where no model is given tools."""
    finder = _Finder(box)
    found: dict[Place, OpenTool] = {}
    for one in (*finder.ready_made(), *_run(executions, box), *finder.lists(), *finder.switches(), *finder.arguments()):
        known = found.setdefault(one.place, one)
        if known.fenced and not one.fenced:
            found[one.place] = one
    return sorted(found.values(), key=lambda t: (t.place, t.text))


def _run(executions: Iterable[Flow], box: Toolbox) -> Iterator[OpenTool]:
    """Arguments of tools that are run as code, shell or SQL, whether or not the way to the tool is followed too."""
    for flow in executions:
        if flow.from_tool or flow.unit in box.functions:
            fenced = flow.sandboxed or flow.restricted or flow.checked
            yield OpenTool(flow.place, f"what the model passes to a tool is run as {flow.how}", fenced)


class _Finder:
    def __init__(self, box: Toolbox) -> None:
        self._box, self._core, self._known = box, box.core, box.known
        self._fences = box.known.words["fences"]

    def ready_made(self) -> Iterator[OpenTool]:
        """Ready-made tools for anything."""
        for known, call, unit in self._box.ready_made:
            fenced = any(k.name in known.limits and not _is_nothing(k.value) for k in call.keywords)
            yield OpenTool(unit.at(call), f"{last_name(call.function)} gives the model {known.what}", fenced)

    # -- servers ---------------------------------------------------------------------------------------------------

    def lists(self) -> Iterator[OpenTool]:
        """Lists of tools that nobody has narrowed down."""
        calls = [fetched for fetched in self._box.lists if fetched.is_call]
        for fetched in self._box.lists:
            if fetched.filter.keeps == "named" or (fetched.is_call and fetched is not calls[0]):
                continue
            place = fetched.unit.at(fetched.call)
            if fetched.filter.keeps == "some":
                yield OpenTool(
                    place, "a server's tools are filtered, but an empty list of names lets all through", True
                )
            elif self._is_pinned(fetched):
                yield OpenTool(place, "all tools of a local server of a fixed version are bound", True)
            else:
                yield OpenTool(place, "all tools of a server are bound, whatever it offers", False)

    def _is_pinned(self, fetched: ToolList) -> bool:
        """Whether the server is a program on this machine, of a version that the code or its lock fixes."""
        words = [w for w in self._box.texts_of(fetched) if w]
        if not words or any(w.startswith(("http://", "https://")) for w in words):
            return False
        return not self._is_loose(words) and any(w.endswith(".py") or "@" in w or "==" in w or w == "-m" for w in words)

    def _is_loose(self, words: list[str]) -> bool:
        """`npx -y some-server`: whatever its owner publishes next is run."""
        launchers = self._known.words["launchers"]
        if not any(w in launchers for w in words):
            return False
        packages = [
            w
            for w in words
            if w not in launchers and not w.startswith("-") and ("/" in w or "mcp" in w or "server" in w)
        ]
        return any("@" not in p[1:] and "==" not in p for p in packages if not p.startswith(("/", ".", "~")))

    # -- switches --------------------------------------------------------------------------------------------------

    def switches(self) -> Iterator[OpenTool]:
        """`allow_dangerous_code=True`, tools by name that reach anywhere, servers that may be or see anything."""
        dangerous = self._known.words["dangerous_switches"]
        if not (self._box.functions or self._box.ready_made or self._box.lists or self._box.agents):
            return
        for unit in self._core.serving_units():
            for call in unit.calls:
                for keyword in call.keywords:
                    if keyword.name in dangerous and self._is_on(keyword.value, unit):
                        yield OpenTool(unit.at(keyword), f"{keyword.name} switches a safeguard off", False)
                name = last_name(call.function)
                if name == "load_tools" and self._is_named(call, unit):
                    yield OpenTool(unit.at(call), "load_tools gives the model a shell or any address", False)
                elif name in _LAUNCHING:
                    yield from self._launched(call, unit)

    def _is_on(self, value: code.Expression, unit: Unit) -> bool:
        return any(isinstance(v, Known) and v.value is True for v in self._core.resolver.values(value, unit)[:1])

    def _is_named(self, call: code.Call, unit: Unit) -> bool:
        values = self._core.resolver.values(call.function, unit)
        if not any(isinstance(v, External) and self._known.named_tools.find(v.path) for v in values):
            return False
        given = call.arguments[0] if call.arguments else call.keyword("tool_names")
        for value in self._core.resolver.values(given, unit) if given is not None else ():
            if isinstance(value, Items) and isinstance(value.literal, code.Sequence):
                names = {i.value for i in value.literal.items if isinstance(i, code.Constant)}
                return not names.isdisjoint(self._known.words["named_tools"])
        return False

    def _launched(self, call: code.Call, unit: Unit) -> Iterator[OpenTool]:
        values = self._core.resolver.values(call.function, unit)
        if not any(isinstance(v, External) for v in values):
            return
        words = list(self._box.texts(call, unit))
        if self._is_loose(words):
            yield OpenTool(unit.at(call), "a server is downloaded and run without a version", False)
        elif any("filesystem" in w for w in words) and not self._known.words["roots"].isdisjoint(words):
            yield OpenTool(unit.at(call), "a server for files may reach every one of them", False)

    # -- arguments -------------------------------------------------------------------------------------------------

    def arguments(self) -> Iterator[OpenTool]:
        """Addresses and paths that a model chooses for a tool, with nothing that holds them to what is allowed."""
        taint = self._box.taint
        if taint is None or not self._box.functions:
            return
        for unit in self._core.graph.reach(self._box.functions):
            for call in unit.calls:
                for value in self._core.resolver.values(call.function, unit):
                    what = self._known.reaching.find(value.path) if isinstance(value, External) else None
                    if what is None:
                        continue
                    where = self._where(call, what)
                    if where is not None and self._is_free(where, unit) and not self._is_fenced(where, unit):
                        yield OpenTool(unit.at(call), f"a tool goes to {what}, unchecked", False)
                    break

    def _where(self, call: code.Call, what: str) -> code.Expression | None:
        name = last_name(call.function)
        if "address" in what:
            position = 1 if name in ("request", "stream") else 0
            return call.keyword("url") or (call.arguments[position] if len(call.arguments) > position else None)
        match call.function:
            case code.Member(base=code.Call() | code.Name() as base) if last_name(base) not in _MODULES:
                return base
        return call.arguments[0] if call.arguments else None

    def _is_free(self, where: code.Expression, unit: Unit) -> bool:
        """Whether the model decides where it goes from the first sign on."""
        assert self._box.taint is not None
        node = where.arguments[0] if isinstance(where, code.Call) and where.arguments else where
        if isinstance(node, code.Name):
            bindings = [b.value for b in unit.bindings.get(node.id, ()) if b.value is not None]
            if len(bindings) == 1 and unit.parameter(node.id) is None:
                return self._is_free(bindings[0], unit) if not isinstance(bindings[0], code.Name) else False
        if isinstance(node, code.Template | code.Operation):
            return False
        marks = self._box.taint.found(node, unit)
        return any(isinstance(m.origin, ToolInput) and not m.path and not m.through for m in marks)

    def _is_fenced(self, where: code.Expression, unit: Unit) -> bool:
        """Whether the unit tests the value, or a function of the project's own says whether it may be used."""
        names = {n.id for n in code.walk(where) if isinstance(n, code.Name)}
        for node in unit.parents:
            if isinstance(node, code.Name | code.Member) and last_name(node) in self._fences:
                return True
            if isinstance(node, code.If | code.Assert) and any(_compares(n, names) for n in code.walk(node.test)):
                return True
        return False


def _compares(node: code.Node, names: set[str]) -> bool:
    """Whether one of these names is compared with something, or given to a function that decides."""
    if isinstance(node, code.Operation) and node.operator in ("not", "is", "is not"):
        return False
    used = {n.id for n in code.walk(node) if isinstance(n, code.Name)}
    return isinstance(node, code.Operation | code.Call) and not names.isdisjoint(used)


def _is_nothing(value: code.Expression) -> bool:
    return isinstance(value, code.Constant) and value.value in (None, "", "/", False)
