"""What users say of answers, where it is kept, whether it comes back. check `user-feedback-captured`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.nearby import Nearby
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, FunctionValue, Instance, Known
from readiness.facts.place import Place
from readiness.facts.records.feedback_loop import FeedbackLoop
from readiness.facts.records.instrumentors import TelemetryKnowledge
from readiness.facts.records.written import Writes, Written
from readiness.repository.tree import Role

_NAMED = re.compile(
    r"(^|[^a-z])(feedbacks?|ratings?|rate[_-]?(answer|message|response)|thumbs?|thumbs?[_-]?(up|down)|votes?|upvote|downvote|"
    r"report[_-]?(issue|answer|message)|issue[_-]?reports?|flag(ged|[_-]?answer|[_-]?message)?|likes?|dislikes?|is_liked|reactions?|annotations?|"
    r"outcomes?|ground[_-]?truth|actuals?|corrections?)([^a-z]|$)",
    re.I,
)
_SCORE = re.compile(
    r"^(score|rating|ratings|thumbs?(_?(up|down))?|vote|votes|liked?|likes|dislikes?|is_(liked|helpful|correct|positive|good)|helpful|value|feedback"
    r"|feedback_(type|value|score|text)|sentiment|reaction|correct(ness|ion|ed)?|correct_answer|comments?|stars|reason|issues?|"
    r"actual(_\w+)?|outcome|ground_truth|true_label|label|user_feedback|correction)$",
    re.I,
)
_ID = re.compile(
    r"^(trace|message|msg|request|run|response|answer|conversation|conv|convo|chat|session|thread|query|question|prediction|interaction|"
    r"generation|completion|item|log|turn|observation|span|result|document|review|history)_?(id|uuid|key)$|^chat$|^parent$",
    re.I,
)
_REASON = re.compile(
    r"(^|_)(comments?|corrections?|corrected|correct_answer|reasons?|issues?|issue_type|details|note|explanation|feedback_text|category)$"
)
_ENDING = re.compile(r"^(?:outcomes?|flag(?:ged)?|annotations?|reason|label|value)$", re.I)
"""Columns that tell how an answer ended, where the code that makes the answer fills them."""
_CONTACT = re.compile(r"^(email|e_mail|phone|subject|company)$", re.I)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GENERIC = re.compile(r"(?:Response|Result|Model|Schema|Out|Read|View|Record|Row|DTO|Dto)+$")
"""What the name of a class says of its place and not of what it is."""
_WIDGETS = frozenset(
    {
        "streamlit.feedback",
        "streamlit_feedback.streamlit_feedback",
        "trubrics.integrations.streamlit.FeedbackCollector().st_feedback",
        "streamlit.sidebar.feedback",
    }
)
_FLAGGING = {"gradio.ChatInterface": False, "gradio.Interface": True}
_SENDS = frozenset({"post", "put", "patch", "request", "acreate_feedback", "create_feedback"})
_FRONTEND = re.compile(
    r"""(?:\b(?:from|collection|table)\(\s*(?:\w+\s*,\s*)?["'`][\w-]*(?:feedback|ratings?|votes?)[\w-]*["'`]\s*\)[\s\S]{0,120}?(?:insert|add|upsert|set|addDoc)\("""
    r"""|\b(?:prisma|db)\.\w*(?:feedback|rating|vote)\w*\.(?:create|upsert|insert)\("""
    r"""|\baddDoc\(\s*collection\([^)]{0,80}["'`][\w-]*(?:feedback|ratings?|votes?)[\w-]*["'`]"""
    r"""|\blangfuse\w*\.score\()""",
    re.I | re.X,
)


@dataclass(frozen=True, slots=True)
class Feedback:
    """One place where users' judgement of answers is kept.

    `has_id`: it says which answer is meant; `id_returned`: the answer path gives out that id. `loop`: code or an issue
    form that brings judgements back into the examples to evaluate with.
    """

    place: Place
    text: str
    id_field: str = ""
    id_returned: bool = False
    reachable: bool = True
    loop: Place | None = None
    says_why: bool = False
    """It also keeps, in words, what was wrong or what would have been right."""

    @property
    def has_id(self) -> bool:
        """Whether it says which answer is meant."""
        return bool(self.id_field)


class FeedbackFinder:
    """Finds feedback by what is kept, not by how a route is called alone."""

    def __init__(self, core: Core, knowledge: TelemetryKnowledge, nearby: Nearby, writes: Writes) -> None:
        self._core, self._knowledge, self._nearby, self._writes = core, knowledge, nearby, writes

    def find(self) -> list[Feedback]:
        """Where feedback is kept, the most complete first."""
        found = list(
            {
                f.place: f
                for f in (*self._rows(), *self._vendors(), *self._widgets(), *self._data_layers(), *self._frontend())
            }.values()
        )
        way_back = FeedbackLoop(self._core, self._knowledge, self._nearby, self._writes, _is_named)
        loop = way_back.find() if found else None
        return sorted(
            (replace(f, loop=loop) for f in found),
            key=lambda f: (not f.reachable, not f.id_returned, not f.has_id, f.place),
        )

    # -- kept by the project -------------------------------------------------------------------------------------

    def _rows(self) -> Iterator[Feedback]:
        """Rows and documents that a feedback handler writes, or whose table is one of feedback."""
        judged: dict[Unit, EntryPoint] = {}
        for entry in self._core.entry_points:
            if entry.unit.module.role is Role.SERVING:
                for unit in entry.units:
                    if _is_named(entry.route if entry.kind in ("http", "websocket") else "") or _is_named(unit.name):
                        judged.update(dict.fromkeys(self._nearby.below(unit), entry))
        for unit in self._core.serving_units():
            for written in self._writes.of(unit):
                if not written.durable:
                    continue
                if _is_named(written.target) or unit in judged or _is_named(unit.name):
                    feedback = self._of_row(written)
                    if feedback is not None:
                        yield feedback
                elif any(_is_named(name) for name in written.fields) and self._touches_score(written):
                    yield self._feedback(written)

    def _touches_score(self, written: Written) -> bool:
        """A column of an answer's own row (`message.rating = …`) that a line gives a value."""
        given = [name for name, value in written.fields.items() if value[0] is not None]
        if written.unit in self._on_the_way:
            given = [name for name in given if not _ENDING.search(name)]
        return any(_is_named(name) and _SCORE.search(name) for name in given) and any(
            _ID.search(n) or n == "id" for n in written.fields
        )

    @cached_property
    def _on_the_way(self) -> frozenset[Unit]:
        """What runs while an answer is made: nobody has seen it yet, so that its row says how it ended, no more."""
        calls = [c for c in self._core.calls if c.role is Role.SERVING and (c.generates or c.kind == "predict")]
        return self._nearby.on_the_way(calls)

    def _of_row(self, written: Written) -> Feedback | None:
        names = list(written.fields)
        scores = [n for n in names if _SCORE.search(n) or _is_named(n)]
        ids = [n for n in names if _ID.search(n)]
        if any(_CONTACT.search(n) for n in names) and not ids:
            return None
        if not scores and not (ids and _is_named(written.target)):
            return None
        return self._feedback(written)

    def _feedback(self, written: Written) -> Feedback:
        ids = [n for n in written.fields if _ID.search(n)]
        named = next(iter(ids), "id" if "id" in written.fields and not _is_named(written.target) else "")
        return Feedback(
            written.place,
            f"{written.target or 'a record'} keeps feedback",
            named,
            any(self._is_returned(n) for n in ids),
            written.unit in self._core.started,
            says_why=any(_REASON.search(n) for n in written.fields),
        )

    def _is_returned(self, name: str) -> bool:
        """Whether code that answers with a model gives out an id of this name."""
        return _plain(name) in self._given_out

    @cached_property
    def _given_out(self) -> frozenset[str]:
        """The names under which answering code gives things out, without case and underscores."""
        entries = self._asking_entries()
        units = dict.fromkeys((*self._answering(), *(unit for entry in entries for unit in entry.units)))
        named = {name for unit in units for name in _names(unit)}
        return frozenset(_plain(name) for name in named | {n for e in entries for n in self._promised(e.unit)})

    def _asking_entries(self) -> list[EntryPoint]:
        """The entry points of serving code that run a model, however many layers lie between."""
        calls = [c for c in self._core.calls if c.role is Role.SERVING and (c.generates or c.kind == "predict")]
        runs = {unit for c in calls for _, unit in c.runs}
        entries = [e for e in self._core.entry_points if e.is_network and e.unit.module.role is Role.SERVING]
        return [e for e in entries if runs & self._core.reached_from(e).keys()]

    def _promised(self, unit: Unit) -> Iterator[str]:
        """The fields of what a handler says it returns; the `id` of an `Answer` is an `answer_id` elsewhere."""
        returns = unit.function.returns if unit.function is not None else None
        for value in self._core.resolver.annotated(returns, unit.parent or unit) if returns is not None else ():
            if isinstance(value, Instance):
                names = [n for n, given in value.info.attributes.items() if given[0][1] is value.info.body]
                yield from names
                if "id" in names:
                    yield f"{_GENERIC.sub('', value.info.node.name) or value.info.node.name}_id"

    def _answering(self) -> list[Unit]:
        calls = [c for c in self._core.calls if c.role is Role.SERVING and (c.generates or c.kind == "predict")]
        units = [u for c in calls for _, run in (*c.runs, (c.call, c.unit)) for u in self._nearby.above(run)]
        return list(dict.fromkeys(units))

    # -- vendors, widgets, data layers ---------------------------------------------------------------------------

    def _vendors(self) -> Iterator[Feedback]:
        for unit in self._core.serving_units():
            for call in unit.calls:
                for value in self._core.resolver.values(call.function, unit):
                    if isinstance(value, External) and value.path in self._knowledge.feedback:
                        ids = [k.name for k in call.keywords if k.name and (_ID.search(k.name) or k.name == "id")]
                        name = ids[0] if ids else ("run_id" if call.arguments else "")
                        yield Feedback(
                            unit.at(call),
                            f"{last_name(call.function)} keeps feedback with the trace",
                            name,
                            self._is_returned(name),
                            unit in self._core.started,
                        )
                        break

    def _widgets(self) -> Iterator[Feedback]:
        for unit in self._core.serving_units():
            for call in unit.calls:
                if last_name(call.function) not in (
                    "feedback",
                    "streamlit_feedback",
                    "st_feedback",
                    "ChatInterface",
                    "Interface",
                    "like",
                ):
                    continue
                for value in self._core.resolver.values(call.function, unit):
                    path = value.path if isinstance(value, External) else ""
                    if path in _WIDGETS and self._is_kept(unit):
                        yield Feedback(
                            unit.at(call), f"{last_name(call.function)} is shown and its answer sent on", reachable=True
                        )
                    elif path in _FLAGGING and self._flags(call, unit, _FLAGGING[path]) and self._asks(call, unit):
                        yield Feedback(
                            unit.at(call), f"{last_name(call.function)} lets users flag answers, into a local file"
                        )

    def _is_kept(self, unit: Unit) -> bool:
        """Whether something near a widget writes or sends what it got."""
        for near in self._nearby.around(unit):
            if any(w.durable for w in self._writes.of(near)):
                return True
            for call in near.calls:
                name = last_name(call.function)
                texts = [a.value for a in call.arguments if isinstance(a, code.Constant) and isinstance(a.value, str)]
                texts += [
                    p.value
                    for a in call.arguments
                    if isinstance(a, code.Template)
                    for p in a.parts
                    if isinstance(p, code.Constant) and isinstance(p.value, str)
                ]
                if name in _SENDS and (name.endswith("feedback") or any(_is_named(t) for t in texts)):
                    return True
        return False

    def _flags(self, call: code.Call, unit: Unit, default: bool) -> bool:
        given = call.keyword("flagging_mode") or call.keyword("allow_flagging")
        if given is None:
            return default
        first = self._core.resolver.values(given, unit)[0]
        return not (isinstance(first, Known) and str(first.value).lower() in ("never", "false"))

    def _asks(self, call: code.Call, unit: Unit) -> bool:
        """Whether an interface shows what a model answers; one whose function asks none has nothing to be rated."""
        given = call.keyword("fn") or next(iter(call.arguments), None)
        shown = self._core.resolver.values(given, unit) if given is not None else ()
        functions = [v.unit for v in shown if isinstance(v, FunctionValue)]
        if len(functions) < len(shown) or not functions:
            return True
        reached = self._core.graph.reach(functions)
        return any(run in reached for c in self._core.calls for _, run in c.runs)

    def _data_layers(self) -> Iterator[Feedback]:
        """Chainlit keeps thumbs as soon as a data layer is there."""
        for info in self._core.program.classes:
            bases = self._core.resolver.classes.bases(info)[1]
            method = info.methods.get("upsert_feedback")
            if info.module.role is Role.SERVING and method is not None and any(b.startswith("chainlit") for b in bases):
                yield Feedback(method.place, "the data layer keeps feedback", "for_id", True)
        for unit in sorted(self._nearby.loaded, key=lambda u: (u.place, u.qualified)):
            for call in unit.calls:
                for value in self._core.resolver.values(call.function, unit):
                    path = value.path if isinstance(value, External) else ""
                    if path.startswith("chainlit.data.") and path.endswith("DataLayer"):
                        yield Feedback(unit.at(call), "Chainlit's data layer keeps feedback", "for_id", True)

    def _frontend(self) -> Iterator[Feedback]:
        """A page in another language that stores judgements itself."""
        files = self._core.observations.files
        for path, text in self._core.observations.sources.items():
            if (
                path.endswith((".ts", ".tsx", ".js", ".jsx", ".vue", ".svelte", ".html"))
                and files[path].role is Role.SERVING
                and len(text) < 400_000
            ):
                match = _FRONTEND.search(text) if _NAMED.search(text) or "langfuse" in text else None
                if match is not None:
                    line = text.count("\n", 0, match.start()) + 1
                    yield Feedback(Place(path, line, line), "the frontend keeps feedback")


def _is_named(name: str) -> bool:
    """Whether a name speaks of feedback, by whole words."""
    return bool(name) and _NAMED.search(_CAMEL.sub("_", name)) is not None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _names(unit: Unit) -> Iterator[str]:
    """The keywords, keys and names that a unit gives values to, of what it returns or writes."""
    for call in unit.calls:
        for keyword in call.keywords:
            if keyword.name:
                yield keyword.name
    for statement in unit.blocks:
        for node in code.walk(statement) if isinstance(statement, code.Return | code.Evaluate | code.Assign) else ():
            if isinstance(node, code.Mapping):
                yield from (k.value for k, _ in node.items if isinstance(k, code.Constant) and isinstance(k.value, str))
            elif isinstance(node, code.Assign):
                yield from (t.name for t in node.targets if isinstance(t, code.Member))
