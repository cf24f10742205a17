"""Who looks for personal data in what people send, before a model of somebody else reads it. check pii-redacted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.flows.flow_marks import Kind
from readiness.facts.flows.sinks import load_sinks
from readiness.facts.flows.taint import Taint
from readiness.facts.inputs.input_flow import Flow, only
from readiness.facts.inputs.input_limits import InputChannel
from readiness.facts.inputs.requests import RequestEntry, RequestFamily
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Known
from readiness.facts.place import Place
from readiness.facts.privacy.knowledge import Wired, load_privacy

Where = Literal["prompt", "some", "output", "records", "unused"]
_STRENGTH: tuple[Where, ...] = ("prompt", "some", "output", "records", "unused")
_READING = ("generate", "embed", "rerank", "transcribe")
_ADDRESSES = frozenset(
    {
        "base_url",
        "host",
        "api_base",
        "openai_api_base",
        "endpoint",
        "server_url",
        "azure_endpoint",
        "inference_server_url",
    }
)
_AT_HOME = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|host\.docker\.internal|\[::1\])(?:[:/]|$)")
_MARK = re.compile(r"[A-Za-z*█#<\[{]")
_SIGNS = re.compile(r"\\d|\[0-9\]")


@dataclass(frozen=True, slots=True)
class Mask:
    """One look for personal data.

    `where`: "prompt" (what it leaves goes to the model, or it stops the request), "some" (the same, for one kind of
    data only), "output" (of answers), "records" (of traces and logs), "unused" (nothing is done with what it finds).
    """

    place: Place
    text: str
    where: Where


@dataclass(slots=True, eq=False)
class SendingEntry:
    """An entry point by which texts of people reach a model that others run, with what masks them; the best first."""

    place: Place
    text: str
    entry: RequestEntry
    masks: tuple[Mask, ...]

    @property
    def importable(self) -> bool:
        """Whether the handler's module can be imported."""
        return self.entry.importable

    @property
    def where(self) -> str:
        """Where the best of its masks stands; empty where there is none."""
        return self.masks[0].where if self.masks else ""


def find_sending(family: RequestFamily, channels: Iterable[InputChannel], taint: Taint | None) -> list[SendingEntry]:
    """The entry points that hand texts and files of people to a model across a network."""
    finder = _Finder(family, taint)
    given = {channel.entry: None for channel in channels}
    found = []
    for request in family.entries:
        calls = [c for c in request.calls if c.kind in _READING and finder.is_elsewhere(c)]
        if calls and (request in given or request.entry.framework == "langgraph"):  # a platform takes the messages
            masks = sorted(set(finder.of(request, calls)), key=lambda m: (_STRENGTH.index(m.where), m.place, m.text))
            found.append(SendingEntry(request.place, request.text, request, tuple(masks)))
    return found


