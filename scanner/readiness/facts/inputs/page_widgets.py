"""The widgets by which people send text and files through a page: Streamlit, Gradio, Chainlit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.inputs.input_flow import Flow, only
from readiness.facts.inputs.request_inputs import FLOW_HOPS
from readiness.facts.inputs.request_knowledge import RequestKnowledge, Widget
from readiness.facts.inputs.requests import RequestEntry
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External, FunctionValue, Items, Known, Value
from readiness.facts.place import Evidence, Place


@dataclass(slots=True, eq=False)
class Drawn:
    """One widget on a page. `limited`: its own argument bounds what it takes; `many`: it takes several files."""

    place: Place
    channel: str
    limited: bool
    many: bool
    flow: Flow | None


class Widgets:
    """Finds the widgets of a page whose content reaches a model."""

    def __init__(self, core: Core, knowledge: RequestKnowledge) -> None:
        self._core, self._knowledge = core, knowledge

    def of(self, entry: RequestEntry) -> dict[str, list[Drawn]]:
        """The widgets of a page by channel (`text`, `upload`)."""
        framework = entry.entry.framework
        if framework == "chainlit":
            drawn = [Drawn(u.place, "text", False, False, self._of_parameter(u, entry)) for u in entry.entry.units
                     if u.function is not None and u.function.parameters]  # fmt: skip
        elif framework == "gradio":
            drawn = list(self._given(entry))
        else:
            drawn = list(self._streamlit(entry))
        found: dict[str, list[Drawn]] = {}
        for channel in ("text", "upload"):
            own = [d for d in drawn if d.channel == channel]
            reaching = [d for d in own if d.flow is not None and d.flow.reaches(entry.calls)]
            if reaching or own:
                found[channel] = reaching or own
        return found

    def upload_setting(self, entry: RequestEntry) -> tuple[Evidence, bool] | None:
        """`server.maxUploadSize` of Streamlit's configuration, and whether the running app reads that file."""
        if entry.entry.framework != "streamlit":
            return None
        for path, documents in sorted(self._core.observations.documents.items()):
            if path.endswith(".streamlit/config.toml") and documents:
                value = documents[0].get("server", "maxUploadSize")
                if value is not None:
                    where = Evidence(Place(path, value.line, value.end_line), f"maxUploadSize = {value.value}")
                    return where, self._is_read(path)
        return None

    def _is_read(self, path: str) -> bool:
        """Streamlit reads the file below the folder it is started in; an image must have copied it there."""
        folder = path.removesuffix(".streamlit/config.toml").rstrip("/")
        images = [d for p, d in self._core.observations.dockerfiles.items()]
        if not images:
            return True
        for image in images:
            for instruction in image.effective(image.final):
                if instruction.name in ("COPY", "ADD"):
                    sources = [w.strip("./").rstrip("/") for w in instruction.words[:-1] if not w.startswith("--")]
                    if any(s in ("", folder) or ".streamlit" in s or s == ".streamlit" for s in sources):
                        return True
        return False

    def _near(self, entry: RequestEntry) -> dict[Unit, int]:
        return {unit: hops for unit, hops in self._core.reached_from(entry.entry).items() if hops <= FLOW_HOPS}

    # -- Streamlit ---------------------------------------------------------------------------------------------

    def _streamlit(self, entry: RequestEntry) -> Iterator[Drawn]:
        within = self._near(entry)
        for unit in within:
            for call in unit.calls:
                for value in self._core.resolver.values(call.function, unit):
                    widget = self._widget(value.path) if isinstance(value, External) else None
                    if widget is not None and not self._is_secret(call, unit):
                        flow = Flow(self._core, within, {}, only(call), [unit])
                        yield self._drawn(widget, call, unit, flow)
                        break

    def _widget(self, path: str) -> Widget | None:
        return next((w for w in self._knowledge.widgets if w.draws(path)), None)

    def _drawn(self, widget: Widget, call: code.Call, unit: Unit, flow: Flow | None) -> Drawn:
        many = call.keyword("accept_multiple_files") or call.keyword("file_count")
        is_many = many is not None and not (isinstance(many, code.Constant) and many.value in (False, "single"))
        return Drawn(unit.at(call), widget.channel, _is_set(call.keyword(widget.limit)), is_many, flow)

    def _is_secret(self, call: code.Call, unit: Unit) -> bool:
        """A field for a password or a key is no text for the model."""
        kind = call.keyword("type")
        values = self._core.resolver.values(kind, unit) if kind is not None else ()
        return any(isinstance(v, Known) and v.value == "password" for v in values)

    # -- Gradio ------------------------------------------------------------------------------------------------

    def _given(self, entry: RequestEntry) -> Iterator[Drawn]:
        """The components that events hand to the page's callbacks, each with where its content goes."""
        handlers = set(entry.entry.units)
        seen: set[tuple[Place, str]] = set()
        for unit in self._core.program.units:
            if unit.module is not entry.entry.unit.module:
                continue
            for call in unit.calls:
                function = call.keyword("fn") or next(iter(call.arguments), None)
                handler = self._handler(function, unit, handlers) if function is not None else None
                if handler is None:
                    continue
                for drawn in self._components(call, unit, handler, entry):
                    if (drawn.place, drawn.channel) not in seen:
                        seen.add((drawn.place, drawn.channel))
                        yield drawn

    def _handler(self, function: code.Expression, unit: Unit, handlers: set[Unit]) -> Unit | None:
        if not isinstance(function, code.Name | code.Member):
            return None
        for value in self._core.resolver.values(function, unit):
            if isinstance(value, FunctionValue) and value.unit in handlers:
                return value.unit
        return None

    def _components(self, call: code.Call, unit: Unit, handler: Unit, entry: RequestEntry) -> Iterator[Drawn]:
        assert handler.function is not None
        parameters = [p.name for p in handler.function.parameters if p.name not in ("self", "cls")]
        given = call.keyword("inputs") or (call.arguments[1] if len(call.arguments) > 1 else None)
        if given is None:
            if any(isinstance(v, External) and v.path.endswith("ChatInterface") for v in
                   self._core.resolver.values(call.function, unit)):  # fmt: skip
                bounded = call.keyword("textbox")
                flow = self._of_parameter(handler, entry)
                limited = bounded is not None and any(
                    self._limited(v) for v in self._core.resolver.values(bounded, unit)
                )
                yield Drawn(unit.at(call), "text", limited, False, flow)
            return
        for position, (item, owner) in enumerate(self._items(given, unit)):
            name = parameters[position] if position < len(parameters) else ""
            for value in self._core.resolver.values(item, owner):
                if isinstance(value, External) and value.steps:
                    step = value.steps[0]
                    for widget in (w for w in self._knowledge.widgets if w.draws(step.path)):
                        if not self._is_secret(step.call, step.unit):
                            yield self._drawn(widget, step.call, step.unit, self._of_name(handler, name, entry))

    def _items(self, given: code.Expression, unit: Unit) -> list[tuple[code.Expression, Unit]]:
        if isinstance(given, code.Sequence):
            return [(item, unit) for item in given.items]
        for value in self._core.resolver.values(given, unit):
            if isinstance(value, Items) and isinstance(value.literal, code.Sequence):
                return [(item, value.unit) for item in value.literal.items]
        return [(given, unit)]

    def _limited(self, value: Value) -> bool:
        return isinstance(value, External) and any(_is_set(s.call.keyword("max_length")) for s in value.steps)

    def _of_name(self, handler: Unit, name: str, entry: RequestEntry) -> Flow | None:
        return Flow(self._core, self._near(entry), {handler: {name}}) if name else None

    def _of_parameter(self, unit: Unit, entry: RequestEntry) -> Flow:
        assert unit.function is not None
        names = [p.name for p in unit.function.parameters if p.name not in ("self", "cls")][:1]
        return Flow(self._core, self._near(entry), {unit: set(names)})


def _is_set(argument: code.Expression | None) -> bool:
    return argument is not None and not (isinstance(argument, code.Constant) and argument.value is None)
