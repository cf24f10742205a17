"""Which records of model decisions are kept, and what they say. check `audit-trail`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.nearby import UP, Nearby
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Items, Known
from readiness.facts.place import Place
from readiness.facts.records.instrumentors import TelemetryKnowledge
from readiness.facts.records.telemetry import Tracing
from readiness.facts.records.written import Field, Writes, Written
from readiness.repository.tree import Role

_MEANING: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "time",
        re.compile(
            r"(^|_)(time|timestamp|date|datetime|created|updated|ts|when|asctime)(_|$)"
            r"|(createdat|updatedat|_at)$|^at$",
            re.I,
        ),
    ),
    (
        "actor",
        re.compile(
            r"^(user|actor|caller|principal|sender|author|owner|customer|tenant|client|account|org|organi[sz]ation|workspace|member|employee|session|chat|user_data|from_user)"
            r"(_?(id|name|email|hash|uuid|key|login|no))?$|^(sub|username|user_email|created_by|api_key_id|thread_id)$",
            re.I,
        ),
    ),
    (
        "request",
        re.compile(
            r"^(request|trace|run|correlation|message|interaction|conversation|thread|prediction|response|span|turn|query|event|job|invocation|call|audit|generation|ticket)_?(id|uuid)$",
            re.I,
        ),
    ),
    ("model", re.compile(r"(^|_)(model|llm|engine|deployment)(_?(name|id|version|used|provider))?$|^model_", re.I)),
    (
        "prompt",
        re.compile(
            r"(^|_)(prompt|prompts|question|query|input|inputs|features|instruction|instructions|request|user_message|user_input|"
            r"input_text|message_in|messages|conversation|history|chat_history|prompt_(hash|version|id|name|sha256)|input_(hash|data|json))$",
            re.I,
        ),
    ),
    (
        "output",
        re.compile(
            r"(^|_)(output|outputs|answer|answers|response|responses|completion|reply|result|results|prediction|predictions|predicted|"
            r"generated|generated_text|summary|bot_message|ai_message|score|scores|output_(hash|sha256|text|json)|response_(text|hash|json|body)|"
            r"messages|conversation|history|chat_history)$",
            re.I,
        ),
    ),
    (
        "decision",
        re.compile(
            r"(^|_)(tool|tools|tool_name|tool_calls|decision|action|verdict|outcome|sources|citations|references|retrieval_messages|"
            r"documents|context|approved|finish_reason|guardrail|intent|label)$",
            re.I,
        ),
    ),
)
_DIGEST = re.compile(r"_(?:sha\d+|md5|hmac|hash|digest|fingerprint)$", re.I)
"""A digest proves what was said without keeping it."""
_ASKED = re.compile(r"^(?:(?:user_)?(?:question|query|prompt)|user_(?:message|input))$", re.I)
_CONTENT = re.compile(r"^(content|text|body|message|data|payload|details)$", re.I)
_LOOSE = frozenset({"data", "payload", "details"})
"""What may hold anything: it is read for the names in it, not for its own."""
_VECTORS = re.compile(r"embedding|vector|chunk|index|document|knowledge|collection_name|store", re.I)
_AUDIT_LOG = re.compile(r"(^|[._-])audit", re.I)
_ACTOR_KEYS = frozenset(
    {
        "user_id",
        "session_id",
        "langfuse_user_id",
        "langfuse_session_id",
        "trace_user_id",
        "thread_id_hash",
        "customer_id",
        "tenant_id",
        "user",
        "distinct_id",
        "posthog_distinct_id",
    }
)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A record of model decisions. `says` names what it holds: time, actor, request, model, prompt, output, decision.

    `durable`: it outlives the process. `vendor`: it is a trace at a vendor. `posted`: the browser tells
    what the answer was, not the service.
    """

    place: Place
    text: str
    says: tuple[str, ...]
    sink: str
    durable: bool = True
    vendor: bool = False
    posted: bool = False
    constant_actor: bool = False
    reachable: bool = True

    @property
    def count(self) -> int:
        """How many different things it says."""
        return len(self.says)

    @property
    def has_actor(self) -> bool:
        """Whether it says who asked, and not always the same."""
        return "actor" in self.says

    @property
    def has_model(self) -> bool:
        """Whether it says which model answered."""
        return "model" in self.says

    @property
    def lacks(self) -> str:
        """What a whole record would have besides, in words."""
        if self.posted:
            return "it is the browser that says what the answer was"
        if not self.durable:
            return "it does not outlive the process" if not self.vendor else "nothing turns it on by default"
        if not self.has_actor:
            return "it says the same actor every time" if self.constant_actor else "it does not say who asked"
        if not self.has_model:
            return "it does not say which model answered"
        return "no entry point reaches it" if not self.reachable else "it says too little"


