"""How large an input may be before it reaches a model, channel by channel. check input-size-limited."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.extract import code
from readiness.facts.inputs.body_limits import find_body_limits
from readiness.facts.inputs.input_flow import Flow, only
from readiness.facts.inputs.page_widgets import Drawn, Widgets
from readiness.facts.inputs.request_inputs import Input
from readiness.facts.inputs.request_types import FieldShape, Shape
from readiness.facts.inputs.requests import RequestEntry, RequestFamily
from readiness.facts.inputs.size_tests import A_FEW, cuts, length_tests
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Known
from readiness.facts.place import Evidence, Place

MAX_CUTS = 6
"""Slices of one value that are followed to the model."""

Kind = Literal["text", "list", "upload"]
Limit = Literal["field", "check", "widget", "body", "cut", "some", "none"]
_COUNTING = ("encode", "encode_ordinary", "token_counter", "count_tokens", "get_num_tokens")
_TABULAR = frozenset({"sklearn", "model-files"})
_LOGGING = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log", "print"})


@dataclass(slots=True, eq=False)
class InputChannel:
    """One way into one entry point: text, a list of things, or files.

    `limit`: "field" (the schema refuses what is too long), "check" (code on the way does), "widget" (the page does),
    "body" (only the whole request is bounded), "cut" (what is too long is shortened unsaid), "some" (one of several
    fields is bounded), or "none". `items_limited` for a list: each item is bounded or of a fixed shape. `many_files`:
    a caller may send any number of them. `where` is the code or file that sets the limit.
    """

    place: Place
    text: str
    kind: Kind
    entry: RequestEntry
    limit: Limit = "none"
    items_limited: bool = False
    many_files: bool = False
    unreached: bool = False
    """The limit stands in a file that the running service does not read."""
    where: Evidence | None = None

    @property
    def reachable(self) -> bool:
        """Whether the entry point can run at all."""
        return self.entry.reachable

    @property
    def importable(self) -> bool:
        """Whether the handler's module can be imported."""
        return self.entry.importable

    @property
    def refuses(self) -> bool:
        """Whether what is too long is refused."""
        return self.limit in ("field", "check", "widget")


def find_input_channels(family: RequestFamily) -> list[InputChannel]:
    """Every channel of every entry point that reaches a model; numbers and fixed shapes are none."""
    finder = _Channels(family)
    return [channel for entry in family.entries for channel in finder.of(entry)]


