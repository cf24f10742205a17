"""Loops that try again by hand: what ends them, and how long they wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.failures.handling import retried_by
from readiness.facts.failures.reactions import walk
from readiness.facts.failures.resilience import Resilience, stands_for
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import Items, Known


@dataclass(frozen=True, slots=True)
class Repetition:
    """One hand-written retry loop: how many retries (None where it is no known number), and how it waits."""

    times: float | None
    growing: bool
    unbounded: bool


def repetition(
    loop: code.Loop, guarded: code.Try, unit: Unit, resolver: Resolver, known: Resilience
) -> Repetition | None:
    """What a loop around a guarded block does; None where it is no retry: a loop over items or over models, or for ever
    on purpose (`while True` in which success does not leave the loop)."""
    if retried_by(guarded, unit) is not loop:
        return None
    waits = list(sleeps_in(loop.body, unit, resolver, known))
    growing = any(_grows(wait, loop, unit) for wait in waits)
    if loop.target is not None:
        rounds = counted(loop.subject, unit, resolver)
        if rounds is None:
            return None
        return Repetition(max(rounds - 1, 0.0) if rounds >= 0 else None, growing, False)
    return Repetition(None, growing, not is_limited(loop))


def counted(subject: code.Expression, unit: Unit, resolver: Resolver) -> float | None:
    """The rounds of `for _ in range(n)` (or over a list of delays); -1 where n is not known, None for other loops."""
    if isinstance(subject, code.Call) and isinstance(subject.function, code.Name) and subject.function.id == "range":
        ends: list[float] = []
        for argument in subject.arguments[:2]:
            number = next((v.value for v in resolver.values(argument, unit) if isinstance(v, Known)), None)
            if not isinstance(number, int | float):
                return -1.0
            ends.append(float(number))
        return ends[0] if len(ends) == 1 else ends[-1] - ends[0] if ends else -1.0
    for value in resolver.values(subject, unit):
        items = value.literal.items if isinstance(value, Items) and isinstance(value.literal, code.Sequence) else []
        if items and all(isinstance(i, code.Constant) and isinstance(i.value, int | float) for i in items):
            return float(len(items))
    return None


def is_limited(loop: code.Loop) -> bool:
    """Whether a `while` ends by a counter: its test, or a branch that leaves it, compares a name the loop moves."""
    moved = {
        t.id for n in walk(loop.body) if isinstance(n, code.Assign) for t in n.targets if isinstance(t, code.Name)
        and (n.operator or _mentions(n.value, t.id))
    }  # fmt: skip
    if _compares(loop.subject, moved):
        return True
    # `hopeless = tried >= 3`, then `if hopeless or late: raise`: the comparison may have a name first.
    assigned = [n for n in walk(loop.body) if isinstance(n, code.Assign)]
    tested = [n for n in assigned if n.value is not None and _compares(n.value, moved)]
    told = {t.id for n in tested for t in n.targets if isinstance(t, code.Name)}
    for node in walk(loop.body):
        if isinstance(node, code.If) and (_compares(node.test, moved) or any(_mentions(node.test, t) for t in told)):
            for inner in walk([*node.body, *node.otherwise]):
                if isinstance(inner, code.Raise | code.Return) or (
                    isinstance(inner, code.Jump) and inner.kind == "break"
                ):
                    return True
    return False


def sleeps_in(
    statements: list[code.Statement], unit: Unit, resolver: Resolver, known: Resilience
) -> Iterator[code.Expression]:
    """What the waits in some statements are given."""
    for node in walk(statements):
        if isinstance(node, code.Call) and node.arguments and stands_for(node.function, unit, resolver, known.sleeps):
            yield node.arguments[0]


def _grows(wait: code.Expression, loop: code.Loop, unit: Unit) -> bool:
    """Whether a wait grows: a power, the loop's own variable, or a name that the loop multiplies."""
    targets = {n.id for n in code.walk(loop.target) if isinstance(n, code.Name)} if loop.target is not None else set()
    moved = {
        t.id for n in walk(loop.body) if isinstance(n, code.Assign) for t in n.targets if isinstance(t, code.Name)
        and (n.operator in ("*=", "*", "**=", "**", "<<=", "+=", "+") or _mentions(n.value, t.id))
    }  # fmt: skip
    stack: list[tuple[code.Node, int]] = [(wait, 2)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, code.Operation) and node.operator in ("**", "<<"):
            return True
        if isinstance(node, code.Name):
            if node.id in targets | moved:
                return True
            if depth:
                stack.extend((b.value, depth - 1) for b in unit.bindings.get(node.id, ()) if b.value is not None)
        stack.extend((child, depth) for child in code.children(node))
    return False


def _compares(test: code.Expression, names: set[str]) -> bool:
    for node in code.walk(test):
        compares = isinstance(node, code.Operation) and node.operator.strip()[:1] in ("<", ">", "=", "!")
        if compares and any(isinstance(n, code.Name) and n.id in names for n in code.walk(node)):
            return True
    return False


def _mentions(value: code.Expression | None, name: str) -> bool:
    return value is not None and any(isinstance(n, code.Name) and n.id == name for n in code.walk(value))