class Audit:
    """Finds the records around model calls."""

    def __init__(self, core: Core, knowledge: TelemetryKnowledge, nearby: Nearby, writes: Writes) -> None:
        self._core, self._knowledge, self._nearby = core, knowledge, nearby
        self._writes = writes
        self._handlers = frozenset(unit for entry in core.entry_points for unit in entry.units)

    def find(self, tracings: Iterable[Tracing]) -> list[AuditRecord]:
        """The records of a repository, the fullest first."""
        found = [*self._written(), *self._histories(), *self._traces(list(tracings))]
        return sorted(found, key=lambda r: (-(r.durable + r.has_actor + r.has_model), -r.count, r.place))

    def generation_record(self, call: ModelCall) -> Place | None:
        """A line near a call that writes down which model gave which answer."""
        for unit, hops in self._nearby.around_calls([call]).items():
            for written in self._writes.of(unit) if hops <= UP else ():
                given = [name for name, value in written.fields.items() if value[0] is not None]
                says = {m for name in given for m, pattern in _MEANING if pattern.search(name)}
                if {"model", "output"} <= says:
                    return written.place
        return None

    # -- written by the project ----------------------------------------------------------------------------------

    def _written(self) -> Iterator[AuditRecord]:
        calls = [
            c for c in self._core.calls if c.role is Role.SERVING and (c.generates or c.kind == "predict" or c.remote)
        ]
        near = {*self._nearby.around_calls(calls), *self._nearby.on_the_way(calls)}
        handlers = {e.unit: e for e in self._core.entry_points}
        answering = {u for u in near if any(c.unit in self._nearby.below(u) for c in calls)}
        groups: dict[tuple[str, str], list[Written]] = {}
        for unit in sorted(near, key=lambda u: (u.place, u.qualified)):
            if unit.module.role is Role.SERVING:
                for written in self._writes.of(unit):
                    target = written.target if written.durable else f"{written.place.path}:{written.place.line}"
                    groups.setdefault((written.sink, target), []).append(written)
        # A page of a UI framework writes in callbacks of its own that no call graph joins to the answer.
        pages = {u.module for e in self._core.entry_points if e.kind == "ui" for u in e.units}
        for unit in self._core.serving_units():
            if unit not in near and unit.module in pages:
                for written in self._writes.of(unit):
                    if written.durable:
                        groups.setdefault((written.sink, written.target), []).append(written)
        for (sink, target), records in groups.items():
            record = self._judged(sink, target, records, {u for u in handlers if u not in answering})
            if record is not None:
                yield record

    def _judged(self, sink: str, target: str, records: list[Written], others: set[Unit]) -> AuditRecord | None:
        """What the writes to one store say together; None where they hold neither question nor answer."""
        fields: dict[str, Field] = {}
        for written in records:
            for name, given in written.fields.items():
                if given[0] is not None or name not in fields:
                    fields[name] = given
        says: set[str] = set()
        constant = False
        for name, given in fields.items():
            meanings = [m for m, pattern in _MEANING if pattern.search(_DIGEST.sub("", name))]
            if "actor" in meanings and self._is_constant(given):
                constant = True
                meanings.remove("actor")
            says.update(meanings)
            says.update(self._by_content(name, fields))
        if not says & {"prompt", "output"} or (_VECTORS.search(target) and not says >= {"prompt", "output"}):
            return None
        if sink == "log":
            if len(says) < 3:
                return None
            says.add("time")
        first = records[0]
        durable = (
            sink != "file"
            and not (sink == "table" and self._is_wiped)
            and (sink != "log" or bool(_AUDIT_LOG.search(first.target)))
        )
        posted = "output" in says and all(w.unit in others for w in records) and sink != "log"
        ordered = tuple(m for m, _ in _MEANING if m in says)
        return AuditRecord(
            first.place,
            f"{target or sink} record ({', '.join(ordered)})",
            ordered,
            sink,
            durable,
            False,
            posted,
            constant,
            any(w.unit in self._core.started for w in records),
        )

    @cached_property
    def _is_wiped(self) -> bool:
        """Whether the tables are dropped when the application starts."""
        return any(last_name(call.function) == "drop_all" for unit in self._nearby.loaded for call in unit.calls)

    def _by_content(self, name: str, fields: dict[str, Field]) -> set[str]:
        """Rows of one message each: a role tells whose text `content` is. Beside a question it is the answer."""
        if _CONTENT.search(name) and any(
            f in fields for f in ("role", "sender", "is_user", "type", "sender_type", "author")
        ):
            return {"prompt", "output"}
        if _CONTENT.search(name) and name.lower() not in _LOOSE and any(_ASKED.search(other) for other in fields):
            return {"output"}
        return set()

    def _is_constant(self, given: Field) -> bool:
        """Whether an actor is the same text on every way."""
        return not _varies(self._core, given, self._handlers)

    # -- conversation stores -------------------------------------------------------------------------------------

    def _histories(self) -> Iterator[AuditRecord]:
        """Stores of a framework that keep every message by session."""
        says = ("time", "request", "prompt", "output")
        for unit in sorted(self._nearby.loaded, key=lambda u: (u.place, u.qualified)):
            if unit.module.role is not Role.SERVING:
                continue
            for call in unit.calls:
                for value in self._core.resolver.values(call.function, unit):
                    path = value.path if isinstance(value, External) else ""
                    owner = path.removesuffix(".from_conn_string")
                    if owner in self._knowledge.histories and not _in_memory(call):
                        yield AuditRecord(
                            unit.at(call),
                            f"{owner.rpartition('.')[2]} keeps the messages of each thread",
                            says,
                            "history",
                        )
                        break

    # -- traces at a vendor --------------------------------------------------------------------------------------

    def _traces(self, tracings: list[Tracing]) -> Iterator[AuditRecord]:
        seen: set[str] = set()
        kept = [
            t
            for t in tracings
            if t.vendor and t.content and t.line is not None and (t.reachable or not any(x.reachable for x in tracings))
        ]
        for tracing in kept:
            if tracing.by in seen or tracing.line is None:
                continue
            seen.add(tracing.by)
            actor, constant = self._actor(tracing)
            says = ("time", *(("actor",) if actor else ()), "request", "model", "prompt", "output")
            whole = tracing.traced and tracing.exported
            text = f"{tracing.by} keeps each run{'' if actor else ', without saying who asked'}"
            yield AuditRecord(
                tracing.line,
                text,
                says if whole else tuple(s for s in says if s != "actor"),
                "trace",
                whole,
                True,
                constant_actor=constant,
                reachable=tracing.reachable,
            )

    def _actor(self, tracing: Tracing) -> tuple[bool, bool]:
        """Whether the trace is told who asked, and whether what it is told is always the same."""
        constant = False
        units = self._nearby.around_calls([tracing.call])
        for unit in sorted(units, key=lambda u: (u.place, u.qualified)):
            for call in unit.calls:
                for given in self._told(call, unit):
                    if self._is_constant(given):
                        constant = True
                    elif given[0] is not None:
                        return True, False
        return False, constant

    def _told(self, call: code.Call, unit: Unit) -> Iterator[Field]:
        """What a call says of the user: keywords of a vendor's call, or keys of `metadata` given to a run."""
        paths = [v.path for v in self._core.resolver.values(call.function, unit) if isinstance(v, External)]
        if any(p in self._knowledge.actors for p in paths):
            yield from self._told_outright(call, unit)
        for node in code.walk(call):
            if isinstance(node, code.Mapping):
                yield from self._metadata(node, unit)
            elif isinstance(node, code.Keyword) and node.name in ("metadata", "langsmith_extra"):
                yield from self._keys(node.value, unit)
        for argument in (*call.arguments, *(k.value for k in call.keywords if k.name == "config")):
            if isinstance(argument, code.Name):
                for literal, owner in self._mappings(argument, unit):
                    yield from self._metadata(literal, owner)

    def _told_outright(self, call: code.Call, unit: Unit) -> Iterator[Field]:
        for keyword in call.keywords:
            if keyword.name in _ACTOR_KEYS:
                yield keyword.value, unit
            elif keyword.name in ("metadata", "tags", "trace_context", None):
                yield from self._keys(keyword.value, unit)
        for argument in call.arguments[:1]:
            yield from self._keys(argument, unit)
            if last_name(call.function) in ("using_user", "using_session"):
                yield argument, unit

    def _metadata(self, literal: code.Mapping, unit: Unit) -> Iterator[Field]:
        for key, inner in literal.items:
            if isinstance(key, code.Constant) and key.value == "metadata":
                yield from self._keys(inner, unit)

    def _keys(self, expression: code.Expression, unit: Unit) -> Iterator[Field]:
        for literal, owner in self._mappings(expression, unit):
            for key, inner in literal.items:
                if isinstance(key, code.Constant) and key.value in _ACTOR_KEYS:
                    yield inner, owner

    def _mappings(self, expression: code.Expression, unit: Unit) -> Iterator[tuple[code.Mapping, Unit]]:
        for value in self._core.resolver.values(expression, unit):
            if isinstance(value, Items) and isinstance(value.literal, code.Mapping):
                yield value.literal, value.unit


def _in_memory(call: code.Call) -> bool:
    return any(
        isinstance(a, code.Constant) and isinstance(a.value, str) and ":memory:" in a.value for a in call.arguments
    )


def _varies(core: Core, given: Field, handlers: frozenset[Unit], depth: int = 4) -> bool:
    """Whether a field can hold more than one text of the code: what a handler is given from outside always can."""
    expression, unit = given
    if expression is None or depth == 0:
        return True
    parameter = unit.parameter(expression.id) if isinstance(expression, code.Name) else None
    if parameter is not None and expression.id not in unit.bindings:  # type: ignore[attr-defined]
        arguments = list(core.resolver.classes.arguments(unit, parameter))
        if unit in handlers or (not arguments and parameter.default is None):
            return True
        if arguments:
            return any(_varies(core, (a, caller), handlers, depth - 1) for a, caller in arguments)
    values = core.resolver.values(expression, unit)
    return not all(isinstance(v, Known) and not v.variable for v in values)
