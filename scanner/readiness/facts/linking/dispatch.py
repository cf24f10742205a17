"""Handlers that choose by the path themselves: `if self.path == "/chat": self.chat()` in `do_POST`."""

from __future__ import annotations

from collections.abc import Iterator

from readiness.extract import code
from readiness.facts.linking.units import ClassInfo, Unit


def dispatched(info: ClassInfo, unit: Unit) -> Iterator[tuple[str, Unit]]:
    """(route, handler) for what a method of a class answers.

    A branch that only hands a path to another method makes that method the handler (rules-of-evidence.md: the site
    is the handler function). What the method answers itself stays with it; without any route its name stands for one.
    """
    own: list[str] = []
    handed: list[tuple[str, Unit]] = []
    for branch in (node for node in code.walk(unit.body) if isinstance(node, code.If)):
        route = next(_routes(branch.test), None)
        if route is None:
            continue
        handler = _handed(branch.body, info)
        if handler is None:
            own.append(route)
        else:
            handed.append((route, handler))
    yield from handed
    if own or not handed:
        yield (own[0] if own else unit.name), unit


def _routes(test: code.Expression) -> Iterator[str]:
    """The paths that a test compares something with."""
    for node in code.walk(test):
        match node:
            case code.Operation(operator="==" | "in", operands=operands):
                yield from (path for operand in operands for n in code.walk(operand) if (path := _path(n)))
            case code.Call(function=code.Member(name="startswith"), arguments=[start, *_]) if path := _path(start):
                yield path


def _path(node: code.Node) -> str:
    match node:
        case code.Constant(value=str() as text) if text.startswith("/"):
            return text
        case _:
            return ""


def _handed(body: list[code.Statement], info: ClassInfo) -> Unit | None:
    """The method of the same class that a branch ends in, when picking its arguments is all the branch does besides."""
    if not body or not all(isinstance(s, code.Assign | code.Evaluate | code.Return) for s in body):
        return None
    called: list[Unit] = []
    for statement in body:
        value = None if isinstance(statement, code.Assign) else getattr(statement, "value", None)
        value = value.value if isinstance(value, code.Await) else value
        if value is None:
            continue
        match value:
            case code.Call(function=code.Member(base=code.Name(id="self"), name=name)) if (
                name in info.methods and not _answers(value)
            ):
                called.append(info.methods[name])
            case _:
                return None
    return called[0] if len(called) == 1 else None


def _answers(call: code.Call) -> bool:
    """Whether a call is given the answer itself (`self.send_json({"status": "ok"})`)."""
    given = (*call.arguments, *(k.value for k in call.keywords))
    return any(isinstance(a, code.Mapping | code.Constant | code.Template | code.Sequence) for a in given)
