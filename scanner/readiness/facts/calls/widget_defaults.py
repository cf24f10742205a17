"""What a field gives before anybody touches it: widgets of Streamlit, Gradio and Chainlit, fields that a call declares.

rules-of-evidence.md, "Site arithmetic": a site fed by several values is judged on its default, a numeric widget on
its default alone. The signatures are those of streamlit 1.58, gradio 6.1 and chainlit 2.9.
"""

from __future__ import annotations

from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.values import External, Items, Known, Value, Values


@dataclass(frozen=True, slots=True)
class _Widget:
    """Where a widget is told its default, and what it offers; a position counts only the arguments without a name."""

    value: str = "value"
    position: int = -1
    options: str = ""
    options_position: int = -1
    index: str = ""
    lowest: int = -1
    """Where the smallest number stands: it is the default of a numeric widget that has no other."""


_STREAMLIT = {
    **dict.fromkeys(("selectbox", "radio"), _Widget("", -1, "options", 1, "index")),
    **dict.fromkeys(("segmented_control", "pills"), _Widget("default", -1, "options", 1)),
    "select_slider": _Widget("value", 2, "options", 1),
    **dict.fromkeys(("slider", "number_input"), _Widget("value", 3, lowest=1)),
    **dict.fromkeys(("text_input", "text_area", "checkbox", "toggle"), _Widget("value", 1)),
}
_GRADIO = {
    **dict.fromkeys(("Dropdown", "Radio"), _Widget("value", 1, "choices", 0)),
    "Slider": _Widget("value", 2, lowest=0),
    **dict.fromkeys(("Textbox", "TextArea", "Number", "Checkbox"), _Widget("value", 0)),
}
_CHAINLIT = {
    "Select": _Widget("initial_value", -1, "values", -1, "initial_index"),
    **dict.fromkeys(("Slider", "TextInput", "NumberInput", "Switch"), _Widget("initial", 2)),
}
_FAMILIES = {"streamlit": _STREAMLIT, "gradio": _GRADIO, "chainlit": _CHAINLIT}


def shown(values: Values, resolver: Resolver) -> Values:
    """The alternatives with every widget replaced by what it gives: its default, then what else it offers.

    A call in the body of a class (`limit: int = Param(None, help="…")`) declares a field: its first argument is
    the default.
    """
    found: list[Value] = []
    for value in values:
        inner = _given(value, resolver) or _declared(value, resolver)
        found.extend(inner if inner is not None else (value,))
    return tuple(dict.fromkeys(found))


def default_expression(value: Value) -> tuple[code.Expression, External] | None:
    """The expression that gives a widget its default, with the widget; None for anything else."""
    widget = _widget(value)
    if widget is None or not isinstance(value, External):
        return None
    argument = _argument(value.steps[-1].call, widget.value, widget.position)
    return (argument, value) if argument is not None else None


def _widget(value: Value) -> _Widget | None:
    if not isinstance(value, External) or not value.steps or not value.path.endswith("()"):
        return None
    parts = value.path.removesuffix("()").split(".")
    return _FAMILIES.get(parts[0], {}).get(parts[-1])


def _given(value: Value, resolver: Resolver) -> Values | None:
    widget = _widget(value)
    if widget is None or not isinstance(value, External):
        return None
    call, unit = value.steps[-1].call, value.steps[-1].unit
    argument = _argument(call, widget.value, widget.position)
    if argument is None and widget.lowest >= 0:
        argument = _argument(call, "min_value", widget.lowest) or _argument(call, "minimum", widget.lowest)
    first = resolver.values(argument, unit) if argument is not None else ()
    options = _argument(call, widget.options, widget.options_position) if widget.options else None
    offered = _offered(resolver.values(options, unit), resolver) if options is not None else ()
    if first or not offered:
        return (*first, *offered) or None
    chosen = _argument(call, widget.index, -1) if widget.index else None
    index = (
        next((v.value for v in resolver.values(chosen, unit) if isinstance(v, Known)), 0) if chosen is not None else 0
    )
    at = index if isinstance(index, int) and 0 <= index < len(offered) else 0
    return (offered[at], *offered[:at], *offered[at + 1 :])


def _declared(value: Value, resolver: Resolver) -> Values | None:
    if not isinstance(value, External) or not value.steps:
        return None
    call, unit = value.steps[-1].call, value.steps[-1].unit
    if unit.function is not None or unit.owner is None:
        return None
    default = _argument(call, "default", 0)
    return resolver.values(default, unit) if isinstance(default, code.Constant) else None


def _argument(call: code.Call, name: str, position: int) -> code.Expression | None:
    given = call.keyword(name) if name else None
    if given is None and 0 <= position < len(call.arguments):
        given = call.arguments[position]
    return given if not isinstance(given, code.Spread) else None


def _offered(values: Values, resolver: Resolver) -> Values:
    """The single choices of a list, or of a mapping's keys."""
    found: list[Value] = []
    for value in values:
        match value:
            case Items(literal=code.Mapping(items=items), unit=unit):
                found.extend(v for key, _ in items if key is not None for v in resolver.values(key, unit))
            case Items(literal=code.Sequence(items=items), unit=unit):
                found.extend(v for item in items for v in resolver.values(item, unit))
    return tuple(v for v in found if isinstance(v, Known))
