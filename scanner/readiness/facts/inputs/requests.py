"""What each entry point that reaches a model is given, and who checks its shape (request-schema-validation)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.inputs.input_flow import Flow
from readiness.facts.inputs.openapi_shapes import body_of
from readiness.facts.inputs.request_checks import VALIDATION_HOPS, RequestChecks
from readiness.facts.inputs.request_inputs import Input, Inputs, item_of
from readiness.facts.inputs.request_knowledge import RequestKnowledge, load_requests
from readiness.facts.inputs.request_types import FREE, Shape, roles_of
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External
from readiness.facts.place import Place
from readiness.repository.tree import Role

_FRONTEND = (".html", ".htm", ".js", ".jsx", ".ts", ".tsx", ".vue", ".svelte", ".mjs")
_MODEL_ARGUMENTS = ("model", "model_name", "model_id", "deployment", "engine")
_DECODERS = frozenset({"loads", "get_json", "receive_json"})


@dataclass(slots=True, eq=False)
class RequestEntry:
    """One entry point that reaches a model, with what it is given.

    `typed` and `untyped` name the inputs that reach the model, by whether something checks their shape; `free_fields`
    are fields of typed ones that may hold anything; `chosen` are a model's name or a message's role that the caller
    may set to anything; `roles` those that the messages of a caller may take (`*` is any). `signed`: no request gets
    in without a valid signature or token of its sender.
    """

    place: Place
    text: str
    entry: EntryPoint
    calls: list[ModelCall]
    inputs: list[Input]
    reachable: bool
    importable: bool
    typed: tuple[str, ...] = ()
    untyped: tuple[str, ...] = ()
    free_fields: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    signed: bool = False
    uncalled: bool = False
    """A frontend of this repository calls other routes of the kind, and not this one."""
    shapes: dict[Input, Shape] = field(default_factory=dict)
    """The shape that holds for each input that reaches the model, after validation."""

    @property
    def is_page(self) -> bool:
        """Whether it is a page of a UI framework: its widgets type what they send."""
        return self.entry.kind == "ui"


@dataclass(slots=True)
class RequestFamily:
    """The requests, with what found them, for the families that look further into the same inputs."""

    core: Core
    knowledge: RequestKnowledge
    inputs: Inputs
    entries: list[RequestEntry]


def find_requests(core: Core) -> RequestFamily:
    """Every network entry point of serving code that reaches a model, with its inputs."""
    knowledge = load_requests()
    inputs, checks = Inputs(core, knowledge), RequestChecks(core, knowledge)
    serving = [c for c in core.calls if c.role is Role.SERVING]
    found: list[RequestEntry] = []
    for entry in core.entry_points:
        if not entry.is_network or entry.unit.module.role is not Role.SERVING:
            continue
        within = core.reached_from(entry)
        calls = [
            c for c in serving if not c.is_probe and c.inside is None and any(unit in within for _, unit in c.runs)
        ]
        if calls and not _is_adapter(core, knowledge, entry):
            importable = core.imports.importable(entry.unit)
            given = inputs.of(entry) if entry.kind != "ui" else []
            request = RequestEntry(entry.place, entry.text, entry, calls, given, True, importable)
            if entry.kind != "ui":
                _Judge(core, inputs, checks, request).run()
            found.append(request)
    _mark_uncalled(core, found)
    return RequestFamily(core, knowledge, inputs, found)


def _is_adapter(core: Core, knowledge: RequestKnowledge, entry: EntryPoint) -> bool:
    """Whether a platform's handler only hands its event to the application: the routes are the entry points."""
    return entry.kind == "lambda" and any(
        isinstance(value, External) and value.path in knowledge.adapters
        for call in entry.unit.calls
        for value in core.resolver.values(call.function, entry.unit)
    )


