"""Newer Python, rewritten line for line into what an older host's `ast` can read.

A scanner on Python 3.11 must not miss a file because it says `type Reply = str`. What is rewritten: type aliases and
type parameters (PEP 695, 696), f-strings with any quotes, backslashes, comments and line breaks in their holes
(PEP 701), template strings (PEP 750), `except A, B:` (PEP 758). Every line keeps its number; columns do not. The
meaning that facts need is kept: a string the host cannot read becomes a call, `__template__("text ", (expression), …)`.

tree-sitter finds the places: it is iterative, tolerates anything, and knows the newest grammar.
"""

from __future__ import annotations

import ast
import io
import tokenize
import warnings

import tree_sitter
import tree_sitter_python

MAX_BYTES = 1024 * 1024
"""Longer sources are not rewritten; hand-written Python is far below."""

_MAX_NESTING = 40
"""How deep templates may stand in one another's holes."""

_GENERIC = frozenset({"function_definition", "class_definition"})
_STRINGS = frozenset({"string", "concatenated_string"})
_HOLES = frozenset({"interpolation", "format_expression"})
_PARSE_FAULTS = (SyntaxError, ValueError, RecursionError, MemoryError, LookupError, UnicodeError)

_Edit = tuple[int, int, bytes]


class _CannotRewrite(Exception):
    """The source is broken, or too deep."""


def downlevel(source: bytes) -> bytes | None:
    """The source in older syntax, with the same lines; None when it is too long or not Python of any version known."""
    if len(source) > MAX_BYTES:
        return None
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        plain = text.encode()
        root = tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language())).parse(plain).root_node
        rewritten = _rewrite(plain, [root], 0, len(plain), 0)
        return rewritten.decode().encode(encoding)
    except (*_PARSE_FAULTS, _CannotRewrite):
        return None


def _rewrite(source: bytes, nodes: list[tree_sitter.Node], start: int, end: int, depth: int) -> bytes:
    """The bytes from `start` to `end`, with everything newer under the given nodes rewritten."""
    if depth > _MAX_NESTING:
        raise _CannotRewrite
    edits: list[_Edit] = []
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            raise _CannotRewrite
        kind = node.type
        if kind in _STRINGS and _is_too_new(source, node):
            edits.append((node.start_byte, node.end_byte, _as_call(source, node, depth)))
            continue
        inner = node.children
        if kind == "type_alias_statement":
            edits.extend(_alias(source, node))
            right = node.child_by_field_name("right")
            inner = [right] if right is not None else []
        elif kind in _GENERIC:
            edits.extend(_parameters(source, node))
            inner = [child for child in inner if child.type != "type_parameter"]
        elif kind == "except_clause":
            edits.extend(_exceptions(node))
        stack.extend(inner)
    return _apply(source, edits, start, end)


def _apply(source: bytes, edits: list[_Edit], start: int, end: int) -> bytes:
    parts: list[bytes] = []
    at = start
    for begin, stop, replacement in sorted(edits):
        parts += (source[at:begin], replacement)
        at = stop
    parts.append(source[at:end])
    return b"".join(parts)


def _breaks(text: bytes) -> bytes:
    return b"\n" * text.count(b"\n")


