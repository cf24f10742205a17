"""Source code as the facts see it: a small tree that belongs to no language.

A front end (today `python.py`) lowers its own syntax tree into these nodes; everything after it reads only them, so a
second language adds an extractor and nothing else. Nodes compare by identity: each one is a place in a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Literal as OneOf

Scalar = str | int | float | complex | bool | bytes | None


@dataclass(slots=True, eq=False)
class Node:
    """Anything with a place: `line` and `end_line` count from 1, as an editor shows them."""

    line: int
    end_line: int


class Expression(Node):
    """What has a value."""

    __slots__ = ()


class Statement(Node):
    """What is done."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Name(Expression):
    """A bare name, read: `client`."""

    id: str


@dataclass(slots=True, eq=False)
class Member(Expression):
    """A member of a value: `base.name`."""

    base: Expression
    name: str


@dataclass(slots=True, eq=False)
class Keyword(Node):
    """A named argument; `name` is None for a spread mapping (`**options`)."""

    name: str | None
    value: Expression


@dataclass(slots=True, eq=False)
class Call(Expression):
    """A call: `function(*arguments, **keywords)`."""

    function: Expression
    arguments: list[Expression]
    keywords: list[Keyword]

    def keyword(self, name: str) -> Expression | None:
        """The value given for the named argument, or None where it is not given by name."""
        return next((k.value for k in self.keywords if k.name == name), None)


@dataclass(slots=True, eq=False)
class Constant(Expression):
    """A literal other than a template: text, number, truth value, bytes, or nothing (None)."""

    value: Scalar


@dataclass(slots=True, eq=False)
class Template(Expression):
    """Text with holes (an f-string): constants and the expressions between them, in order."""

    parts: list[Expression]


@dataclass(slots=True, eq=False)
class Mapping(Expression):
    """A mapping literal; a key is None for a spread (`**other`)."""

    items: list[tuple[Expression | None, Expression]]


@dataclass(slots=True, eq=False)
class Sequence(Expression):
    """A list, tuple or set literal."""

    kind: OneOf["list", "tuple", "set"]
    items: list[Expression]


@dataclass(slots=True, eq=False)
class Index(Expression):
    """`base[key]`; a slice's key is a `Slice`."""

    base: Expression
    key: Expression


@dataclass(slots=True, eq=False)
class Slice(Expression):
    """The bounds of a slice."""

    lower: Expression | None
    upper: Expression | None


@dataclass(slots=True, eq=False)
class Operation(Expression):
    """An operator over its operands: arithmetic, comparison (`==`, `in`, `is not` …), `and`, `or`, `not`, unary `-`.

    A chained comparison `a < b < c` is one operation with operator `"< <"`.
    """

    operator: str
    operands: list[Expression]


@dataclass(slots=True, eq=False)
class Choice(Expression):
    """`then if test else otherwise`."""

    test: Expression
    then: Expression
    otherwise: Expression


@dataclass(slots=True, eq=False)
class Await(Expression):
    """`await value`."""

    value: Expression


@dataclass(slots=True, eq=False)
class Spread(Expression):
    """`*value` in an argument list or a sequence."""

    value: Expression


@dataclass(slots=True, eq=False)
class Yield(Expression):
    """`yield value`; `many` for `yield from`."""

    value: Expression | None
    many: bool


@dataclass(slots=True, eq=False)
class Bind(Expression):
    """An assignment inside an expression (`name := value`)."""

    target: Name
    value: Expression


@dataclass(slots=True, eq=False)
class Source(Node):
    """One `for target in iterable if conditions` of a comprehension."""

    target: Expression
    iterable: Expression
    conditions: list[Expression]


@dataclass(slots=True, eq=False)
class Comprehension(Expression):
    """A comprehension or generator; `key` only for mappings."""

    kind: OneOf["list", "set", "mapping", "generator"]
    key: Expression | None
    element: Expression
    sources: list[Source]


@dataclass(slots=True, eq=False)
class Lambda(Expression):
    """An unnamed function with one expression."""

    parameters: list[Parameter]
    body: Expression


@dataclass(slots=True, eq=False)
class Parameter(Node):
    """One parameter; `kind` tells how it may be given."""

    name: str
    annotation: Expression | None
    default: Expression | None
    kind: OneOf["positional", "either", "rest", "keyword", "options"]


@dataclass(slots=True, eq=False)
class Evaluate(Statement):
    """An expression for its effect."""

    value: Expression


