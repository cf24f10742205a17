"""What an entry point is given from outside: parameters, bodies read by hand, messages, events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.inputs.input_flow import Flow, aliases
from readiness.facts.inputs.request_knowledge import RequestKnowledge
from readiness.facts.inputs.request_types import OPAQUE, Shape, Shapes
from readiness.facts.linking.aliases import alias_of
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import ClassValue, External, FunctionValue
from readiness.facts.place import Place

RAW_HOPS = 3
"""How far from the handler a request may be read and still be the handler's own input."""

FLOW_HOPS = 7
"""How far a value is followed: an application's own layers are fewer."""

MAX_DEPENDENCIES = 40
"""Dependencies of one handler that are looked into."""

Channel = Literal["body", "parameter", "form", "upload", "raw", "text", "event", "message"]
_BY_SIGNATURE = frozenset({"fastapi", "litestar", "bentoml", "modal", "mcp", "celery", "dramatiq", "rq", "faststream"})
_READS = frozenset(
    (  # noqa: SIM905 - words read better as words
        "json body form stream data values get_json get_data args files FILES POST media get_media "
        "bounded_stream text read post receive receive_json receive_text receive_bytes iter_json iter_text "
        "iter_bytes forms params query_params"
    ).split()
)


@dataclass(slots=True, eq=False)
class Input:
    """One value from outside. `unit` and `name` are where it comes in; `nodes` the expressions that read it by hand."""

    name: str
    channel: Channel
    shape: Shape
    unit: Unit
    place: Place
    nodes: frozenset[code.Node] = frozenset()
    nodes_in: tuple[Unit, ...] = ()
    is_parameter: bool = True
    flows: dict[tuple[int, bool], Flow] = field(default_factory=dict)
    fields: dict[tuple[str, bool], Flow] = field(default_factory=dict)

    @property
    def is_raw(self) -> bool:
        """Whether it is read by hand, in whatever shape the caller sent it."""
        return self.channel in ("raw", "event")


