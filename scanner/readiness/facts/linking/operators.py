"""What operators and templates give: joined texts, piped runnables, simple arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from readiness.extract import code
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import (
    External,
    Instance,
    Items,
    Known,
    Pipe,
    Text,
    Unknown,
    Value,
    Values,
    Variable,
)

if TYPE_CHECKING:
    from readiness.facts.linking.resolve import Resolver

LARGEST = 1e12
"""Numbers are worked out up to this size; more is no setting."""

_RUNNABLES = ("langchain_core.", "langchain.", "langchain_classic.", "langchain_community.")
"""Packages whose base classes can be joined with `|`."""

MAX_TEXTS = 8
"""Texts that are made of one template."""


class Operators:
    """Resolves templates and operations."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def template(self, template: code.Template, unit: Unit) -> Values:
        """A template's text where all of it is known, else the text with its holes."""
        parts: list[list[Known]] = []
        for part in template.parts:
            values = self._resolver.values(part, unit)
            if not isinstance(values[0], Known) or values[0].value is None:
                return (Text(template, unit),)
            parts.append([values[0], *(v for v in values[1:] if isinstance(v, Known) and v.value not in (None, ""))])
        # Several settings of one part are several texts; of two parts that both vary nobody knows what goes with what.
        varied = [p for p in parts if len(p) > 1]
        first = Known("".join(str(p[0].value) for p in parts), (unit.module.path, template.line))
        others = varied[0][1:MAX_TEXTS] if len(varied) == 1 else []
        return (first, *(
            replace(one, value="".join(str(one.value if p is varied[0] else p[0].value) for p in parts))
            for one in others
        ))  # fmt: skip

    def _is_runnable(self, value: Value) -> bool:
        """Whether an object of the repository inherits the `|` of a library's runnables."""
        bases = self._resolver.classes.bases(value.info)[1] if isinstance(value, Instance) else ()
        return any(base.startswith(_RUNNABLES) for base in bases)

    def operation(self, e: code.Operation, unit: Unit) -> Values:
        """What an operator gives."""
        if e.operator == "or":
            found = self._resolver.each(e.operands, lambda o: self._resolver.values(o, unit))
            kept = tuple(v for v in found if not (isinstance(v, Known) and not v.value and v.value is not False))
            return tuple(sorted(kept, key=lambda v: isinstance(v, Variable | Unknown))) or found
        if e.operator == "and":
            return self._resolver.values(e.operands[-1], unit)
        if e.operator == "|":
            parts = tuple(self._resolver.values(o, unit) for o in e.operands)
            if any(isinstance(v, External | Pipe) or self._is_runnable(v) for part in parts for v in part):
                return (Pipe(parts, e, unit),)
            merged = tuple(v for part in parts for v in part if isinstance(v, Items))
            if merged:
                return merged
        if e.operator in ("+", "%"):
            left = self._resolver.values(e.operands[0], unit)[0]
            right = self._resolver.values(e.operands[-1], unit)[0]
            match e.operator, left, right:
                case "+", Known(str() as start, place), Known(str() as end):
                    return (Known(start + end, place),)
                case _, Text() | Known(str()), _:
                    return (Text(e, unit),)
        if e.operator in ("*", "-", "/", "//") and len(e.operands) <= 2:
            return self._arithmetic(e, unit)
        return (Unknown(),)

    def _arithmetic(self, e: code.Operation, unit: Unit) -> Values:
        """The result of `*`, `-`, `/` and `//` on numbers written in the repository, of bounded size."""
        numbers = [n for o in e.operands if (n := _number(self._resolver.constant(o, unit))) is not None]
        if len(numbers) != len(e.operands):
            return (Unknown(),)
        place = (unit.module.path, e.line)
        left, right = numbers[0], numbers[-1]
        if len(numbers) == 1:
            return (Known(-left if e.operator == "-" else left, place),)
        if e.operator == "*":
            return (Known(left * right, place),)
        if e.operator == "-":
            return (Known(left - right, place),)
        if not right:
            return (Unknown(),)
        return (Known(left // right if e.operator == "//" else left / right, place),)


def _number(value: code.Scalar) -> int | float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST:
        return value
    return None
