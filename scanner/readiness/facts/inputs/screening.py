"""Who looks for attacks in untrusted text before a model reads it. check prompt-injection-screening."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.flows.flow_marks import Kind
from readiness.facts.flows.taint import Taint
from readiness.facts.inputs.graph_nodes import graph_nodes
from readiness.facts.inputs.input_flow import Flow
from readiness.facts.inputs.own_screens import HOPS, OwnScreens
from readiness.facts.inputs.page_widgets import Widgets
from readiness.facts.inputs.requests import RequestEntry, RequestFamily
from readiness.facts.inputs.screening_knowledge import load_screening
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External
from readiness.facts.place import Place

Acting = Literal["stops", "patterns", "open", "ignored", "filter"]
_STRENGTH: tuple[Acting, ...] = ("stops", "patterns", "open", "filter", "ignored")


@dataclass(frozen=True, slots=True)
class Screen:
    """One look at a text.

    `acting`: "stops" (its verdict ends or changes the request), "patterns" (the same, by patterns that nobody has held
    against known attacks), "open" (where it fails, the request goes on), "filter" (the provider's own filter is set or
    its refusal handled), "ignored" (nothing reads the verdict).
    """

    place: Place
    text: str
    acting: Acting


@dataclass(slots=True, eq=False)
class ScreenedEntry:
    """An entry point that asks a generative model, with the screens of what comes in; the strongest first."""

    place: Place
    text: str
    entry: RequestEntry
    screens: tuple[Screen, ...]

    @property
    def importable(self) -> bool:
        """Whether the handler's module can be imported."""
        return self.entry.importable

    @property
    def acting(self) -> str:
        """How the strongest screen acts; empty where there is none."""
        return self.screens[0].acting if self.screens else ""


def find_screening(family: RequestFamily, taint: Taint | None) -> list[ScreenedEntry]:
    """The entry points that ask a generative model, with their screens; `taint` tells what a model wrote."""
    finder = _Finder(family, taint)
    found = []
    for request in family.entries:
        calls = [c for c in request.calls if c.generates]
        if calls:
            screens = sorted(set(finder.of(request, calls)), key=lambda s: (_STRENGTH.index(s.acting), s.place, s.text))
            found.append(ScreenedEntry(request.place, request.text, request, tuple(screens)))
    return found


