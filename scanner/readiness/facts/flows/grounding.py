"""Citation checks of the project's own: what the model says it rests on is held against what it was given.

check `output-guardrail`. A comparison alone is none: its verdict has to keep the answer back or to replace it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.flows.flow_marks import Kind
from readiness.facts.flows.taint import Taint
from readiness.facts.linking.units import Unit, dotted, last_name
from readiness.facts.linking.values import External, FunctionValue, Items, Known

MAX_CALLS = 2
"""Functions below the one that is asked for a verdict in which the comparison may stand."""

_CITED = re.compile(
    r"(?:^|_)(?:cit(?:e|es|ed|ing|ation|ations)|sources?|references?|refs?|quotes?|evidence)(?:_|$)", re.I
)
"""Names of what an answer says it rests on."""
_COMPARING = frozenset({"in", "not in", "<", "<=", ">", ">=", "-"})
_SETS = frozenset({"issuperset", "issubset", "isdisjoint", "difference", "intersection"})


class Grounding:
    """Finds citation checks, once per unit."""

    def __init__(self, core: Core, taint: Taint) -> None:
        self._core, self._taint = core, taint
        self._comparing: dict[Unit, bool] = {}

    def checks(self, unit: Unit) -> Iterator[tuple[code.Node, str]]:
        """The places in a unit where such a check keeps answers back, each with what does it."""
        for node in unit.blocks:
            tested = code.walk(node.test) if isinstance(node, code.If) and _replaces(node) else ()
            if any(self._compares(inner, unit) for inner in tested):
                yield node, "a citation check"
        for call in unit.calls:
            asked = self._functions(call, unit) if self._decides(call, unit) and self._is_of_answer(call, unit) else []
            if any(self._checks_inside(value.unit, MAX_CALLS) for value in asked):
                yield call, f"{dotted(call.function) or last_name(call.function)}(...)"

    def _functions(self, call: code.Call, unit: Unit) -> list[FunctionValue]:
        return [v for v in self._core.resolver.values(call.function, unit) if isinstance(v, FunctionValue)]

    def _is_of_answer(self, call: code.Call, unit: Unit) -> bool:
        given = (*call.arguments, *(k.value for k in call.keywords))
        return any(m.kind is not Kind.ARGUMENTS for a in given for m in self._taint.found(a, unit))

    def _checks_inside(self, unit: Unit, depth: int) -> bool:
        """Whether a function, or one it calls, compares citations with what was given."""
        known = self._comparing.get(unit)
        if known is None:
            self._comparing[unit] = False  # a function that calls itself says no more than it did
            known = any(self._compares(node, unit) for node in unit.parents) or (
                depth > 0
                and any(self._checks_inside(v.unit, depth - 1) for c in unit.calls for v in self._functions(c, unit))
            )
            self._comparing[unit] = known
        return known

    def _compares(self, node: code.Node, unit: Unit) -> bool:
        match node:
            case code.Operation(operator=operator, operands=[left, right]) if operator in _COMPARING:
                pass
            case code.Call(function=code.Member(base=left, name=name), arguments=[right]) if name in _SETS:
                pass
            case _:
                return False
        return any(
            self._is_cited(one, unit) and self._is_given(other, unit) for one, other in ((left, right), (right, left))
        )

    def _is_cited(self, e: code.Expression, unit: Unit) -> bool:
        """Whether an expression is what a model cites: its output, under such a name."""
        marks = [m for m in self._taint.found(e, unit) if not m.path and m.kind is not Kind.ARGUMENTS]
        inner = [n for n in code.walk(e) if isinstance(n, code.Name | code.Member)]
        names = [n.id if isinstance(n, code.Name) else n.name for n in inner]
        return any(_CITED.search(name) for m in marks for name in (m.field, *names))

    def _is_given(self, e: code.Expression, unit: Unit) -> bool:
        """Whether an expression is what the model may cite: data that is neither its own nor written in the code."""
        if not any(isinstance(n, code.Name | code.Member) for n in code.walk(e)) or self._taint.found(e, unit):
            return False
        return not all(
            isinstance(v, Known) or (isinstance(v, Items) and not isinstance(v.literal, code.Comprehension))
            or (isinstance(v, External) and "." not in v.path)
            for v in self._core.resolver.values(e, unit)
        )  # fmt: skip

    def _decides(self, call: code.Call, unit: Unit) -> bool:
        """Whether an `if` that ends the way or replaces the answer tests the verdict."""
        child: code.Node = call
        for above in unit.enclosing(call):
            match above:
                case code.If(test=test) if test is child:
                    return _replaces(above)
                case code.Assign(targets=targets):
                    names = {n.id for t in targets for n in code.walk(t) if isinstance(n, code.Name)}
                    return any(_tests(node, names) for node in unit.blocks)
                case code.Statement():
                    return False
            child = above
        return False


def _tests(node: code.Node, names: set[str]) -> bool:
    if not isinstance(node, code.If) or not _replaces(node):
        return False
    return any(isinstance(n, code.Name) and n.id in names for n in code.walk(node.test))


def _replaces(branch: code.If) -> bool:
    """Whether a branch raises, returns or gives something else its value."""
    return any(isinstance(s, code.Raise | code.Return | code.Assign) for s in branch.body)
