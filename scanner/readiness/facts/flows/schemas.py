"""What an API holds a model to when it answers: a schema, JSON without one, the parameters of a tool, or nothing."""

from __future__ import annotations

from enum import StrEnum

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall, Setting
from readiness.facts.core import Core
from readiness.facts.flows.flow_sources import names_text
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import Items, Known, Value, Values

_JSON_MODES = frozenset({"json_object", "json", "application/json"})
_FREE = frozenset({"text", "auto", "none"})


class Enforcement(StrEnum):
    """What the request asks of the answer, from the least to the most."""

    NONE = "none"
    UNKNOWN = "unknown"
    JSON = "json"
    """Some JSON."""
    TOOLS = "tools"
    """One tool that the model may call: its arguments have a shape, but nothing makes the model call it."""
    SCHEMA = "schema"
    """A schema or a type, a tool the model has to call, or tools whose parameters hold the arguments that are read."""


def enforcement(core: Core, call: ModelCall, node: code.Call, unit: Unit, arguments: bool) -> Enforcement:
    """What a request asks for; of a wrapper's call, what this one passes on.

    `arguments` tells that the code reads the arguments of tool calls and no text.
    """
    schema = _setting(core, call, "schema", node, unit)
    choice = _setting(core, call, "tool_choice", node, unit)
    tools = _setting(core, call, "tools", node, unit)
    if schema.given and not names_text(schema):
        return _of_schema(schema)
    if arguments or (choice.given and tools.given):
        if choice.given and not _is_free(choice.resolved):
            return Enforcement.SCHEMA
        if arguments and tools.given:
            return Enforcement.TOOLS if _is_single(tools.resolved) else Enforcement.SCHEMA
    if schema.unresolved:
        return Enforcement.UNKNOWN
    return Enforcement.NONE


def _setting(core: Core, call: ModelCall, name: str, node: code.Call, unit: Unit) -> Setting:
    """A setting as it holds for one call of a wrapper."""
    own = call.setting(name)
    if node is call.call:
        return own
    keywords = {knob.at.partition(".")[0] for pattern in call.sdk.calls for knob in pattern.knobs.get(name, ())}
    for keyword in sorted(keywords):
        given = core.arguments.find(node, unit, keyword)
        if given is not None and given.values:
            none = all(isinstance(v, Known) and v.value is None for v in given.values)
            return Setting(not none, none, place=given.place, resolved=given.values, expression=given.expression)
    if isinstance(own.expression, code.Name) and call.unit.parameter(own.expression.id) is not None:
        return _passed(core, own.expression.id, call.unit, node, unit)
    return Setting() if own.conditional else own


def _passed(core: Core, parameter: str, wrapper: Unit, node: code.Call, unit: Unit) -> Setting:
    """What a call of a wrapper gives a parameter of it, by name or by position."""
    function = wrapper.function
    names = tuple(p.name for p in function.parameters if p.name not in ("self", "cls")) if function else ()
    given = core.arguments.find(node, unit, parameter, names)
    if given is None or (given.values and all(isinstance(v, Known) and v.value is None for v in given.values)):
        return Setting(none=given is not None)
    return Setting(given=True, place=given.place, resolved=given.values, expression=given.expression)


def _of_schema(schema: Setting) -> Enforcement:
    if schema.method:
        return Enforcement.SCHEMA
    modes = {_mode(value) for value in schema.resolved}
    if modes & _JSON_MODES:
        return Enforcement.JSON
    return Enforcement.NONE if modes and modes <= _FREE else Enforcement.SCHEMA


def _mode(value: Value) -> str:
    """The word by which a format is asked for, or empty for a schema."""
    match value:
        case Known(value=str() as word):
            return word
        case Items(literal=code.Mapping(items=items)):
            types = [v for k, v in items if isinstance(k, code.Constant) and k.value == "type"]
            kinds = [v.value for v in types if isinstance(v, code.Constant)]
            known = [k for k in kinds if k in _JSON_MODES | _FREE]
            return str(known[0]) if known else ""
        case _:
            return ""


def _is_free(values: Values) -> bool:
    return any(isinstance(v, Known) and v.value in ("auto", "none", None) for v in values)


def _is_single(values: Values) -> bool:
    literals = [v.literal for v in values if isinstance(v, Items)]
    return any(isinstance(literal, code.Sequence) and len(literal.items) == 1 for literal in literals)
