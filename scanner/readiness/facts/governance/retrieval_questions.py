"""Small questions about expressions near a search: is this a score, a test for emptiness, a sort by relevance?"""

from __future__ import annotations

import re

from readiness.extract import code
from readiness.facts.linking.units import Unit, last_name


def is_cache(unit: Unit) -> bool:
    """A cache of answers is searched as well, and nothing that it finds goes into a prompt."""
    return "cache" in f"{unit.module.name} {unit.owner.node.name if unit.owner else ''}".lower()


def plain(name: str) -> str:
    """A name without case and underscores."""
    return name.replace("_", "").replace("-", "").lower()


def named(expression: code.Expression) -> str:
    """The last name of an expression: of a member, a key, a call."""
    match expression:
        case code.Name() | code.Member():
            return last_name(expression)
        case code.Index(key=code.Constant(value=str() as text)):
            return text
        case code.Call(function=code.Member(name="get"), arguments=[code.Constant(value=str() as text), *_]):
            return text
        case code.Call():
            return last_name(expression.function)
        case _:
            return ""


def is_best(node: code.Operation, unit: Unit) -> bool:
    """`if score > best_score`: that looks for the best one, and drops nothing."""
    return any("best" in named(o).lower() or "max" in named(o).lower() for o in node.operands)


def sorts_by_score(call: code.Call, unit: Unit, scores: re.Pattern[str]) -> bool:
    """`sorted(found, key=lambda p: -p.score)[:limit]`: what was found by one measure is put in order by another."""
    if last_name(call.function) not in ("sorted", "sort"):
        return False
    key = call.keyword("key")
    cut = any(isinstance(a, code.Index) and isinstance(a.key, code.Slice) for a in unit.enclosing(call))
    return (
        cut
        and key is not None
        and any(scores.search(named(n)) for n in code.walk(key) if isinstance(n, code.Expression))
    )


def asks_if_any(test: code.Expression, names: frozenset[str]) -> bool:
    """`not docs`, `len(docs) == 0`, `docs is None`, `if docs`, `if result.passages`."""
    match test:
        case code.Operation(operator="not", operands=[operand]):
            return asks_if_any(operand, names)
        case code.Operation(operator="and" | "or", operands=operands):
            return any(asks_if_any(o, names) for o in operands)
        case code.Operation(operator="==" | "<" | ">" | "<=" | "!=" | ">=" | "is" | "is not", operands=[left, _]):
            return (
                asks_if_any(left.arguments[0], names)
                if isinstance(left, code.Call) and last_name(left.function) == "len" and left.arguments
                else asks_if_any(left, names)
            )
        case code.Name(id=name):
            return name in names
        case code.Member(base=base) | code.Index(base=base):
            return asks_if_any(base, names)
        case code.Call(function=code.Name(id="len" | "any" | "bool"), arguments=[argument, *_]):
            return asks_if_any(argument, names)
        case _:
            return False


def is_left_out(bound: code.Expression, unit: Unit) -> bool:
    """Whether the unit goes another way where a bound is not set: `if THRESHOLD is None: return documents`."""
    name = last_name(bound)
    tests = [n.test for n in (*unit.body, *unit.parents) if isinstance(n, code.If)] if name else []
    asked = [n for t in tests for n in code.walk(t) if isinstance(n, code.Operation)]
    return any(
        n.operator in ("is", "is not", "not", "==") and any(last_name(o) == name for o in n.operands) for n in asked
    )
