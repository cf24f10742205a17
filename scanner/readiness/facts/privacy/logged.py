"""What is written to logs of prompts, answers and the texts of people. check no-raw-prompts-in-logs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.flows.flow_marks import Kind, Mark
from readiness.facts.flows.taint import Taint
from readiness.facts.inputs.input_flow import Flow
from readiness.facts.inputs.requests import RequestEntry, RequestFamily
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import Unit, dotted, last_name
from readiness.facts.linking.values import External, Known
from readiness.facts.place import Place
from readiness.facts.privacy.knowledge import load_privacy
from readiness.facts.privacy.log_lines import LogLine, LogLines, leaves_nothing, names_no_text
from readiness.facts.records.telemetry import Tracing
from readiness.repository.tree import Role

Way = Literal["log", "debug", "flag", "trace"]
_READ = frozenset(
    {
        "messages",
        "prompt",
        "input",
        "contents",
        "inputs",
        "system",
        "user_prompt",
        "instructions",
        "question",
        "query",
        "text",
        "texts",
    }
)
_SWITCHING = frozenset(
    {"set_debug", "set_verbose", "_turn_on_debug", "set_global_handler", "create_engine", "create_async_engine"}
)
_WRITTEN = frozenset(
    {"query", "question", "message", "prompt", "comment", "user_input", "user_message", "search_query"}
)
_PERSONAL = frozenset(
    {
        "email",
        "user_email",
        "email_address",
        "birthdate",
        "date_of_birth",
        "phone",
        "phone_number",
        "ssn",
        "password",
        "full_name",
    }
)
_VALIDATION = frozenset({"RequestValidationError", "ValidationError", "WebSocketRequestValidationError"})
_FALSE, _TRUE = ("false", "0", "no", "off"), ("true", "1", "yes", "on")
_REFUSED = "the input that a validation refused"
_CHAINS = (
    "AgentExecutor",
    "Chain",
    "initialize_agent",
    "RetrievalQA",
    "load_qa",
    "create_pandas",
    "create_csv",
    "create_sql_agent",
)


@dataclass(frozen=True, slots=True)
class LoggedText:
    """One line or setting by which texts are written down in full, or their beginning.

    `way`: "log" (at a level that is on, or printed), "debug" (at debug level), "flag" (a library logs it where a
    setting asks for it), "trace" (a service for traces keeps it unmasked).
    """

    place: Place
    text: str
    way: Way
    reachable: bool = True


def find_logged(
    core: Core, family: RequestFamily, taint: Taint | None, tracings: Iterable[Tracing], calls_models: bool
) -> list[LoggedText]:
    """What serving code writes to logs of what people and models write; nothing where no model reads text."""
    if not calls_models:
        return []
    finder = _Finder(core, family, taint)
    found: dict[Place, LoggedText] = {}
    traced = () if finder.masks_traces() else _traced(tracings)
    for one in (*finder.lines(), *finder.settings(), *traced):
        known = found.setdefault(one.place, one)
        if known.way != "log" and one.way == "log":
            found[one.place] = one
    return sorted(found.values(), key=lambda t: (t.place, t.text))


def _traced(tracings: Iterable[Tracing]) -> Iterator[LoggedText]:
    for tracing in tracings:
        if tracing.content and tracing.traced and tracing.exported and tracing.line is not None:
            yield LoggedText(tracing.line, f"{tracing.by} keeps whole prompts and answers", "trace", tracing.reachable)


class _Finder:
    def __init__(self, core: Core, family: RequestFamily, taint: Taint | None) -> None:
        self._core, self._family, self._taint = core, family, taint
        self._known = load_privacy()
        self._loud_debug = self._is_debug_shipped()
        self._prompts = self._given_to_models()

    # -- lines -----------------------------------------------------------------------------------------------------

    def lines(self) -> Iterator[LoggedText]:
        """The log lines that write texts."""
        log_lines = LogLines(self._core, self._known)
        by_unit: dict[Unit, list[LogLine]] = {}
        for unit in self._core.serving_units():
            if self._core.imports.importable(unit):
                lines = list(log_lines.of(unit))
                if lines:
                    by_unit[unit] = lines
        flows = list(self._flows(by_unit)) if by_unit else []
        for unit, lines in by_unit.items():
            is_command = unit in self._core.started and unit not in self._core.reached
            if unit.is_module and unit not in self._core.reached:
                continue
            for line in lines:
                if is_command and line.level == "print":
                    continue  # what a command prints is what it is for
                what = next((w for piece in line.pieces if (w := self._is_text(piece, unit, flows))), "")
                if what:
                    quiet = line.level == "quiet" and not self._loud_debug
                    verb = "printed" if line.level == "print" else "logged"
                    yield LoggedText(unit.at(line.call), f"{what} is {verb}", "debug" if quiet else "log",
                                     unit in self._core.reached or what == _REFUSED)  # fmt: skip

    def _is_text(self, piece: code.Expression, unit: Unit, flows: list[Flow]) -> str:
        """What kind of text a piece of a log line is; empty where it is none."""
        name = last_name(piece).lower()
        if name in _PERSONAL:
            return f"the {name.replace('_', ' ')} of a person"
        if self._is_reduced(piece, unit):
            return ""
        if self._rejects(piece, unit):
            return _REFUSED
        if self._taint is not None and any(_is_content(m) for m in self._taint.found(piece, unit)):
            return "what a model wrote"
        if dotted(piece) and dotted(piece) in self._prompts.get(unit, ()):
            return "a prompt"
        if _is_value(piece) and any(unit in flow.names and flow.holds(piece, unit) for flow in flows):
            return "what a person wrote"
        return ""

    def _is_reduced(self, piece: code.Expression, unit: Unit) -> bool:
        """Whether a name holds what a function made that leaves nothing of the text: a length, a hash, a mask."""
        values = [b.value for b in unit.bindings.get(piece.id, ())] if isinstance(piece, code.Name) else []
        return bool(values) and all(isinstance(v, code.Call) and leaves_nothing(v, self._known) for v in values)

    def _rejects(self, piece: code.Expression, unit: Unit) -> bool:
        """`error.errors()` or `error.body` in the handler of a failed validation."""
        function = unit.function
        if function is None:
            return False
        handled = {
            p.name for p in function.parameters if p.annotation is not None and last_name(p.annotation) in _VALIDATION
        }
        for node in code.walk(piece):
            method = node.function if isinstance(node, code.Call) and node.keyword("include_input") is None else None
            read = method if isinstance(method, code.Member) and method.name == "errors" else node
            if not isinstance(read, code.Member) or not isinstance(read.base, code.Name) or read.base.id not in handled:
                continue
            if read is method or read.name == "body":
                return True
        return False

    def _given_to_models(self) -> dict[Unit, set[str]]:
        """The names under which a unit gives a model what it reads."""
        found: dict[Unit, set[str]] = {}
        for site in (*self._core.calls, *self._core.wrapped):
            if not (site.generates or site.kind in ("embed", "rerank")) or not site.is_invocation:
                continue
            for call, unit in site.runs:
                given = [*call.arguments, *(k.value for k in call.keywords if k.name in _READ)]
                for argument in given:
                    names = [dotted(part) for part in _values(argument)]
                    found.setdefault(unit, set()).update(n for n in names if n and not names_no_text(n))
        return found

    def _flows(self, logging: Collection[Unit]) -> Iterator[Flow]:
        """Where the texts of people go, field by field where they have fields; `logging` are units with log lines."""
        for request in self._family.entries:
            if request.is_page or not request.importable:
                continue
            yield from self._of_request(request)
        known = {request.entry for request in self._family.entries}
        for entry in self._core.entry_points:
            if entry.kind in ("http", "websocket") and entry.unit in logging and entry not in known:
                yield from self._beside(entry)

    def _beside(self, entry: EntryPoint) -> Iterator[Flow]:
        """Texts of an entry point that is not seen to ask a model, by their names."""
        inputs = self._family.inputs
        for one in inputs.of(entry) if entry.unit in self._core.reached else ():
            for inner in one.shape.fields if one.is_parameter else ():
                if inner.name in _WRITTEN and inner.shape.form == "text":
                    yield inputs.field_flow(one, inner.name, entry)
            if one.is_parameter and one.shape.form == "text" and one.name in _WRITTEN:
                yield inputs.flow(one, entry)

    def _of_request(self, request: RequestEntry) -> Iterator[Flow]:
        inputs, entry = self._family.inputs, request.entry
        for one, shape in request.shapes.items():
            if shape.form == "record" and one.is_parameter:
                for inner in shape.fields:
                    if inner.shape.form in ("text", "list", "record", "free") and not names_no_text(inner.name):
                        flow = inputs.field_flow(one, inner.name, entry)
                        if flow.reaches(request.calls):
                            yield flow
            elif shape.form == "text" and not names_no_text(one.name) and one.channel != "upload":
                flow = inputs.flow(one, entry)
                if flow.reaches(request.calls):
                    yield flow

    # -- traces ----------------------------------------------------------------------------------------------------

    def masks_traces(self) -> bool:
        """Whether a mask is set on the client of the traces, or a variable of the shipped settings keeps texts out."""
        settings = self._core.resolver.settings
        off = [v for n in self._known.switched_off if (v := settings.variable(n)) is not None]
        on = [v for n in self._known.hiding if (v := settings.variable(n)) is not None]
        if any(str(v.value).lower() in _FALSE for v in off) or any(str(v.value).lower() in _TRUE for v in on):
            return True
        for unit in self._core.serving_units():
            for call in unit.calls:
                for table, keyword in self._known.records:
                    given = call.keyword(keyword)
                    if given is None or (isinstance(given, code.Constant) and not given.value):
                        continue
                    values = self._core.resolver.values(call.function, unit)
                    if any(isinstance(v, External) and table.find(v.path) is not None for v in values):
                        return True
        return False

    # -- settings --------------------------------------------------------------------------------------------------

    def _is_debug_shipped(self) -> bool:
        """Whether code sets the level to DEBUG whatever is configured."""
        for unit in self._core.serving_units():
            for call in unit.calls:
                if last_name(call.function) not in ("basicConfig", "setLevel"):
                    continue
                first = call.arguments[0] if call.arguments else None
                level = call.keyword("level") or (first if last_name(call.function) == "setLevel" else None)
                plain = isinstance(level, code.Member) and level.name == "DEBUG" and not _in_branch(call, unit)
                if plain and (unit in self._core.started or unit.is_module):
                    return True
        return False

    def settings(self) -> Iterator[LoggedText]:
        """Settings by which a library logs whole requests, statements or prompts."""
        for unit in self._core.serving_units():
            if not self._core.imports.importable(unit):
                continue
            for member, binding in unit.members:
                switch = self._known.attributes.get(self._path(member, unit))
                if switch is not None and binding.value is not None:
                    yield from self._set(unit, member, binding.value, switch.what, bool(binding.block))
            for call in unit.calls:
                yield from self._of_call(call, unit)
        yield from self._chains()

    def _chains(self) -> Iterator[LoggedText]:
        """Chains and agents that print their steps."""
        steps = {step.call: step for site in self._core.calls if site.importable for step in site.value.steps}
        for step in steps.values():
            if step.unit.module.role is Role.SERVING and any(word in step.path for word in _CHAINS):
                for given in (k for k in step.call.keywords if k.name in self._known.verbose):
                    what = f"{last_name(step.call.function)} prints its steps"
                    yield from self._set(step.unit, given, given.value, what, False)

    def _of_call(self, call: code.Call, unit: Unit) -> Iterator[LoggedText]:
        name = last_name(call.function)
        if name not in _SWITCHING:
            return
        for value in self._core.resolver.values(call.function, unit):
            if not isinstance(value, External):
                continue
            switch = self._known.calls.find(value.path)
            first = call.arguments[0] if call.arguments else None
            given = first.value if isinstance(first, code.Constant) else None
            if switch is not None and switch.value in ("", given):
                on = first or code.Constant(call.line, call.line, True)
                yield from self._set(unit, call, on, switch.what, _in_branch(call, unit))
            elif self._known.echoing.find(value.path) is not None and (echo := call.keyword("echo")) is not None:
                yield from self._set(unit, echo, echo, "every statement is logged with its values (echo)", False)
            return

    def _set(
        self, unit: Unit, node: code.Node, value: code.Expression, what: str, in_branch: bool
    ) -> Iterator[LoggedText]:
        first = next(iter(self._core.resolver.values(value, unit)), None)
        if not isinstance(first, Known) or not first.value:
            return
        flagged = in_branch or not isinstance(value, code.Constant)
        yield LoggedText(
            unit.at(node), what, "flag" if flagged else "log", unit in self._core.started or unit.is_module
        )

    def _path(self, member: code.Member, unit: Unit) -> str:
        for value in self._core.resolver.values(member.base, unit):
            if isinstance(value, External):
                return f"{value.path}.{member.name}"
        return dotted(member)


def _in_branch(call: code.Call, unit: Unit) -> bool:
    return any(isinstance(above, code.If) for above in unit.enclosing(call))


def _values(argument: code.Expression) -> Iterator[code.Expression]:
    match argument:
        case code.Mapping(items=items):
            for _, value in items:
                yield from _values(value)
        case code.Sequence(items=items):
            for item in items:
                yield from _values(item)
        case code.Name() | code.Member():
            yield argument


def _is_content(mark: Mark) -> bool:
    if mark.kind in (Kind.TEXT, Kind.ARGUMENTS):
        return not any(names_no_text(step) for step in mark.path)
    return not mark.field and not mark.path


def _is_value(piece: code.Expression) -> bool:
    """Whether a value itself is written, or its beginning: what a function makes of it may be anything."""
    if isinstance(piece, code.Index):
        return isinstance(piece.key, code.Slice) and _is_value(piece.base)
    return isinstance(piece, code.Name | code.Member)