def _alias(source: bytes, node: tree_sitter.Node) -> list[_Edit]:
    """`type Name[T] = value` -> `Name = value`; line breaks in the brackets move into parentheses around the value."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        raise _CannotRewrite
    name = left
    while name.type != "identifier":
        if not name.named_children:
            raise _CannotRewrite
        name = name.named_children[0]
    head = name.text or b""
    breaks = _breaks(source[node.start_byte : right.start_byte])
    if not breaks:
        return [(node.start_byte, right.start_byte, head + b" = ")]
    return [(node.start_byte, right.start_byte, head + b" = (" + breaks), (right.end_byte, right.end_byte, b")")]


def _parameters(source: bytes, node: tree_sitter.Node) -> list[_Edit]:
    """Drops `[T, …]` behind a function's or class's name; its line breaks move into the parentheses that follow."""
    children = node.children
    for index, child in enumerate(children):
        if child.type == "type_parameter":
            following = children[index + 1] if index + 1 < len(children) else None
            breaks = _breaks(source[child.start_byte : child.end_byte])
            if following is not None and following.type in ("parameters", "argument_list"):
                return [(child.start_byte, following.start_byte + 1, b"(" + breaks)]
            return [(child.start_byte, child.end_byte, b"(" + breaks + b")" if breaks else b"")]
    return []


def _exceptions(node: tree_sitter.Node) -> list[_Edit]:
    """`except A, B:` -> `except (A, B):`."""
    values = node.children_by_field_name("value")
    if len(values) < 2:
        return []
    return [(values[0].start_byte, values[0].start_byte, b"("), (values[-1].end_byte, values[-1].end_byte, b")")]


def _is_too_new(source: bytes, node: tree_sitter.Node) -> bool:
    """Whether the host cannot read this string."""
    if not any(part.type == "interpolation" or _prefix(source, part).strip(b"rb") for part in [node, *node.children]):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(b"(" + source[node.start_byte : node.end_byte] + b"\n)")
    except _PARSE_FAULTS:
        return True
    return False


def _prefix(source: bytes, string: tree_sitter.Node) -> bytes:
    """The letters before a string's opening quote, in lower case."""
    if string.type != "string" or not string.children:
        return b""
    opening = string.children[0]
    return source[opening.start_byte : opening.end_byte].rstrip(b"\"'").lower()


def _as_call(source: bytes, node: tree_sitter.Node, depth: int) -> bytes:
    """A string, or strings side by side, as a call of `__template__`."""
    strings = [node] if node.type == "string" else [child for child in node.children if child.type == "string"]
    parts: list[bytes] = []
    at = node.start_byte
    for string in strings:
        parts.append(_breaks(source[at : string.start_byte]))
        parts.extend(_parts(source, string, depth))
        at = string.end_byte
    glued = node.start_byte > 0 and (source[node.start_byte - 1 : node.start_byte].isalnum())
    return (b" " if glued else b"") + b"__template__(" + b"".join(parts) + b")"


def _parts(source: bytes, string: tree_sitter.Node, depth: int) -> list[bytes]:
    opening, closing = string.children[0], string.children[-1]
    prefix = _prefix(source, string)
    quote = source[opening.start_byte : opening.end_byte][len(prefix) :]
    parts: list[bytes] = []
    at = opening.end_byte
    for hole in [child for child in string.children if child.type == "interpolation"]:
        parts.append(_text(source[at : hole.start_byte], prefix, quote))
        parts.extend(_hole(source, hole, depth))
        at = hole.end_byte
    parts.append(_text(source[at : closing.start_byte], prefix, quote))
    return parts


def _text(written: bytes, prefix: bytes, quote: bytes) -> bytes:
    """The literal text between two holes, as an argument that spans as many lines."""
    if not written:
        return b""
    body = written
    if b"f" in prefix or b"t" in prefix:
        body = body.replace(b"{{", b"{").replace(b"}}", b"}")
    literal = (b"r" if b"r" in prefix else b"") + quote + body + quote
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(literal.decode())
    except _PARSE_FAULTS:
        # Text that ends in its own quote or in half an escape: as written is near enough.
        value = body.decode()
    return ascii(value).encode() + _breaks(written) + b","


def _hole(source: bytes, hole: tree_sitter.Node, depth: int) -> list[bytes]:
    """`{expression!r:{width}}` as the arguments `(expression), (width),`."""
    expressions = hole.children_by_field_name("expression")
    if not expressions:
        raise _CannotRewrite
    first, last = expressions[0].start_byte, expressions[-1].end_byte
    inside = _rewrite(source, expressions, first, last, depth + 1)
    parts = [_breaks(source[hole.start_byte : first]), b"(", inside, b"),"]
    at = last
    for child in hole.children:
        if child.is_error or child.is_missing:
            raise _CannotRewrite
        if child.type == "format_specifier":
            for inner in [grandchild for grandchild in child.children if grandchild.type in _HOLES]:
                parts.append(_breaks(source[at : inner.start_byte]))
                parts.extend(_hole(source, inner, depth + 1))
                at = inner.end_byte
    parts.append(_breaks(source[at : hole.end_byte]))
    return parts