class _Finder:
    def __init__(self, family: RequestFamily, taint: Taint | None) -> None:
        self._taint = taint
        self._family, self._core, self._known = family, family.core, load_screening()
        self._own = OwnScreens(self._core, self._known)
        self._widgets = Widgets(self._core, family.knowledge)
        self._nodes = graph_nodes(self._core)
        self._handlers = {unit for request in family.entries for unit in request.entry.units}
        self._symbols: dict[Unit, list[tuple[code.Call, str]]] = {}
        self._wired: dict[Unit, list[Screen]] = {}

    def of(self, request: RequestEntry, calls: list[ModelCall]) -> Iterator[Screen]:
        """The screens on the way of one entry point."""
        reached = self._core.reached_from(request.entry)
        built = {step.unit for call in calls for step in call.value.steps}
        for unit in dict.fromkeys([*reached, *built, *(u.module.body for u in reached)]):
            yield from self._wired_in(unit)
        for call in calls:
            yield from self._set_on(call)
        flows = self._flows(request, calls)
        for unit in reached:
            for asked, text in self._detecting(unit):
                if self._is_given(asked, unit, flows):
                    yield Screen(unit.at(asked), text, self._acting(asked, unit, reached))
            yield from self._own_in(unit, flows, reached)

    def _flows(self, request: RequestEntry, calls: list[ModelCall]) -> list[Flow]:
        """Where the texts of a request go; none where none of them is seen to reach the model."""
        if request.is_page:
            drawn = [d for found in self._widgets.of(request).values() for d in found]
            flows = [d.flow for d in drawn if d.flow is not None]
        else:
            inputs, entry = self._family.inputs, request.entry
            reaching = [one for one in request.shapes if inputs.flow(one, entry).reaches(calls)]
            return [inputs.flow(one, entry, direct=True) for one in reaching]
        return [flow for flow in flows if flow.reaches(calls)]

    def _own_in(self, unit: Unit, flows: list[Flow], reached: dict[Unit, int]) -> Iterator[Screen]:
        """Calls of the project's own detectors."""
        for edge in self._core.graph.edges.get(unit, ()):
            detector = self._own.detectors.get(edge.unit)
            if detector is None or not edge.is_call or not isinstance(edge.node, code.Call):
                continue
            call = edge.node
            if not self._is_given(call, unit, flows):
                continue
            acting: Acting = "stops" if detector.raises else self._acting(call, unit, reached)
            if acting == "stops" and detector.how == "patterns":
                acting = "patterns"
            elif acting == "stops" and detector.skips:
                acting = "open"
            if acting != "ignored" or detector.how == "model":
                yield Screen(unit.at(call), f"{edge.unit.name}(...)", acting)

    def _is_given(self, call: code.Call, unit: Unit, flows: list[Flow]) -> bool:
        """Whether a detector is given what came in; a node of a graph has it in the state that it is given."""
        if unit in self._nodes and unit.function is not None:
            names = {p.name for p in unit.function.parameters}
            if any(isinstance(n, code.Name) and n.id in names for a in _given(call) for n in code.walk(a)):
                return True
        own = flows and unit in self._handlers  # what a handler is given is told apart by where it comes in
        if (
            not own
            and self._taint is not None
            and any(mark.kind is not Kind.ARGUMENTS for a in _given(call) for mark in self._taint.found(a, unit))
        ):
            return False  # it judges an answer
        return not flows or any(flow.holds(a, unit) for flow in flows for a in _given(call))

    def _detecting(self, unit: Unit) -> list[tuple[code.Call, str]]:
        """The calls of a unit that ask a detector: of a library, of a service, or a model made for it."""
        known = self._symbols.get(unit)
        if known is None:
            known = self._symbols[unit] = []
            for call in unit.calls:
                for value in self._core.resolver.values(call.function, unit):
                    if isinstance(value, External) and value.path in self._known.detectors:
                        known.append((call, value.path))
                        break
                else:
                    host = self._host(call, unit)
                    if host:
                        known.append((call, host))
        return known

    def _host(self, call: code.Call, unit: Unit) -> str:
        """The screening service that a request over HTTP goes to."""
        for argument in (*call.arguments[:2], *(k.value for k in call.keywords if k.name == "url")):
            if isinstance(argument, code.Constant | code.Name | code.Member | code.Template):
                for node in code.walk(argument):
                    text = self._core.resolver.constant(node, unit) if isinstance(node, code.Expression) else None
                    if isinstance(text, str):
                        found = next((h for h in self._known.hosts if h in text), "")
                        if found:
                            return found
        return ""

    def _wired_in(self, unit: Unit) -> list[Screen]:
        """What a unit wires into a framework, so that it runs before the model by itself."""
        known = self._wired.get(unit)
        if known is None:
            known = self._wired[unit] = list(self._wiring(unit))
        return known

    def _wiring(self, unit: Unit) -> Iterator[Screen]:
        for call in unit.calls:
            if any(k.name in self._known.enforcer_keywords and not _is_empty(k.value) for k in call.keywords):
                yield Screen(unit.at(call), "input_guardrails", "stops")
            for path in self._paths(call.function, unit):
                if path in self._known.enforcers:
                    yield Screen(unit.at(call), path, "stops")
        for inner in (unit, *unit.nested.values()) if unit.is_module else (unit,):
            for decorator in inner.function.decorators if inner.function is not None else ():
                if any(path in self._known.enforcers for path in self._paths(decorator, inner.parent or inner)):
                    yield Screen(inner.place, "runs before the model", "stops")
        yield from self._refusals(unit)

    def _refusals(self, unit: Unit) -> Iterator[Screen]:
        """Where the provider's own refusal is handled."""
        for node in unit.parents:
            if isinstance(node, code.Operation) and node.operator in ("==", "in", "!="):
                if any(isinstance(o, code.Constant) and o.value == "content_filter" for o in node.operands):
                    yield Screen(unit.at(node), "content_filter", "filter")
            elif (
                isinstance(node, code.Handler)
                and node.type is not None
                and any("ContentFilter" in p.rpartition(".")[2] for p in self._paths(node.type, unit))
            ):
                yield Screen(unit.at(node), "the refusal of the provider's filter is handled", "filter")

    def _paths(self, expression: code.Expression, unit: Unit) -> Iterator[str]:
        if isinstance(expression, code.Name | code.Member | code.Call):
            for value in self._core.resolver.values(expression, unit):
                if isinstance(value, External):
                    yield value.path

    def _acting(self, call: code.Call, unit: Unit, reached: dict[Unit, int]) -> Acting:
        """What becomes of a verdict: it decides, it does where nothing fails, or nobody reads it."""
        if not self._decides(call, unit, reached, HOPS):
            return "ignored"
        inner: code.Node = call
        for outer in unit.enclosing(call):
            if isinstance(outer, code.Try) and inner in outer.body:
                for handler in outer.handlers:
                    if not any(isinstance(n, code.Raise) for n in code.walk(handler.body)) and not _denies(
                        handler.body
                    ):
                        return "open"
            inner = outer
        return "stops"

    def _decides(self, call: code.Node, unit: Unit, reached: dict[Unit, int], hops: int) -> bool:
        """Whether a verdict stands in a condition, here or in what called this function for it."""
        for above in unit.enclosing(call):
            match above:
                case code.If() | code.Choice() | code.Assert() | code.Switch() | code.Raise():
                    return True
                case code.Return():
                    return self._decides_above(unit, reached, hops)
                case code.Assign(targets=targets):
                    uses = {use for target in targets for name in _names(target) for use in _uses(name, unit)}
                    return "test" in uses or ("return" in uses and self._decides_above(unit, reached, hops))
                case code.Evaluate():
                    return False
                case _:
                    continue
        return False

    def _decides_above(self, unit: Unit, reached: dict[Unit, int], hops: int) -> bool:
        if unit in self._nodes:
            return True  # the edges of the graph read the state that a node returns
        callers = [e for e in self._core.graph.callers.get(unit, ()) if e.is_call and e.unit in reached]
        return hops > 0 and any(self._decides(e.node, e.unit, reached, hops - 1) for e in callers)

    def _set_on(self, call: ModelCall) -> Iterator[Screen]:
        """Policies and filters of the provider, set on the call or on its client."""
        for node, unit in [(call.call, call.unit), *((s.call, s.unit) for s in call.value.steps)]:
            for keyword in node.keywords:
                for name in (keyword.name, *_keys(keyword.value)):
                    if name in self._known.policy_keywords:
                        yield Screen(unit.at(keyword), str(name), "stops")
                    elif name in self._known.filter_keywords and not _is_empty(keyword.value):
                        yield Screen(unit.at(keyword), str(name), "filter")