class Inputs:
    """Finds the inputs of entry points."""

    def __init__(self, core: Core, knowledge: RequestKnowledge) -> None:
        self._core, self._knowledge = core, knowledge
        self.shapes = Shapes(core, knowledge)
        self._reads: dict[Unit, list[tuple[code.Expression, Channel]]] = {}

    def of(self, entry: EntryPoint) -> list[Input]:
        """The inputs of an entry point that is no page of a UI framework."""
        within = self._core.reached_from(entry)
        found: list[Input] = []
        for unit in entry.units:
            if unit.function is None:
                continue
            if entry.kind == "lambda":
                found.append(self._first(unit, "event"))
            elif entry.kind == "bot":
                found.append(self._first(unit, "message"))
            elif entry.framework in _BY_SIGNATURE:
                found.extend(self._parameters(unit, entry, set()))
            members = self._knowledge.raw_members.get(entry.framework, frozenset())
            if members:
                found.extend(self._members(unit, members, within))
        found.extend(self._read(entry, within))
        return found

    def flow(self, one: Input, entry: EntryPoint, hops: int = FLOW_HOPS, direct: bool = False) -> Flow:
        """Where an input goes, so many hops from the handler at most; worked out once. `direct`: only the input itself,
        not what a store answers that is asked with it."""
        known = one.flows.get((hops, direct))
        if known is None:
            within, nodes = self.near(entry, hops), one.nodes
            if one.is_parameter:
                known = Flow(self._core, within, {one.unit: {one.name}}, direct=direct)
            else:
                known = Flow(
                    self._core,
                    within,
                    {},
                    lambda node, _: True if node in nodes else None,
                    one.nodes_in,
                    direct=direct,
                )
            one.flows[hops, direct] = known
        return known

    def whole_flow(self, one: Input, entry: EntryPoint, hops: int = FLOW_HOPS) -> Flow:
        """Where a body read by hand goes as a whole: its items alone are not followed."""

        def source(node: code.Expression, _: Unit) -> bool | None:
            return False if item_of(node) else True if node in one.nodes else None

        return Flow(self._core, self.near(entry, hops), {}, source, one.nodes_in, direct=True)

    def near(self, entry: EntryPoint, hops: int = FLOW_HOPS) -> dict[Unit, int]:
        """The units an entry point runs within so many hops."""
        return {unit: distance for unit, distance in self._core.reached_from(entry).items() if distance <= hops}

    def field_flow(self, one: Input, name: str, entry: EntryPoint, settings: bool = False) -> Flow:
        """Where one field of a record goes; with `settings`, also as a setting aside of what a model reads."""
        known = one.fields.get((name, settings))
        if known is None:
            within = self.near(entry)
            known_as = aliases(self._core, within, one.unit, one.name)
            names = {f.name for f in one.shape.fields}

            def source(node: code.Expression, unit: Unit) -> bool | None:
                own = known_as.get(unit)
                if own is None:
                    return None
                if isinstance(node, code.Member) and isinstance(node.base, code.Name) and node.base.id in own:
                    return node.name == name if node.name in names else _gives_all(node.name) or None
                if isinstance(node, code.Name) and node.id in own:
                    return True
                return None

            known = Flow(self._core, within, {}, source, known_as, frozenset() if settings else None)
            one.fields[name, settings] = known
        return known

    # -- parameters --------------------------------------------------------------------------------------------

    def _parameters(self, unit: Unit, entry: EntryPoint, seen: set[Unit]) -> Iterator[Input]:
        assert unit.function is not None
        scope = unit.parent or unit
        if unit in seen or len(seen) > MAX_DEPENDENCIES:
            return
        seen.add(unit)
        for parameter in unit.function.parameters:
            if parameter.name in ("self", "cls") or parameter.kind in ("rest", "options"):
                continue
            marker = self._marker(parameter, scope)
            if marker is not None and marker[0] in ("Depends", "Security", "Provide"):
                yield from self._injected(marker[1], marker[2], entry, seen, unit, parameter)
            elif marker is not None and marker[0] in ("Header", "Cookie"):
                continue
            elif not self._is_ambient(parameter, scope):
                shape = self.shapes.of_parameter(parameter, unit)
                channel: Channel = "upload" if shape.form == "upload" else "parameter"
                if shape.form == "list" and shape.element is not None and shape.element.form == "upload":
                    channel = "upload"
                elif shape.form in ("record", "free", "list"):
                    channel = "body"
                yield Input(parameter.name, channel, shape, unit, unit.at(parameter))

    def _injected(
        self, call: code.Call, scope: Unit, entry: EntryPoint, seen: set[Unit], unit: Unit, parameter: code.Parameter
    ) -> Iterator[Input]:
        """The inputs of a dependency: of a function, or of a class made from the query."""
        target = next(iter(call.arguments), None) or call.keyword("dependency") or parameter.annotation
        for value in self._core.resolver.values(target, scope) if target is not None else ():
            if isinstance(value, FunctionValue) and value.unit.function is not None:
                yield from (
                    i for i in self._parameters(value.unit, entry, seen) if i.shape.form not in ("opaque", "scalar")
                )
            elif isinstance(value, ClassValue) and self.shapes.is_model(value.info):
                yield Input(parameter.name, "parameter", self.shapes.record(value.info), unit, unit.at(parameter))

    def _marker(self, parameter: code.Parameter, scope: Unit) -> tuple[str, code.Call, Unit] | None:
        """What FastAPI is told about a parameter: (`Depends`, the call, where it stands), also inside `Annotated`."""
        candidates = [(parameter.default, scope)] if parameter.default is not None else []
        annotation, home = parameter.annotation, scope
        if annotation is not None:
            annotation, home = alias_of(annotation, scope, self._core.program) or (annotation, scope)
        if isinstance(annotation, code.Index) and isinstance(annotation.key, code.Sequence):
            candidates.extend((item, home) for item in annotation.key.items[1:])
        for candidate, where in candidates:
            if isinstance(candidate, code.Call):
                for value in self._core.resolver.values(candidate.function, where):
                    if isinstance(value, External) and value.path.startswith(
                        ("fastapi.", "litestar.", "fast_depends.")
                    ):
                        return value.path.rpartition(".")[2], candidate, where
        return None

    def _is_ambient(self, parameter: code.Parameter, scope: Unit) -> bool:
        if parameter.annotation is None:
            return False
        values = self._core.resolver.values(parameter.annotation, scope)
        return any(isinstance(v, External) and v.path in self._knowledge.ambient for v in values)

    def _first(self, unit: Unit, channel: Channel) -> Input:
        assert unit.function is not None
        own = [p for p in unit.function.parameters if p.name not in ("self", "cls")]
        name = own[0].name if own else ""
        return Input(name, channel, OPAQUE, unit, unit.place)

    # -- what is read by hand ----------------------------------------------------------------------------------

    def _members(self, unit: Unit, members: frozenset[str], within: Mapping[Unit, int]) -> Iterator[Input]:
        """Reads of a request object that has no annotation, by the framework the handler belongs to."""
        assert unit.function is not None
        request = next((p for p in unit.function.parameters if p.name not in ("self", "cls")), None)
        if request is None or request.annotation is not None:
            return
        nodes: set[code.Node] = set()
        units: list[Unit] = []
        for here, names in aliases(self._core, within, unit, request.name).items():
            own = {
                node
                for node in here.parents
                if isinstance(node, code.Member) and node.name in members
                and isinstance(node.base, code.Name) and node.base.id in names
            }  # fmt: skip
            if own:
                nodes |= own
                units.append(here)
        if nodes:
            first = min(nodes, key=lambda n: n.line)
            yield Input("body", "raw", OPAQUE, unit, units[0].at(first), frozenset(nodes), tuple(units), False)

    def _read(self, entry: EntryPoint, within: Mapping[Unit, int]) -> Iterator[Input]:
        """One input per way of reading: raw bodies, texts, files."""
        groups: dict[Channel, list[tuple[code.Expression, Unit]]] = {}
        for unit, hops in within.items():
            if hops <= RAW_HOPS:
                for node, channel in self._reads_of(unit):
                    groups.setdefault(channel, []).append((node, unit))
        for channel, reads in groups.items():
            node, unit = min(reads, key=lambda r: (r[1].module.path, r[0].line))
            yield Input(channel, channel, OPAQUE, unit, unit.at(node), frozenset(n for n, _ in reads),
                        tuple(dict.fromkeys(u for _, u in reads)), False)  # fmt: skip

    def _reads_of(self, unit: Unit) -> list[tuple[code.Expression, Channel]]:
        known = self._reads.get(unit)
        if known is None:
            known = self._reads[unit] = []
            for node in unit.parents:
                if isinstance(node, code.Member) and node.name in _READS:
                    for value in self._core.resolver.values(node, unit):
                        channel = self._channel(value.path) if isinstance(value, External) else None
                        if channel is not None:
                            known.append((node, channel))
                            break
        return known

    def _channel(self, path: str) -> Channel | None:
        if path in self._knowledge.raw:
            return "raw"
        if path in self._knowledge.texts:
            return "text"
        return "upload" if path in self._knowledge.files else None


def item_of(node: code.Node) -> str:
    """The key by which an expression takes an item of a mapping: `data["x"]`, `data.get("x")`; empty for others."""
    match node:
        case code.Index(key=code.Constant(value=str() as key)):
            return key
        case code.Call(function=code.Member(name="get"), arguments=[code.Constant(value=str() as key), *_]):
            return key
    return ""


def _gives_all(method: str) -> bool:
    return method in (
        "model_dump",
        "model_dump_json",
        "dict",
        "json",
        "asdict",
        "to_dict",
        "copy",
        "model_copy",
        "__dict__",
        "items",
        "values",
    )
