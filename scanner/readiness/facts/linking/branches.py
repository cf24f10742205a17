"""Which way does a factory go by default? Its returns, those first that the shipped settings lead to.

rules-of-evidence.md, "Several competing defaults": the one that the configuration selects, else the first in code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from readiness.extract import code
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import FunctionValue, Items, Known, Pieces, Value

if TYPE_CHECKING:
    from readiness.facts.linking.resolve import Resolver

MAX_CALLS = 2
"""Functions of the repository that a test is followed into (`if is_local(name)`)."""

_Names = Mapping[str, code.Scalar]


class Branches:
    """Works out tests by the values that hold by default; None wherever reading does not tell."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def in_order(self, unit: Unit) -> list[code.Expression]:
        """The returned expressions of a function: chosen ones, open ones, those that another setting is needed for."""
        if len(unit.returns) < 2:
            return unit.returns
        rank = {True: 0, None: 1, False: 2}
        return sorted(unit.returns, key=lambda r: rank[self._taken(r, unit)])

    def _taken(self, returned: code.Expression, unit: Unit) -> bool | None:
        told: list[bool | None] = []
        child: code.Node = returned
        for above in unit.enclosing(returned):
            if isinstance(above, code.If):
                holds = self._truth(above.test, unit, {}, 0)
                told.append(holds if child in above.body or holds is None else not holds)
            child = above
        return False if False in told else True if told and None not in told else None

    def _truth(self, test: code.Expression, unit: Unit, names: _Names, depth: int) -> bool | None:
        match test:
            case code.Operation(operator="not", operands=[operand]):
                inner = self._truth(operand, unit, names, depth)
                return None if inner is None else not inner
            case code.Operation(operator="and" | "or" as operator, operands=operands):
                each = [self._truth(o, unit, names, depth) for o in operands]
                decided = operator == "or"
                return decided if decided in each else None if None in each else not decided
            case code.Operation(operator="==" | "!=" as operator, operands=[left, right]):
                one, other = self._known(left, unit, names), self._known(right, unit, names)
                return None if one is None or other is None else (one.value == other.value) is (operator == "==")
            case code.Operation(operator="in" | "not in" as operator, operands=[left, right]):
                held = self._is_in(left, right, unit, names)
                return None if held is None else held is (operator == "in")
            case code.Call():
                return self._call(test, unit, names, depth)
            case code.Name() | code.Constant():
                known = self._known(test, unit, names)
                return None if known is None else bool(known.value)
            case _:
                return None

    def _is_in(self, left: code.Expression, right: code.Expression, unit: Unit, names: _Names) -> bool | None:
        wanted = self._known(left, unit, names)
        held = self._keys(self._resolver.values(right, unit)[0])
        return None if wanted is None or held is None else any(k.value == wanted.value for k in held)

    def _keys(self, value: Value) -> list[Known] | None:
        """What `in` looks through: the keys of a mapping, the items of a sequence, if all are written down."""
        match value:
            case Pieces(members=members):
                return list(members)
            case Items(literal=code.Mapping(items=items), unit=unit):
                keys = [self._known(k, unit, {}) if k is not None else None for k, _ in items]
            case Items(literal=code.Sequence(items=items), unit=unit):
                keys = [self._known(i, unit, {}) for i in items]
            case _:
                return None
        known = [k for k in keys if k is not None]
        return known if len(known) == len(keys) else None

    def _call(self, call: code.Call, unit: Unit, names: _Names, depth: int) -> bool | None:
        match call.function:
            case code.Member(base=base, name="startswith" | "endswith" as name) if len(call.arguments) == 1:
                text, part = self._known(base, unit, names), self._known(call.arguments[0], unit, names)
                if text is None or part is None or not isinstance(text.value, str) or not isinstance(part.value, str):
                    return None
                return text.value.startswith(part.value) if name == "startswith" else text.value.endswith(part.value)
        function = self._resolver.values(call.function, unit)[0]
        if not isinstance(function, FunctionValue) or depth >= MAX_CALLS or len(function.unit.returns) != 1:
            return None
        given = dict(self._given(call, function.unit, unit, names))
        return self._truth(function.unit.returns[0], function.unit, given, depth + 1)

    def _given(self, call: code.Call, function: Unit, unit: Unit, names: _Names) -> Iterator[tuple[str, code.Scalar]]:
        parameters = [p.name for p in function.function.parameters if p.name != "self"] if function.function else []
        pairs = [*zip(parameters, call.arguments, strict=False), *((k.name, k.value) for k in call.keywords)]
        for name, argument in pairs:
            known = self._known(argument, unit, names)
            if name is not None and known is not None:
                yield name, known.value

    def _known(self, e: code.Expression, unit: Unit, names: _Names) -> Known | None:
        """The value that an expression has by default, where it is written down."""
        if isinstance(e, code.Name) and e.id in names:
            return Known(names[e.id], (unit.module.path, e.line))
        first = self._resolver.values(e, unit)[0]
        return first if isinstance(first, Known) else None
