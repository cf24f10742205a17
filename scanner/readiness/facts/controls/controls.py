"""Ways for people to overrule an answer, and for operators to switch the model off. check user-override-available."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.flows.sinks import SymbolTable
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.nearby import Nearby
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, FunctionValue, Known, Variable
from readiness.facts.place import Place
from readiness.facts.records.feedback import Feedback
from readiness.facts.records.written import Writes
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.repository.tree import Role

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_FRONTEND = (".html", ".js", ".jsx", ".ts", ".tsx", ".vue", ".svelte")
_OF_SWITCHES = ("things", "states", "names", "beside", "owners", "stopping", "telling")
MAX_TEXT = 300_000


@dataclass(frozen=True, slots=True)
class Control:
    """One way to take things into one's own hands: what it is, and where."""

    place: Place
    text: str
    reachable: bool = True


@dataclass(slots=True)
class Controls:
    """`overrides` are for whoever got an answer, `switches` for whoever runs the service."""

    overrides: list[Control] = field(default_factory=list)
    switches: list[Control] = field(default_factory=list)


@dataclass(slots=True)
class _Knowledge:
    flags: SymbolTable[str]
    components: SymbolTable[str]
    words: dict[str, frozenset[str]]
    buttons: tuple[str, ...]
    frontend: tuple[str, ...]


@cache
def load_controls(file: Path | None = None) -> _Knowledge:
    """Read `controls.yaml` (by default the one that comes with the package).

    Raises `KnowledgeError` where it is not of the expected shape.
    """
    path = file or knowledge_folder() / "controls.yaml"
    try:
        data = read_yaml(path)
        overrides, switches = data["overrides"], data["switches"]
        flags: SymbolTable[str] = SymbolTable()
        flags.add(_texts(switches["flags"]), "flag")
        components: SymbolTable[str] = SymbolTable()
        components.add(_texts(overrides["chat_components"]), "component")
        words = {k: frozenset(_texts(overrides[k])) for k in ("words", "weak", "objects", "events")}
        words |= {k: frozenset(_texts(switches[k])) for k in _OF_SWITCHES}
        words["requests"] = frozenset(_texts(data["requests"]))
        buttons, frontend = tuple(_texts(overrides["buttons"])), tuple(_texts(overrides["frontend"]))
        return _Knowledge(flags, components, words, buttons, frontend)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise KnowledgeError(path.name, "controls", f"{type(error).__name__}: {error}") from error


def _texts(value: Iterable[Any]) -> list[str]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{value!r} is no list of texts")
    return list(value)


def find_controls(core: Core, generating: Iterable[ModelCall], feedback: Iterable[Feedback], chats: bool) -> Controls:
    """What serving code lets people do about answers; nothing where nobody chats with a model."""
    if not chats:
        return Controls()
    calls = list(generating)
    known, nearby = load_controls(), Nearby(core)
    overrides, switches = _Overrides(core, known, calls), _KillSwitches(core, known, nearby.on_the_way(calls), calls)
    reports = [Control(f.place, f.text, f.reachable) for f in feedback if f.says_why]
    return Controls(_sorted([*overrides.find(), *reports]), _sorted(switches.find()))


def _sorted(controls: Iterable[Control]) -> list[Control]:
    return sorted({c.place: c for c in controls}.values(), key=lambda c: (not c.reachable, c.place, c.text))


class _Overrides:
    def __init__(self, core: Core, known: _Knowledge, calls: list[ModelCall]) -> None:
        self._core, self._known = core, known
        self._writes = Writes(core)
        self._running = {unit for call in calls for _, unit in call.runs}

    def find(self) -> Iterator[Control]:
        for entry in self._core.entry_points:
            serves = entry.is_network and entry.unit.module.role is Role.SERVING
            named = serves and self._core.imports.importable(entry.unit) and self._names_it(entry)
            if named and self._does_something(entry):
                yield Control(entry.place, entry.text)
        for unit in self._core.serving_units():
            yield from self._components(unit)
        yield from self._frontend()

    def _names_it(self, entry: EntryPoint) -> bool:
        words = [w.lower() for name in (entry.route, entry.unit.name) for w in _WORD.findall(name)]
        own = self._known.words
        return not own["words"].isdisjoint(words) or (
            not own["weak"].isdisjoint(words) and not own["objects"].isdisjoint(words)
        )

    def _does_something(self, entry: EntryPoint) -> bool:
        """Whether it changes what is kept, or asks the model again."""
        if entry.methods == frozenset({"GET"}):
            return False
        reached = self._core.reached_from(entry)
        return bool(self._running & reached.keys()) or any(w.durable for u in reached for w in self._writes.of(u))

    def _components(self, unit: Unit) -> Iterator[Control]:
        """Buttons of pages that do something, and components that bring them."""
        for call in unit.calls:
            name = last_name(call.function)
            if name in ("Button", "button", "Action", "form_submit_button", "LinkButton"):
                label = self._label(call)
                if label and any(label == b or label.startswith(f"{b} ") for b in self._known.buttons):
                    yield Control(unit.at(call), f'the button "{label}"')
            elif name == "ChatInterface":
                values = self._core.resolver.values(call.function, unit)
                if any(isinstance(v, External) and self._known.components.find(v.path) for v in values):
                    yield Control(unit.at(call), "ChatInterface lets people retry and undo")
            elif name in self._known.words["events"] and isinstance(call.function, code.Member) and call.arguments:
                values = self._core.resolver.values(call.function.base, unit)
                if any(isinstance(v, External) and v.path == "gradio.Chatbot()" for v in values):
                    yield Control(unit.at(call), f"the chat's own {name}")

    def _label(self, call: code.Call) -> str:
        given = [*call.arguments[:1], *(k.value for k in call.keywords if k.name in ("value", "label", "name"))]
        for argument in given:
            if isinstance(argument, code.Constant) and isinstance(argument.value, str):
                return " ".join(re.findall(r"[a-z]+", argument.value.lower()))
        return ""

    def _frontend(self) -> Iterator[Control]:
        files = self._core.observations.files
        for path, text in self._core.observations.sources.items():
            if path.endswith(_FRONTEND) and files[path].role is Role.SERVING and len(text) < MAX_TEXT:
                word = next((w for w in self._known.frontend if w in text), "")
                if word and ".min." not in path:
                    line = text.count("\n", 0, text.index(word)) + 1
                    yield Control(Place(path, line, line), f"{word.rstrip('(')} in the frontend")


