"""Code that refuses or cuts what is too long: `if len(x) > limit: raise`, `x[:limit]`."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.linking.units import Unit

A_FEW = 100
"""Characters below which a slice takes a title or an id, and shortens no text."""

_ORDER = frozenset({">", ">=", "<", "<=", "< <", "<= <=", "<= <", "< <="})
_SIZES = frozenset({"size", "content_length", "st_size", "length", "file_size"})
_ENDING = frozenset({"abort", "stop", "exit"})


def refuses_length(unit: Unit) -> bool:
    """Whether a function raises, or answers with an error, when something is too long."""
    return any(True for _ in length_tests(unit)) or any(
        isinstance(s, code.Assert) and any(True for _ in _sizes_too_large(s.test, allowed=True))
        for s in code.walk(unit.body)
    )


def length_tests(unit: Unit, returning: bool = True) -> Iterator[tuple[code.Expression, code.Node]]:
    """(what is measured, the branch) for every test of a unit whose too-long side refuses.

    `returning`: whether leaving the unit with an answer is a refusal, as it is in a handler and is not in a helper.
    """
    for node in (*unit.parents, *unit.body):
        if isinstance(node, code.If):
            for measured in (*_refusing(node, returning), *_turning_away(node, unit)):
                if isinstance(measured, _Count):
                    yield from ((source, node) for source in _counted(measured.name, unit))
                else:
                    yield measured, node


class _Count(code.Expression):
    """A name that may hold a size; what it is the size of, its bindings tell."""

    __slots__ = ("name",)

    def __init__(self, name: code.Name) -> None:
        super().__init__(name.line, name.end_line)
        self.name = name.id


def _counted(name: str, unit: Unit) -> Iterator[code.Expression]:
    """What a name is the size of: it was bound to, or summed up from, lengths or counts of tokens."""
    for binding in unit.bindings.get(name, ()):
        if binding.value is not None:
            for node in code.walk(binding.value):
                if isinstance(node, code.Call | code.Member):
                    yield from (found for found in _measured(node) if not isinstance(found, _Count))


def _refusing(branch: code.If, returning: bool) -> Iterator[code.Expression]:
    for measured in _sizes_too_large(branch.test, allowed=False):
        if refuses(branch.body, measured, returning):
            yield measured
    for measured in _sizes_too_large(branch.test, allowed=True):
        if refuses(branch.otherwise, measured, returning):
            yield measured


def _turning_away(branch: code.If, unit: Unit) -> Iterator[code.Expression]:
    """What is measured where the too-long side only tells so, and nothing but the other side uses the value.

    Pages refuse so: `if len(text) > limit: st.error(…)`, `else: ask(text)`; they neither raise nor return.
    """
    sides = ((False, branch.body, branch.otherwise), (True, branch.otherwise, branch.body))
    for allowed, telling, using in sides:
        if not telling or not all(isinstance(s, code.Evaluate) for s in telling):
            continue
        for measured in _sizes_too_large(branch.test, allowed=allowed):
            names = _named(measured)
            if (
                _names(using) & names
                and not _names(telling) & names
                and not any(
                    isinstance(n, code.Name) and n.id in names and n.line > branch.end_line for n in unit.parents
                )
            ):
                yield measured


def _named(measured: code.Expression) -> set[str]:
    if isinstance(measured, _Count):
        return {measured.name}
    return {n.id for n in code.walk(measured) if isinstance(n, code.Name)}


def _names(statements: list[code.Statement]) -> set[str]:
    return {n.id for n in code.walk(statements) if isinstance(n, code.Name)}


def refuses(statements: list[code.Statement], measured: code.Expression | None = None, returning: bool = True) -> bool:
    """Whether a block ends what is being done: raises, aborts, or (`returning`) answers something else than what was
    measured."""
    for statement in statements:
        if isinstance(statement, code.Raise):
            return True
        if isinstance(statement, code.Return):
            return returning and (measured is None or not _mentions(statement.value, measured))
        if isinstance(statement, code.Evaluate):
            value = statement.value.value if isinstance(statement.value, code.Await) else statement.value
            if isinstance(value, code.Call) and _called(value) in _ENDING:
                return True
    return False


def _mentions(value: code.Expression | None, measured: code.Expression) -> bool:
    names = _named(measured)
    return value is not None and any(isinstance(n, code.Name) and n.id in names for n in code.walk(value))


def _sizes_too_large(test: code.Expression, allowed: bool) -> Iterator[code.Expression]:
    """What a test measures: as too large when it holds, or (`allowed`) as small enough."""
    for node in code.walk(test):
        if not isinstance(node, code.Operation) or node.operator not in _ORDER or len(node.operands) < 2:
            continue
        left, right = node.operands[0], node.operands[-1]
        large_left = node.operator.startswith(">")
        if len(node.operands) == 3:  # `1 <= len(x) <= 10`
            if allowed is _negated(test, node):
                continue
            yield from _measured(node.operands[1])
            continue
        too_large = left if large_left else right
        small_enough = right if large_left else left
        bound = small_enough if not allowed else too_large
        if _is_tiny(bound):
            continue  # `len(x) > 0` asks whether there is anything at all
        yield from _measured(small_enough if allowed else too_large)


def _negated(test: code.Expression, node: code.Expression) -> bool:
    return isinstance(test, code.Operation) and test.operator == "not" and node in test.operands


def _is_tiny(bound: code.Expression) -> bool:
    return isinstance(bound, code.Constant) and isinstance(bound.value, int | float) and bound.value <= 1


def _measured(expression: code.Expression) -> Iterator[code.Expression]:
    """The thing whose size an expression is."""
    if isinstance(expression, code.Call):
        name = _called(expression)
        if expression.arguments and (name in ("len", "int", "float") or "token" in name or _sums_sizes(expression)):
            yield expression.arguments[0]
        elif isinstance(expression.function, code.Member) and expression.function.name in ("tell", "getbuffer"):
            yield expression.function.base
    elif isinstance(expression, code.Member) and expression.name in (*_SIZES, "nbytes"):
        yield expression.base
    elif isinstance(expression, code.Name):
        yield _Count(expression)


def _sums_sizes(call: code.Call) -> bool:
    """`sum(len(part) for part in parts)`; a sum of numbers is no size."""
    return _called(call) == "sum" and any(
        (isinstance(node, code.Call) and (_called(node) == "len" or "token" in _called(node)))
        or (isinstance(node, code.Member) and node.name in _SIZES)
        for node in code.walk(call.arguments[0])
    )


def cuts(unit: Unit) -> Iterator[code.Index]:
    """Every `x[:limit]` of a unit whose bound is more than a few characters."""
    for node in unit.parents:
        if isinstance(node, code.Index) and isinstance(node.key, code.Slice) and node.key.lower is None:
            upper = node.key.upper
            from_end = isinstance(upper, code.Operation) and upper.operator == "-"
            few = isinstance(upper, code.Constant) and isinstance(upper.value, int) and upper.value < A_FEW
            if upper is not None and not from_end and not few:
                yield node


def _called(call: code.Call) -> str:
    function = call.function
    return (
        function.name if isinstance(function, code.Member) else function.id if isinstance(function, code.Name) else ""
    )
