"""How many passages a search takes at most: a number in the code, the operator's setting, or whatever a caller asks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.governance.retrieval_knowledge import RetrievalKnowledge
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import Instance, Items, Known

_LIMIT = re.compile(r"\blimit\s+(\d+|\?|:\w+|%\(?\w*\)?s?|\$\d+|\{)|\btop\s*\(?\s*(\d+)|\bk\s*=\s*(\d+|\?|:\w+)", re.I)
_SETTINGS = re.compile(r"settings|config|options|params", re.I)
_DEPTH = 3


class Bounds:
    """Finds the number a search is given, and who decides it."""

    def __init__(self, core: Core, knowledge: RetrievalKnowledge) -> None:
        self._core, self._known = core, knowledge
        self._handlers = {u for e in core.entry_points if e.is_network and e.kind != "ui" for u in e.units}

    def of_statement(self, statement: str) -> bool:
        """Whether a statement of SQL takes only so many rows."""
        match = _LIMIT.search(statement)
        number = next((g for g in match.groups() if g), "") if match is not None else ""
        return bool(number) and (not number.isdigit() or int(number) <= self._known.largest)

    def of(self, call: code.Call, unit: Unit) -> bool:
        """Whether a search takes a bounded number of passages."""
        given = next(
            ((value, owner) for name, value, owner in self.keywords(call, unit) if name in self._known.counts), None
        )
        if given is None and len(call.arguments) > 1 and last_name(call.function) not in ("query", "search"):
            given = call.arguments[1], unit
        if given is None and len(call.arguments) == 2:  # faiss: `index.search(vector, 5)`
            given = call.arguments[1], unit
        if given is not None and self._is_bounded(*given, 0):
            return True
        cuts = (n.key for n in unit.parents if isinstance(n, code.Index) and isinstance(n.key, code.Slice))
        return any(c.lower is None and c.upper is not None and self._is_bounded(c.upper, unit, 0) for c in cuts)

    def keywords(self, call: code.Call, unit: Unit) -> Iterator[tuple[str, code.Expression, Unit]]:
        """The keywords of a call and the keys of mappings it is given, however deep they are written."""
        for keyword in call.keywords:
            if keyword.name is not None:
                yield keyword.name, keyword.value, unit
            for value in self._core.resolver.values(keyword.value, unit):
                if isinstance(value, Items) and isinstance(value.literal, code.Mapping):
                    yield from self._keys(value.literal, value.unit, 0)

    def _keys(self, mapping: code.Mapping, unit: Unit, depth: int) -> Iterator[tuple[str, code.Expression, Unit]]:
        for key, value in mapping.items:
            if isinstance(key, code.Constant) and isinstance(key.value, str):
                yield key.value, value, unit
            if isinstance(value, code.Mapping) and depth < _DEPTH:
                yield from self._keys(value, unit, depth + 1)

    def _is_bounded(self, expression: code.Expression, unit: Unit, depth: int) -> bool:
        if depth > _DEPTH:
            return False
        match expression:
            case code.Constant(value=int() as number):
                return 0 < number <= self._known.largest
            case code.Call(function=code.Name(id="min"), arguments=arguments):
                return any(self._is_bounded(a, unit, depth + 1) for a in arguments)
            case code.Call(function=code.Name(id="int" | "max"), arguments=[first, *_]):
                return self._is_bounded(first, unit, depth + 1)
            case code.Name(id=name) if unit.parameter(name) is not None:
                return self._is_bounded_parameter(name, unit, depth)
            case code.Member(base=base) if (of_request := self._of_request(base, expression.name, unit)) is not None:
                return of_request
        default = self._core.resolver.values(expression, unit)[0]
        if isinstance(default, Known):
            return str(default.value).isdigit() and int(str(default.value)) <= self._known.largest
        return isinstance(expression, code.Member) and _SETTINGS.search(_chain(expression)) is not None

    def _is_bounded_parameter(self, name: str, unit: Unit, depth: int) -> bool:
        """A parameter: what the callers pass; of a handler it is the caller's own wish, unless its type bounds it."""
        parameter = unit.parameter(name)
        assert parameter is not None
        if unit in self._handlers:
            bounds = [n for e in (parameter.default, parameter.annotation) if e is not None for n in code.walk(e)]
            return any(self._bounds(n) for n in bounds)
        given = list(self._core.resolver.classes.arguments(unit, parameter))
        if given:
            return all(self._is_bounded(argument, caller, depth + 1) for argument, caller in given)
        return parameter.default is not None and self._is_bounded(parameter.default, unit, depth + 1)

    def _bounds(self, node: code.Node) -> bool:
        """`le=20` of a Field or a Query."""
        return (
            isinstance(node, code.Keyword)
            and node.name in ("le", "lt")
            and isinstance(node.value, code.Constant)
            and isinstance(node.value.value, int)
            and node.value.value <= self._known.largest + 1
        )

    def _of_request(self, base: code.Expression, name: str, unit: Unit) -> bool | None:
        """Whether a field of a request is bounded by its type; None where it is no field of a request."""
        for value in self._core.resolver.values(base, unit):
            if not isinstance(value, Instance) or "ettings" in value.info.node.name or "onfig" in value.info.node.name:
                continue
            bases = self._core.resolver.classes.bases(value.info)[1]
            if any(b.startswith("pydantic.") and "Settings" not in b for b in bases) and value.call is None:
                fields = [
                    e for b, _ in value.info.attributes.get(name, ()) for e in (b.value, b.annotation) if e is not None
                ]
                return any(self._bounds(n) for e in fields for n in code.walk(e))
        return None


def _chain(expression: code.Expression) -> str:
    names: list[str] = []
    while isinstance(expression, code.Member):
        names.append(expression.name)
        expression = expression.base
    return ".".join([*names, last_name(expression)])