class _KillSwitches:
    """Branches on the way to a model that a person outside the request decides."""

    def __init__(self, core: Core, known: _Knowledge, way: frozenset[Unit], calls: list[ModelCall]) -> None:
        self._core, self._known, self._way = core, known, way
        self._asked = {path.rpartition(".")[2] for path in known.flags.symbols()}
        self._runs = [unit for call in calls for _, unit in call.runs]

    def find(self) -> Iterator[Control]:
        units = dict.fromkeys([*self._way, *self._dependencies()])
        for unit in units:
            if unit.module.role is not Role.SERVING:
                continue
            for node in unit.parents.values():
                if isinstance(node, code.If) and (name := self._is_switch(node.test, unit)) and self._cuts(node):
                    yield Control(unit.at(node), f"{name} decides whether a model is asked")
            for call in unit.calls:
                if self._asks_a_switch(call, unit):
                    yield Control(unit.at(call), f"{last_name(call.function)}(...) stops what is switched off")

    def _dependencies(self) -> Iterator[Unit]:
        """What runs first for an entry point that asks a model: its handler's own unit and its dependencies."""
        for entry in self._core.entry_points:
            if entry.is_network and entry.unit.module.role is Role.SERVING:
                reached = self._core.reached_from(entry)
                if any(unit in reached for unit in self._runs):
                    yield from (u for u, hops in reached.items() if hops <= 1)

    def _cuts(self, node: code.If) -> bool:
        """Whether a branch ends the request, or is the only one that goes on."""
        statements = (*node.body, *node.otherwise)
        ends = any(isinstance(s, code.Return | code.Raise | code.Jump) for s in statements)
        return ends or (not node.otherwise and any(isinstance(n, code.Call) for n in code.walk(node.body)))

    def _is_switch(self, test: code.Expression, unit: Unit) -> str:
        """The name of a switch in a condition; what the request itself says is none."""
        for node in code.walk(test):
            if isinstance(node, code.Call) and last_name(node.function) in self._asked:
                for value in self._core.resolver.values(node.function, unit):
                    if isinstance(value, External) and self._known.flags.find(value.path) is not None:
                        return "a feature flag"
            name = self._name(node)
            if name and self._names_it(name) and not self._is_of_request(node, unit):
                return name
        return ""

    def _name(self, node: code.Node) -> str:
        match node:
            case code.Name(id=name) | code.Member(name=name):
                return name
            case code.Constant(value=str() as text) if len(text) <= 60 and " " not in text:
                return text.rpartition(".")[2]
        return ""

    def _names_it(self, name: str) -> bool:
        lowered = name.lower()
        words = [w.lower() for w in _WORD.findall(name)]
        own = self._known.words
        if any(lowered == n or lowered.endswith(f"_{n}") for n in own["names"]):
            return True
        if not set(words) <= own["things"] | own["states"] | own["beside"]:
            return False
        return len(words) > 1 and not own["things"].isdisjoint(words) and not own["states"].isdisjoint(words)

    def _is_of_request(self, node: code.Node, unit: Unit) -> bool:
        base: code.Node = node
        while isinstance(base, code.Member):
            base = base.base
        if not isinstance(base, code.Name):
            return False
        if base.id in self._known.words["requests"] or (base is node and unit.parameter(base.id) is not None):
            return True
        values = self._core.resolver.values(node, unit) if isinstance(node, code.Expression) else ()
        fixed = bool(values) and all(isinstance(v, Known) and not v.variable for v in values)
        return base is node and fixed and not any(isinstance(v, Variable) for v in values)

    def _asks_a_switch(self, call: code.Call, unit: Unit) -> bool:
        """`switches.require("answers")`: an object of the project's own that is asked, and whose answer stops."""
        function, own = call.function, self._known.words
        if not isinstance(function, code.Member) or function.name not in own["stopping"] | own["telling"]:
            return False
        for value in self._core.resolver.values(function, unit):
            if isinstance(value, FunctionValue) and value.unit.owner is not None:
                words = {w.lower() for w in _WORD.findall(value.unit.owner.node.name)}
                if own["owners"].isdisjoint(words):
                    continue
                return self._raises(value.unit, 2) if function.name in own["stopping"] else _is_tested(call, unit)
        return False

    def _raises(self, unit: Unit, hops: int) -> bool:
        if any(isinstance(s, code.Raise) for n in unit.parents.values() if isinstance(n, code.If) for s in n.body):
            return True
        edges = [e for e in self._core.graph.edges.get(unit, ()) if e.is_call]
        return hops > 0 and any(self._raises(e.unit, hops - 1) for e in edges[:10])


def _is_tested(call: code.Call, unit: Unit) -> bool:
    inner: code.Node = call
    for above in unit.enclosing(call):
        if isinstance(above, code.If | code.Choice) and above.test is inner:
            return True
        if isinstance(above, code.Statement):
            return False
        inner = above
    return False