def _given(call: code.Call) -> Iterable[code.Expression]:
    return (*call.arguments, *(k.value for k in call.keywords))


def _keys(value: code.Expression) -> Iterator[str]:
    """The names set inside a configuration that is written where it is given."""
    if isinstance(value, code.Mapping):
        yield from (str(k.value) for k, _ in value.items if isinstance(k, code.Constant))
    elif isinstance(value, code.Call):
        yield from (k.name for k in value.keywords if k.name is not None)


def _denies(body: list[code.Statement]) -> bool:
    """Whether a handler refuses: it raises, or answers something that is neither "safe" nor nothing."""
    for node in code.walk(body):
        if isinstance(node, code.Raise):
            return True
        if isinstance(node, code.Return) and node.value is not None:
            return not (isinstance(node.value, code.Constant) and node.value.value in (None, False, "safe", "SAFE"))
    return False


def _uses(name: str, unit: Unit) -> Iterator[str]:
    """How a name, or a part of it, is used: in a test, or in what is returned."""
    for node in unit.parents:
        if isinstance(node, code.Name) and node.id == name:
            inner: code.Node = node
            for above in unit.enclosing(node):
                tested = getattr(above, "test", None) if isinstance(above, code.If | code.Choice) else None
                if tested is inner or isinstance(above, code.Raise | code.Assert | code.Switch):
                    yield "test"
                elif isinstance(above, code.Return):
                    yield "return"
                elif isinstance(above, code.Call) and inner is not above.function:
                    break  # handed to something else
                inner = above


def _names(target: code.Expression) -> Iterator[str]:
    for node in code.walk(target):
        if isinstance(node, code.Name):
            yield node.id


def _is_empty(value: code.Expression) -> bool:
    if isinstance(value, code.Sequence):
        return not value.items
    return isinstance(value, code.Constant) and not value.value