class _Channels:
    def __init__(self, family: RequestFamily) -> None:
        self._family, self._core = family, family.core
        self._bodies = find_body_limits(family.core, family.knowledge)
        self._widgets = Widgets(family.core, family.knowledge)
        self._trims: dict[Unit, list[code.Node]] = {}
        self._tests: dict[tuple[Unit, bool], list[tuple[code.Expression, code.Node]]] = {}

    def of(self, entry: RequestEntry) -> Iterator[InputChannel]:
        if entry.is_page:
            yield from self._page(entry)
            return
        texts: list[tuple[Input, FieldShape | None, Shape]] = []
        numbers = 0
        for one, shape in entry.shapes.items():
            for inner, form in self._parts(one, shape, entry):
                numbers += form.form == "scalar"
                files = form.form == "list" and form.element is not None and form.element.form == "upload"
                if files or form.form == "upload" or one.channel == "upload":
                    yield self._upload(entry, one, form)
                elif form.form == "list":
                    yield self._list(entry, one, inner, form)
                elif form.form != "scalar":
                    texts.append((one, inner, form))
        is_file = any(c.channel == "upload" for c in entry.shapes) and not any(c.generates for c in entry.calls)
        if is_file:  # the text of an indexed upload is the file; what comes with it are labels
            texts = [t for t in texts if t[0].channel != "parameter"]
        declared = [t for t in texts if t[0].channel != "text"]
        if declared:  # a query parameter that only picks what a page says is no way to the model
            read = [t for t in texts if t[0].channel == "text" and self._flow(t[0], t[1], entry).reaches(entry.calls)]
            texts = declared + read
        if texts and not _is_row(entry, numbers, [(one, form) for one, _, form in texts]):
            yield self._text(entry, texts)

    def _parts(self, one: Input, shape: Shape, entry: RequestEntry) -> list[tuple[FieldShape | None, Shape]]:
        """The channels of one input: its fields where it is a record and they reach the model, else itself."""
        if shape.form != "record":
            return [(None, shape)]
        parts = [(f, f.shape) for f in _flat(shape) if not _is_address(f)]
        if not one.is_parameter or one.shape.form != "record":
            return list(parts)
        top = {f.name for f in shape.fields}
        reaching = [(f, s) for f, s in parts if f.name not in top or self._field(one, f, entry).reaches(entry.calls)]
        if not reaching and len(parts) < len(list(_flat(shape))):
            return []  # it names what to fetch, and how
        return list(reaching or parts)

    def _field(self, one: Input, inner: FieldShape, entry: RequestEntry) -> Flow:
        return self._family.inputs.field_flow(one, inner.name, entry.entry)

    # -- requests ----------------------------------------------------------------------------------------------

    def _text(self, entry: RequestEntry, texts: list[tuple[Input, FieldShape | None, Shape]]) -> InputChannel:
        places = [inner.place if inner else one.place for one, inner, _ in texts]
        names = ", ".join(dict.fromkeys(inner.name if inner else one.name for one, inner, _ in texts))
        channel = InputChannel(places[0], f"{names} of {entry.text}", "text", entry)
        open_texts = []
        for one, inner, shape in texts:
            if shape.limited:
                channel.where = Evidence(shape.place or channel.place, "bounded by its schema")
            else:
                open_texts.append((one, inner))
        if not open_texts:
            channel.limit = "field"
            return channel
        checks = [self._checked(self._flow(one, inner, entry), entry) for one, inner in open_texts]
        if all(checks):
            channel.limit, channel.where = "check", checks[0]
            return channel
        if any(checks) or len(open_texts) < len(texts):
            channel.limit = "some"
            return channel
        flows = [self._flow(one, inner, entry) for one, inner in open_texts]
        return self._weaker(channel, flows, entry)

    def _list(self, entry: RequestEntry, one: Input, inner: FieldShape | None, shape: Shape) -> InputChannel:
        name, place = (inner.name, inner.place) if inner else (one.name, one.place)
        channel = InputChannel(
            place, f"{name} of {entry.text}", "list", entry, items_limited=_is_bounded(shape.element)
        )
        flow = self._flow(one, inner, entry)
        if shape.limited:
            channel.limit, channel.where = "field", Evidence(shape.place or place, "its number of items is bounded")
            return channel
        check = self._checked(flow, entry)
        if check is not None:
            channel.limit, channel.where = "check", check
            return channel
        return self._weaker(channel, [flow], entry)

    def _upload(self, entry: RequestEntry, one: Input, shape: Shape) -> InputChannel:
        channel = InputChannel(
            one.place,
            f"{one.name} of {entry.text}",
            "upload",
            entry,
            many_files=shape.form == "list" and not shape.limited,
        )
        check = self._checked(self._flow(one, None, entry), entry)
        if check is not None:
            channel.limit, channel.where = "check", check
            return channel
        return self._weaker(channel, [], entry)

    def _weaker(self, channel: InputChannel, flows: Iterable[Flow], entry: RequestEntry) -> InputChannel:
        """What does not refuse the text itself: a bound on the body, or cutting it on the way."""
        if self._bodies and entry.entry.kind in ("http", "websocket"):
            channel.limit, channel.where = "body", self._bodies[0]
            return channel
        cut = (self._trimmed(entry) if channel.kind != "upload" else None) or next(
            (found for flow in flows if (found := self._cut(flow, entry)) is not None), None
        )
        if cut is not None:
            channel.limit, channel.where = "cut", cut
        return channel

    def _flow(self, one: Input, inner: FieldShape | None, entry: RequestEntry) -> Flow:
        names = {f.name for f in one.shape.fields}
        if inner is not None and one.is_parameter and inner.name in names:
            return self._field(one, inner, entry)
        return self._family.inputs.flow(one, entry.entry)

    def _checked(self, flow: Flow, entry: RequestEntry) -> Evidence | None:
        """The test on the way that refuses what is too long."""
        near = self._family.inputs.near(entry.entry, 1)
        for unit in flow.units():
            for measured, node in self._tests_of(unit, unit in near):
                if flow.holds(measured, unit):
                    return Evidence(unit.at(node), "refuses what is too long")
        return None

    def _tests_of(self, unit: Unit, returning: bool) -> list[tuple[code.Expression, code.Node]]:
        """What a unit measures and refuses: (what is measured, where)."""
        known = self._tests.get((unit, returning))
        if known is None:
            known = self._tests[unit, returning] = list(length_tests(unit, returning))
            for call in unit.calls:
                if last_name(call.function) == "scan" and call.arguments and self._is(call, unit, "limiters"):
                    known.append((call.arguments[-1], call))
        return known

    def _cut(self, flow: Flow, entry: RequestEntry) -> Evidence | None:
        """Where the text is cut on its way to the model: what is left of it must get there."""
        candidates = [(n, u) for u in flow.units() for n in cuts(u) if flow.holds(n.base, u) and not _is_logged(n, u)]
        for node, unit in candidates[:MAX_CUTS]:
            if self._takes_few(node, unit):
                continue
            rest = Flow(self._core, self._family.inputs.near(entry.entry), {}, only(node), [unit])
            if rest.reaches(entry.calls):
                return Evidence(unit.at(node), "cuts what is too long")
        return None

    def _takes_few(self, cut: code.Index, unit: Unit) -> bool:
        """Whether a slice takes so little by default that it picks results (`found[:top_k]`), not text."""
        upper = cut.key.upper if isinstance(cut.key, code.Slice) else None
        bounds = self._core.resolver.values(upper, unit) if upper is not None else ()
        known = next((v.value for v in bounds if isinstance(v, Known)), None)
        return isinstance(known, int) and known < A_FEW

    def _trimmed(self, entry: RequestEntry) -> Evidence | None:
        """Token trimming where the prompt is put together."""
        for unit in self._core.reached_from(entry.entry):
            if unit not in self._trims:
                self._trims[unit] = list(self._trimming(unit))
            for node in self._trims[unit]:
                return Evidence(unit.at(node), "trims the prompt to a number of tokens")
        return None

    def _trimming(self, unit: Unit) -> Iterator[code.Node]:
        counts = False
        for call in unit.calls:
            if self._is(call, unit, "trimmers"):
                yield call
            counts = counts or (last_name(call.function).endswith(_COUNTING)
                                and self._is_counter(call, unit))  # fmt: skip
        if (
            counts
            and unit.function is not None
            and "chunk" not in unit.qualified.lower()
            and "split" not in unit.qualified.lower()
        ):
            yield from (node for node in cuts(unit))

    def _is_counter(self, call: code.Call, unit: Unit) -> bool:
        name = last_name(call.function)
        return name != "encode" or self._is(call, unit, "counters") or (
            (isinstance(call.function, code.Member) and "encod" in _spelt(call.function.base))
            or "token" in _spelt(call.function)
        )  # fmt: skip

    def _is(self, call: code.Call, unit: Unit, symbols: Literal["limiters", "trimmers", "counters"]) -> bool:
        known = getattr(self._family.knowledge, symbols)
        return any(isinstance(v, External) and v.path in known for v in self._core.resolver.values(call.function, unit))

    # -- pages -------------------------------------------------------------------------------------------------

    def _page(self, entry: RequestEntry) -> Iterator[InputChannel]:
        for kind, drawn in self._widgets.of(entry).items():
            channel = InputChannel(
                drawn[0].place, f"{kind} of {entry.text}", "text" if kind == "text" else "upload", entry
            )
            open_widgets = [d for d in drawn if not d.limited]
            channel.many_files = kind == "upload" and any(d.many for d in drawn)
            if not open_widgets:
                channel.limit, channel.where = "widget", Evidence(drawn[0].place, "bounded by its widget")
            elif all(self._on_page(d, entry) for d in open_widgets):
                channel.limit = "check"
            elif len(open_widgets) < len(drawn):
                channel.limit = "some"
            elif kind == "upload" and (setting := self._widgets.upload_setting(entry)) is not None:
                channel.limit, channel.where, channel.unreached = "widget", setting[0], not setting[1]
            elif kind == "upload" and self._bodies and entry.entry.framework == "gradio":
                channel.limit, channel.where = "widget", self._bodies[0]
            elif kind == "text" and (cut := self._trimmed(entry)) is not None:
                channel.limit, channel.where = "cut", cut
            yield channel

    def _on_page(self, drawn: Drawn, entry: RequestEntry) -> bool:
        return drawn.flow is not None and self._checked(drawn.flow, entry) is not None