class _Judge:
    """Works out, for one entry point, which inputs reach the model and how each is checked."""

    def __init__(self, core: Core, inputs: Inputs, checks: RequestChecks, request: RequestEntry) -> None:
        self._core, self._inputs, self._checks, self._request = core, inputs, checks, request
        self._within = inputs.near(request.entry, VALIDATION_HOPS)
        self._answers = checks.answers(request.entry.units)

    def run(self) -> None:
        request = self._request
        candidates = [i for i in request.inputs if i.shape.form != "scalar" or i.is_raw]
        reaching = ([i for i in candidates if self._reaches(i)] if len(candidates) > 1 else []) or candidates
        decorated = any(self._checks.validating_decorator(unit) is not None for unit in request.entry.units)
        typed: list[Input] = []
        untyped: list[Input] = []
        for one in reaching:
            shape = self._shape(one, decorated)
            request.shapes[one] = shape
            (untyped if _is_free(shape) else typed).append(one)
        request.typed = tuple(i.name for i in typed)
        request.untyped = tuple(i.name for i in untyped)
        request.free_fields = tuple(dict.fromkeys(name for i in typed for name in self._free_fields(i)))
        request.chosen = tuple(dict.fromkeys(name for i in typed for name in self._chosen(i)))
        request.roles = frozenset(role for i in typed for role in roles_of(request.shapes[i]))
        request.signed = bool(untyped) and self._checks.signature(request.entry.units) is not None

    def _reaches(self, one: Input) -> bool:
        return self._inputs.flow(one, self._request.entry).reaches(self._request.calls)

    def _shape(self, one: Input, decorated: bool) -> Shape:
        """The shape of an input, or of the schema it is checked against before it is used."""
        free = one.is_raw or _is_free(one.shape)
        if not free and one.channel == "text" and self._is_decoded(one):
            free = True
        if not free:
            return one.shape
        if self._request.entry.framework == "connexion":
            promised = body_of(self._core.observations, self._request.entry.unit)
            if promised is not None and not _is_free(promised):
                return promised
        flow = self._inputs.flow(one, self._request.entry, VALIDATION_HOPS, direct=True)
        found = self._checks.validation(flow, self._within, self._answers)
        if found is not None and self._is_complete(one, flow, found[0], found[1]):
            info = found[2]
            shape = self._inputs.shapes.record(info) if info is not None else Shape("opaque")
            return shape if shape.form == "record" else Shape("opaque")
        return Shape("opaque") if decorated else FREE

    def _is_complete(self, one: Input, flow: Flow, check: code.Call, unit: Unit) -> bool:
        """Whether a check sees all of a body that is taken apart by hand, not only one of several items."""
        taken = {key for here in one.nodes_in for key in _items(here.parents, flow, here)}
        if len(taken) < 2:
            return True
        if unit in one.nodes_in:
            given = _items(code.walk(check), flow, unit)
            return not given or given >= taken
        whole = self._inputs.whole_flow(one, self._request.entry, VALIDATION_HOPS)
        return self._checks.validation(whole, self._within, self._answers) is not None

    def _is_decoded(self, one: Input) -> bool:
        """Whether a message is taken apart as JSON."""
        flow = self._inputs.flow(one, self._request.entry, VALIDATION_HOPS)
        return any(
            last_name(call.function) in _DECODERS and any(flow.holds(a, unit) for a in call.arguments)
            for unit in self._within
            for call in unit.calls
        )

    def _free_fields(self, one: Input) -> Iterator[str]:
        shape = self._request.shapes[one]
        for inner in shape.fields:
            if _is_free(inner.shape) and self._field_matters(one, inner.name):
                yield inner.name
            yield from (f"{inner.name}.{name}" for name in _nested_free(inner.shape))
        if shape.form == "list" and shape.element is not None:
            yield from _nested_free(shape.element)

    def _field_matters(self, one: Input, name: str) -> bool:
        """Whether a field reaches the model; where no field is seen to, all of them are taken to."""
        if not one.is_parameter or one.shape.form != "record":
            return True
        entry, calls = self._request.entry, self._request.calls
        if self._inputs.field_flow(one, name, entry, settings=True).reaches(calls):
            return True
        return not any(self._inputs.field_flow(one, f.name, entry).reaches(calls) for f in one.shape.fields)

    def _chosen(self, one: Input) -> Iterator[str]:
        shape = self._request.shapes[one]
        if "*" in roles_of(shape):
            yield "role"
        for inner in shape.fields:
            is_open = inner.shape.form == "text" and "model" in inner.name and one.is_parameter
            if is_open and self._selects_model(one, inner.name):
                yield inner.name

    def _selects_model(self, one: Input, name: str) -> bool:
        """Whether a field is given to something as its model, and nothing refuses names that are not listed."""
        flow = self._inputs.field_flow(one, name, self._request.entry, settings=True)
        selects = False
        for unit in self._inputs.near(self._request.entry):
            for call in unit.calls:
                for argument in _MODEL_ARGUMENTS:
                    value = call.keyword(argument)
                    selects = selects or (value is not None and flow.holds(value, unit))
            for node in unit.parents:
                if (
                    isinstance(node, code.Operation)
                    and node.operator in ("in", "not in")
                    and flow.holds(node.operands[0], unit)
                ):
                    return False
                looked_up = isinstance(node, code.Index) and not isinstance(node.key, code.Slice | code.Constant)
                if looked_up and isinstance(node, code.Index) and flow.holds(node.key, unit):
                    return False  # what is not in the table cannot be asked for
        return selects


def _is_free(shape: Shape) -> bool:
    """Whether a value may have any shape."""
    if shape.form == "list" and shape.element is not None:
        return shape.element.form == "free"
    return shape.form == "free"


def _nested_free(shape: Shape, depth: int = 0) -> list[str]:
    if depth > 4:
        return []
    inner = shape.element if shape.form == "list" else shape
    if inner is None:
        return []
    found = [f.name for f in inner.fields if _is_free(f.shape)]
    return found + [f"{f.name}.{name}" for f in inner.fields for name in _nested_free(f.shape, depth + 1)]


def _mark_uncalled(core: Core, found: list[RequestEntry]) -> None:
    """Tell the routes that the repository's own frontend leaves aside, where it calls others."""
    routes = [r for r in found if r.entry.kind in ("http", "websocket") and r.entry.route.startswith("/")]
    if len(routes) < 2:
        return
    sources = [text for path, text in core.observations.sources.items()
               if path.endswith(_FRONTEND) and core.observations.files[path].role is Role.SERVING]  # fmt: skip
    pages = {e.unit.module.path for e in core.entry_points if e.kind == "ui" and e.unit.module.role is Role.SERVING}
    sources += [core.observations.sources[path] for path in sorted(pages) if path in core.observations.sources]
    called = {id(r) for r in routes if any(_mentions(text, r.entry.route) for text in sources)}
    if called:
        for request in routes:
            request.uncalled = id(request) not in called


def _mentions(text: str, route: str) -> bool:
    fixed = route.split("{", maxsplit=1)[0].split("<", maxsplit=1)[0].rstrip("/")
    return len(fixed) > 1 and re.search(re.escape(fixed) + r"(?![\w-])", text) is not None


def _items(nodes: Iterable[code.Node], flow: Flow, unit: Unit) -> set[str]:
    """The keys by which items of a value are taken out of it."""
    found: set[str] = set()
    for node in nodes:
        key = item_of(node)
        base = node.base if isinstance(node, code.Index) else None
        if isinstance(node, code.Call) and isinstance(node.function, code.Member):
            base = node.function.base
        if key and base is not None and flow.holds(base, unit):
            found.add(key)
    return found
