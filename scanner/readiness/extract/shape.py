"""What code says, whatever its layout: quotes, parentheses, line breaks, trailing commas and comments change nothing.

A module is cut into pieces, one a statement; of a compound statement (`def`, `class`, `if`, `for`, `while`, `with`,
`try`, `except`, `match`, `case`) the piece is its head, and the statements inside are pieces of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from readiness.extract import code


@dataclass(slots=True, eq=False)
class _Case(code.Node):
    """One `case` of a `match`, for which the tree has no node; line 0 when it names no value."""

    values: list[code.Expression]
    guard: code.Expression | None
    body: list[code.Statement]


_INSIDE = {"body", "otherwise", "handlers", "final", "cases", "docstring", "is_generator"}
_COMPOUND = (code.Statement, code.Handler, _Case)
_FIELDS = {
    kind: tuple(
        field.name
        for field in fields(kind)
        if field.name not in ("line", "end_line") and not (issubclass(kind, _COMPOUND) and field.name in _INSIDE)
    )
    for kind in (_Case, *vars(code).values())
    if isinstance(kind, type) and issubclass(kind, code.Node)
}
"""What a node says: all its fields, but of a statement not those that tell of the statements inside it."""

_NEXT_TO_A_BRACKET = re.compile(r"(?<=[(\[{]) |,? (?=[)\]}])|,(?=[)\]}])")


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement, or the head of a compound one: its lines, what it says, and what kinds of blocks it stands in.

    `place` names the blocks from the outside in ("Class/Function/Try"): what was taken out of a `try` says the same
    as before, but elsewhere.
    """

    line: int
    end_line: int
    text: str
    place: str


def pieces(module: code.Module) -> tuple[Piece, ...]:
    """The pieces of a module, in the order of the source; iterative, so that depth costs no stack."""
    found: list[Piece] = []
    waiting: list[tuple[code.Node, str]] = [(node, "") for node in reversed(module.body)]
    while waiting:
        node, place = waiting.pop()
        inside = [(child, _join(place, name)) for name, block in _blocks(node) for child in block]
        if node.line:
            found.append(_piece(node, place, inside[0][0] if inside else None))
        waiting.extend(reversed(inside))
    return tuple(found)


def piece_at(pieces: Sequence[Piece], line: int) -> Piece | None:
    """The smallest piece that the line belongs to; of several of one size the last, which is the innermost."""
    at = [piece for piece in reversed(pieces) if piece.line <= line <= piece.end_line]
    return min(at, key=lambda piece: piece.end_line - piece.line, default=None)


def text_shape(text: str) -> str:
    """A text of another kind without its layout: white space, the kind of quotes, commas before closing brackets."""
    return _NEXT_TO_A_BRACKET.sub("", " ".join(text.replace("'", '"').split()))


def _blocks(node: code.Node) -> Iterator[tuple[str, Sequence[code.Node]]]:
    """What stands inside a statement, each block with the name of its kind; "" for what is no deeper than it."""
    match node:
        case code.If():
            chained = len(node.otherwise) == 1 and isinstance(node.otherwise[0], code.If)
            yield "If", node.body
            yield "" if chained else "Else", node.otherwise  # one more `elif` moves none of the others
        case code.Loop():
            yield "Loop", node.body
            yield "Else", node.otherwise
        case code.Try():
            yield "Try", node.body
            yield "", node.handlers
            yield "Else", node.otherwise
            yield "Finally", node.final
        case code.Switch():
            yield "", [_case(*case) for case in node.cases]
        case code.With() | code.Function() | code.Class() | code.Handler() | _Case():
            yield type(node).__name__.strip("_"), node.body


def _case(values: list[code.Expression], guard: code.Expression | None, body: list[code.Statement]) -> _Case:
    named = [*values, *([guard] if guard is not None else [])]
    line = min((value.line for value in named), default=0)
    return _Case(line, max((value.end_line for value in named), default=0), values, guard, body)


def _join(place: str, name: str) -> str:
    return f"{place}/{name}" if place and name else place or name


def _piece(node: code.Node, place: str, first: code.Node | None) -> Piece:
    """The piece of a node; `first` is the first statement inside it, before which its head ends."""
    end_line = node.end_line
    if first is not None:
        end_line = max([node.line, _start(first) - 1, *(part.end_line for part in _head(node))])
    return Piece(_start(node), end_line, _said(node), place)


def _start(node: code.Node) -> int:
    """The line that a statement begins in: for what has decorators, that of the first of them."""
    if isinstance(node, code.Function | code.Class):
        # A call's line is that of its last name, so that the first line of a decorator is to be searched.
        return min([node.line, *(part.line for decorator in node.decorators for part in code.walk(decorator))])
    return node.line


def _head(node: code.Node) -> Iterator[code.Node]:
    """The nodes that belong to the statement itself."""
    waiting: list[object] = [getattr(node, name) for name in _FIELDS[type(node)]]
    while waiting:
        part = waiting.pop()
        if isinstance(part, code.Node):
            yield part
        elif isinstance(part, list | tuple):
            waiting.extend(part)


def _said(node: code.Node) -> str:
    """A statement in one line: the names of its nodes and what is in their fields; no place, no layout."""
    said: list[str] = []
    waiting = [_plain(node)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            said.append(part)
            continue
        if isinstance(part, code.Node):
            opening, closing = f"{type(part).__name__.strip('_')}(", ")"
            inner: Sequence[object] = [getattr(part, name) for name in _FIELDS[type(part)]]
        else:
            opening, closing, inner = "[", "]", part
        said.append(opening)
        waiting.append(closing)
        for value in reversed(inner):
            waiting += [",", _plain(value)]
    return "".join(said)


def _plain(value: object) -> code.Node | Sequence[object]:
    """A node or a list in the one way in which it is told; anything else as the text that tells it."""
    match value:
        case code.Evaluate(value=code.Constant(value=str(text))):  # formatters indent docstrings anew
            return f"Text({' '.join(text.split())!r})"
        case code.Delete(targets=[code.Sequence(kind="tuple", items=targets)]):  # `del (a, b)` is `del a, b`
            return code.Delete(value.line, value.end_line, targets)
        case code.Template(parts=parts):
            return code.Template(value.line, value.end_line, _joined(parts))
        case code.Node() | list() | tuple():
            return value
        case bool():
            return str(value)
        case int():
            return f"{value:#x}"  # of any length: Python writes out only so many decimal digits
    return repr(value)


def _joined(parts: list[code.Expression]) -> list[code.Expression]:
    """The parts of a template, with texts side by side made one: it may have been written as several."""
    joined: list[code.Expression] = []
    for part in parts:
        match joined[-1:], part:
            case [code.Constant(value=str(before))], code.Constant(value=str(text)):
                joined[-1] = code.Constant(part.line, part.end_line, before + text)
            case _:
                joined.append(part)
    return joined