class _Finder:
    def __init__(self, family: RequestFamily, taint: Taint | None) -> None:
        self._core, self._taint, self._known = family.core, taint, load_privacy()
        self._sinks = load_sinks()
        self._looks: dict[Unit, list[tuple[code.Call, str, frozenset[str]]]] = {}
        self._wired: dict[Unit, list[Mask]] = {}
        self._recorded = [mask for unit in self._core.serving_units() for mask in self._records(unit)]

    def is_elsewhere(self, call: ModelCall) -> bool:
        """Whether a model is asked that somebody else runs, as far as the code says."""
        if not call.remote:
            return False
        if call.sdk.provider == "ollama" or "ollama" in call.value.path.lower():
            return False
        for step in call.value.steps:
            for keyword in step.call.keywords:
                if keyword.name in _ADDRESSES:
                    values = self._core.resolver.values(keyword.value, step.unit)
                    texts = [v.value for v in values[:1] if isinstance(v, Known)]
                    if any(isinstance(t, str) and _AT_HOME.match(t) for t in texts):
                        return False
        return True

    def of(self, request: RequestEntry, calls: list[ModelCall]) -> Iterator[Mask]:
        """What masks the texts of one entry point."""
        reached = self._core.reached_from(request.entry)
        built = {step.unit for call in calls for step in call.value.steps}
        for unit in dict.fromkeys([*reached, *built, *(u.module.body for u in reached)]):
            yield from self._wiring(unit)
        for unit in reached:
            looks = self._in(unit)
            kinds = frozenset(k for _, _, own in looks for k in own)
            for call, text, own in looks:
                where = self._where(call, unit, reached, calls)
                complete = not own or len(kinds) > 1
                yield Mask(unit.at(call), text, "some" if where == "prompt" and not complete else where)
        yield from self._recorded

    # -- looks -------------------------------------------------------------------------------------------------------

    def _in(self, unit: Unit) -> list[tuple[code.Call, str, frozenset[str]]]:
        """The looks for personal data in a unit: the call, its name, and of the project's own patterns their kinds."""
        known = self._looks.get(unit)
        if known is None:
            known = self._looks[unit] = list(self._find(unit))
        return known

    def _find(self, unit: Unit) -> Iterator[tuple[code.Call, str, frozenset[str]]]:
        for call in unit.calls:
            if not isinstance(call.function, code.Name | code.Member):
                continue
            own: set[str] = set()
            compiled = False
            for value in self._core.resolver.values(call.function, unit):
                if not isinstance(value, External):
                    continue
                if self._known.detectors.find(value.path) is not None and self._finds_people(value):
                    yield call, value.path.partition("(")[0].rpartition(".")[2] or value.path, frozenset()
                    break
                if self._sinks.families.find(value.path) == "replacements":
                    own |= self._kinds(call, unit, value)
                    compiled = "compile" in value.path
            if own and self._leaves_a_mark(call, unit, compiled):
                yield call, "the project's own patterns", frozenset(own)

    def _finds_people(self, value: External) -> bool:
        """Whether a pipeline of transformers is one for personal data."""
        if not value.path.startswith("transformers."):
            return True
        given = [a for s in value.steps for a in (*s.call.arguments, *(k.value for k in s.call.keywords))]
        texts = [str(a.value).lower() for a in given if isinstance(a, code.Constant)]
        return any(word in text for text in texts for word in self._known.detector_models)

    def _kinds(self, call: code.Call, unit: Unit, value: External) -> set[str]:
        """The kinds of personal data that a replaced pattern stands for."""
        given = [(call.arguments[0], unit)] if call.arguments and "compile" not in value.path else []
        given += [(s.call.arguments[0], s.unit) for s in value.steps if s.call.arguments and s.path.endswith("compile")]
        found = set()
        for expression, home in given:
            for known in self._core.resolver.values(expression, home):
                if isinstance(known, Known) and isinstance(known.value, str):
                    found.add(_kind(known.value))
        return found - {""}

    def _leaves_a_mark(self, call: code.Call, unit: Unit, compiled: bool) -> bool:
        """Whether something is put in the place of what is found: digits that are cut out alone are tidying."""
        position = 0 if compiled else 1
        given = call.keyword("repl") or (call.arguments[position] if len(call.arguments) > position else None)
        values = self._core.resolver.values(given, unit) if given is not None else ()
        texts = [v.value for v in values if isinstance(v, Known)]
        return any(isinstance(t, str) and 0 < len(t) <= 40 and "\\" not in t and _MARK.search(t) for t in texts)

    def _where(self, call: code.Call, unit: Unit, reached: dict[Unit, int], calls: list[ModelCall]) -> Where:
        given = (*call.arguments, *(k.value for k in call.keywords))
        if self._taint is not None and any(self._is_answer(a, unit) for a in given):
            return "output"
        flow = Flow(self._core, reached, {}, only(call), [unit])
        if flow.reaches(calls) or self._stops(flow, unit):
            return "prompt"
        return "unused"

    def _is_answer(self, expression: code.Expression, unit: Unit) -> bool:
        """Whether all that is looked at is what a model wrote."""
        assert self._taint is not None
        marks = self._taint.marks(expression, unit)
        return bool(marks) and all(isinstance(m.origin, ModelCall) for m in marks if m.kind is not Kind.ARGUMENTS)

    def _stops(self, flow: Flow, unit: Unit) -> bool:
        """Whether a request ends where something was found, here or in what called this."""
        for here in (unit, *(e.unit for e in self._core.graph.callers.get(unit, ()) if e.is_call)):
            for node in here.parents.values():
                ends = isinstance(node, code.If) and any(isinstance(s, code.Raise | code.Return) for s in node.body)
                if ends and isinstance(node, code.If) and flow.holds(node.test, here):
                    return True
        return False

    # -- what is wired -------------------------------------------------------------------------------------------------

    def _wiring(self, unit: Unit) -> list[Mask]:
        known = self._wired.get(unit)
        if known is None:
            found = [m for call in unit.calls for m in self._of_call(call, unit)]
            several = len({m.text for m in found}) > 1
            known = self._wired[unit] = [
                Mask(m.place, m.text, "prompt") if several and m.where == "some" else m for m in found
            ]
        return known

    def _of_call(self, call: code.Call, unit: Unit) -> Iterator[Mask]:
        for keyword in call.keywords:
            if keyword.name in self._known.policy_keywords:
                yield Mask(unit.at(keyword), str(keyword.name), "prompt")
        if not isinstance(call.function, code.Name | code.Member):
            return
        for value in self._core.resolver.values(call.function, unit):
            wired = self._known.wired.find(value.path) if isinstance(value, External) else None
            if wired is not None:
                yield Mask(unit.at(call), self._named(call, wired), self._of_wired(call, wired))
                return

    def _named(self, call: code.Call, wired: Wired) -> str:
        first = call.arguments[0] if call.arguments else None
        kind = f"({first.value!r})" if wired.one_kind and isinstance(first, code.Constant) else ""
        return f"{last_name(call.function)}{kind}"

    def _of_wired(self, call: code.Call, wired: Wired) -> Where:
        off = call.keyword(wired.off) if wired.off else None
        if isinstance(off, code.Constant) and off.value is False:
            return "output"
        return "some" if wired.one_kind else "prompt"

    def _records(self, unit: Unit) -> Iterator[Mask]:
        """What masks traces and logs before they are written."""
        for call in unit.calls:
            names = {k.name for k in call.keywords}
            for table, keyword in self._known.records:
                given = call.keyword(keyword) if keyword in names else None
                if given is None or (isinstance(given, code.Constant) and not given.value):
                    continue
                values = self._core.resolver.values(call.function, unit)
                if any(isinstance(v, External) and table.find(v.path) is not None for v in values):
                    yield Mask(unit.at(call), f"{last_name(call.function)}({keyword}=…)", "records")
        if unit.owner is not None and unit.name in ("filter", "format", "emit", "process"):
            bases = self._core.resolver.classes.bases(unit.owner)[1]
            if any(base.startswith("logging.") for base in bases) and self._in(unit):
                yield Mask(unit.place, unit.owner.node.name, "records")


def _kind(pattern: str) -> str:
    """The kind of personal data that an expression is for; empty for any other."""
    if len(pattern) > 2_000:
        return ""
    if "@" in pattern and "." in pattern:
        return "mail"
    digits = len(_SIGNS.findall(pattern))
    if "{13" in pattern or "{3,4}" in pattern or pattern.count("{4}") > 2:
        return "card"
    if digits > 1 and "{3}" in pattern and "{2}" in pattern:
        return "number"
    return "phone" if digits > 2 and ("{3}" in pattern or "{2,4}" in pattern or "\\+" in pattern) else ""