@dataclass(slots=True, eq=False)
class Assign(Statement):
    """`targets = value`. `value` is None for a bare annotation; `operator` is set for `+=` and its like."""

    targets: list[Expression]
    value: Expression | None
    annotation: Expression | None
    operator: str | None


@dataclass(slots=True, eq=False)
class Return(Statement):
    """`return value`."""

    value: Expression | None


@dataclass(slots=True, eq=False)
class Raise(Statement):
    """`raise value from cause`; `value` is None for a bare re-raise."""

    value: Expression | None
    cause: Expression | None


@dataclass(slots=True, eq=False)
class If(Statement):
    """A branch; an `elif` is an `If` alone in `otherwise`."""

    test: Expression
    body: list[Statement]
    otherwise: list[Statement]


@dataclass(slots=True, eq=False)
class Loop(Statement):
    """A loop: `for target in subject` (`target` set) or `while subject` (`target` None)."""

    target: Expression | None
    subject: Expression
    body: list[Statement]
    otherwise: list[Statement]
    is_async: bool


@dataclass(slots=True, eq=False)
class Handler(Node):
    """One `except type as name`; `type` is None for a bare `except`."""

    type: Expression | None
    name: str | None
    body: list[Statement]


@dataclass(slots=True, eq=False)
class Try(Statement):
    """A guarded block."""

    body: list[Statement]
    handlers: list[Handler]
    otherwise: list[Statement]
    final: list[Statement]


@dataclass(slots=True, eq=False)
class With(Statement):
    """Managed contexts: (context, target or None) pairs."""

    items: list[tuple[Expression, Expression | None]]
    body: list[Statement]
    is_async: bool


@dataclass(slots=True, eq=False)
class Switch(Statement):
    """`match subject`: (values a case names, guard, body) per case; no values means the case takes anything."""

    subject: Expression
    cases: list[tuple[list[Expression], Expression | None, list[Statement]]]


@dataclass(slots=True, eq=False)
class Assert(Statement):
    """`assert test, message`."""

    test: Expression
    message: Expression | None


@dataclass(slots=True, eq=False)
class Delete(Statement):
    """`del targets`."""

    targets: list[Expression]


@dataclass(slots=True, eq=False)
class Jump(Statement):
    """`break`, `continue`, `pass`, `global` and `nonlocal`: names the last two declare."""

    kind: OneOf["break", "continue", "pass", "global", "nonlocal"]
    names: list[str]


@dataclass(slots=True, eq=False)
class Import(Statement):
    """One imported name; a star import has name "*".

    `import a.b as c` -> module "a.b", name None, alias "c"; `from ..a import b` -> module "a", name "b", level 2.
    """

    module: str
    name: str | None
    alias: str
    level: int


@dataclass(slots=True, eq=False)
class Function(Statement):
    """A function or method definition; `line` is that of `def`, not of a decorator."""

    name: str
    parameters: list[Parameter]
    returns: Expression | None
    decorators: list[Expression]
    body: list[Statement]
    is_async: bool
    is_generator: bool
    docstring: str | None


@dataclass(slots=True, eq=False)
class Class(Statement):
    """A class definition."""

    name: str
    bases: list[Expression]
    keywords: list[Keyword]
    decorators: list[Expression]
    body: list[Statement]
    docstring: str | None


@dataclass(slots=True, eq=False)
class Module:
    """One source file, or the joined code cells of a notebook: `cells` then gives (cell, line in it) of each line."""

    path: str
    body: list[Statement]
    docstring: str | None = None
    cells: list[tuple[int, int]] | None = None


def children(node: Node) -> list[Node]:
    """The nodes directly inside a node, in source order as far as its fields tell."""
    found: list[Node] = []
    for name in _FIELDS[type(node)]:
        value = getattr(node, name)
        if isinstance(value, list):
            _gather(value, found)
        elif value is not None:
            found.append(value)
    return found


def walk(nodes: Node | list[Statement]) -> Iterator[Node]:
    """Every node inside (and including) the given ones; iterative, so that depth costs no stack."""
    stack: list[Node] = nodes[::-1] if isinstance(nodes, list) else [nodes]  # type: ignore[assignment]  # a copy
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def _gather(values: Iterable[object], found: list[Node]) -> None:
    for value in values:
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, list | tuple):
            _gather(value, found)


_FIELDS = {
    kind: [f.name for f in fields(kind) if not re.fullmatch(r"int|bool|str.*|list\[str\]|Scalar|OneOf.*", str(f.type))]
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, Node)
}
"""The fields of each kind of node that can hold nodes, told by their types."""