def _is_row(entry: RequestEntry, numbers: int, texts: list[tuple[Input, Shape]]) -> bool:
    """Whether an estimator of tables is asked about one row: numbers, and texts that are names of categories.

    A raw body that code checks may be many rows.
    """
    if not entry.calls or not all(c.kind == "predict" and c.sdk.name in _TABULAR for c in entry.calls):
        return False
    typed = all(one.channel != "raw" and form.form == "text" for one, form in texts)
    return typed and (numbers > 0 or len(texts) > 2) and numbers + len(texts) > 2


def _is_address(inner: FieldShape) -> bool:
    """A URL is no channel of its own: what is fetched from it is."""
    return inner.shape.form == "text" and inner.name.lower().endswith(("url", "uri"))


def _flat(shape: Shape, depth: int = 0) -> Iterator[FieldShape]:
    """The fields of a record, those of records inside it as well."""
    for inner in shape.fields:
        if inner.shape.form == "record" and depth < 4:
            yield from _flat(inner.shape, depth + 1)
        else:
            yield inner


def _is_bounded(shape: Shape | None, depth: int = 0) -> bool:
    """Whether one item of a list has a fixed shape, or texts that are all bounded."""
    if shape is None or depth > 4:
        return False
    if shape.form == "record":
        return bool(shape.fields) and all(_is_bounded(f.shape, depth + 1) for f in shape.fields)
    return shape.limited or shape.form == "scalar"


def _is_logged(node: code.Node, unit: Unit) -> bool:
    return any(isinstance(n, code.Call) and last_name(n.function) in _LOGGING for n in unit.enclosing(node))


def _spelt(expression: code.Expression) -> str:
    names = [
        n.id if isinstance(n, code.Name) else n.name
        for n in code.walk(expression)
        if isinstance(n, code.Name | code.Member)
    ]
    return ".".join(names).lower()
