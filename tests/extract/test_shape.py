"""What code says does not depend on its layout, and every line of it belongs to something that is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from readiness.extract.python import read_python
from readiness.extract.shape import Piece, piece_at, pieces, text_shape

TRICKY = '''\
"""A module.

	With a tab."""
import os, sys
from a import (b, c,)
from . import d as e

@app.route('/x', methods=["GET",])
@(decorated
  .by()
  .three)
def f(a, /, b: int=(2), *args: 'str', c=None, **kw) -> (None):
    """Say it with 'quotes'
      and an indent.   """
    text = 'it\\'s' "here" f'{a!r:>{b}} and {c["x"]}' "end"
    with open('x') as g, (h): pass
    with (open("x") as y, z,): pass
    try: x = 1; y = 2
    except (A, B,) as error: raise C('x') from error
    except D: pass
    else: return (1)
    finally: del (a, b), c
    if (a and
        b) or not (c): return 0XFF + 1E5 + 0x%s
    elif a: yield (1,)
    else: lambda x, *y: (x, *y)
    match a:
        case 1 | 'x': pass
        case A(b=B.C) if b: pass
        case _: pass
    while (n := next()): break
    else: await_ = [i for i in range(10) if i if not i]
    return {'a': 1, **b}, {1, 2,}, d[1:2, ::3], -1 if a else not b, a < b <= c, (yield)

class A (B, metaclass = C,):
    x: int; y: "int" = 1
    async def g(self,):
        async with a: assert (x), 'message'
        async for x, y in (await b): continue
        print(...); global z
type_ = None
''' % ("f" * 6000)  # fmt: skip


def said(source: str | bytes) -> list[tuple[str, str]]:
    module = read_python("a.py", source.encode() if isinstance(source, str) else source)
    return [(piece.place, piece.text) for piece in pieces(module)]


def formatted(folder: Path, *settings: str) -> None:
    """Reformat every file of a folder in a way of its own."""
    (folder / "ruff.toml").write_text("\n".join(settings))
    command = [Path(sys.executable).with_name("ruff"), "format", "--no-cache", "--quiet"]
    subprocess.run([*command, "--config", folder / "ruff.toml", folder], check=True, timeout=60)


STYLES = {
    "narrow": ("line-length = 60", "[format]", 'quote-style = "single"', "skip-magic-trailing-comma = true"),
    "wide": ("line-length = 300", "indent-width = 2", "[format]", 'indent-style = "tab"', 'line-ending = "cr-lf"'),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_formatter_changes_nothing(style: str, project: Path, tmp_path: Path) -> None:
    room = project / "scanner" / "readiness" / "extract"
    sources = {path.name: path.read_bytes() for path in sorted(room.glob("*.py"))}
    sources["tricky.py"] = TRICKY.encode()
    for name, source in sources.items():
        (tmp_path / name).write_bytes(source)
    formatted(tmp_path, *STYLES[style])
    changed = 0
    for name, source in sources.items():
        after = (tmp_path / name).read_bytes()
        changed += after != source
        assert said(after) == said(source), name
    assert changed > len(sources) // 2, "the formatter has left nearly everything alone, so that this shows nothing"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f(a)", "f(b)"),
        ("f(a)", "f(a,b)"),
        ("f(1)", "f('1')"),
        ("f(1)", "f(True)"),
        ("f(1)", "f(1.0)"),
        ("f(b'a')", "f('a')"),
        ("f(a=b)", "f(**b)"),
        ("f([a])", "f((a,))"),
        ("f(a.b)", "f(a[b])"),
        ("x = 1", "x += 1"),
        ("x = 1", "x: int = 1"),
        ("def f(a, *, b): pass", "def f(a, b): pass"),
        ("def f(): pass", "async def f(): pass"),
        ("@a\ndef f(): pass", "def f(): pass"),
        ("class A: pass", "class A(B): pass"),
        ("for a in b: pass", "while b: pass"),
        ("with a: pass", "with a as b: pass"),
        ("with a: f()", "f()"),
        ("try: f()\nexcept A: pass", "try: f()\nexcept A: raise"),
        ("try: f()\nexcept A: pass", "try: f()\nexcept: pass"),
        ("try: f()\nfinally: g()", "try: f()\nfinally: pass\ng()"),
        ("if a: f()\nelse: g()", "if a: f()\ng()"),
        ("import a.b", "from a import b"),
        ("from a import b", "from .a import b"),
        ("f(f'{a}b')", "f(f'{a}c')"),
        ("a < b > c", "a > b < c"),
        ("match a:\n case 1: pass", "match a:\n case 2: pass"),
        ("match a:\n case _ if b: pass", "match a:\n case _ if c: pass"),
        ("'x'", "'y'"),
        ("x = 'a  b'", "x = 'a b'"),
        ("f('a', 'b')", "f('a, b')"),
    ],
)
def test_what_says_something_else_is_something_else(one: str, other: str) -> None:
    assert said(one) != said(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f('a')", 'f(  "a",\n)'),
        ("f('ab')", "f('a'\n  'b')"),
        ("f(f'a{b}c')", "f('a' f'{b}' 'c')"),
        ("del (a, b)", "del a, b"),
        ("x = (1)", "x = 1  # one"),
        ("x = 255", "x = 0xff"),
        ("def f():\n  '''Say\n  it.'''", "def f():\n      '''Say\n      it.\n      '''"),
        ("if a: b()\nelif c: d()", "if a:\n  b()\nelse:\n  if c: d()"),
        ("import a, b", "import a\nimport b"),
    ],
)
def test_what_says_the_same_is_the_same(one: str, other: str) -> None:
    assert said(one) == said(other)


def test_newer_templates_are_read_as_older_ones() -> None:
    """An older host reads the second of these by a detour."""
    assert said("f(f'x{a[\"b\"]}y')") == said('f(f"x{a["b"]}y")')
    assert said("f(f'kx{a[\"b\"]}yz')") == said('f("k" f"x{a["b"]}y" "z")')


def lines(source: str) -> list[tuple[int, int, str]]:
    found = pieces(read_python("a.py", source.encode()))
    return [(piece.line, piece.end_line, piece.text.partition("(")[0]) for piece in found]


def test_a_head_ends_before_the_first_statement_inside() -> None:
    source = """\
@a
@b(
    c
)
def f(
    x,
) -> None:
    # why
    '''Doc.'''
    with (
        g()
    ):
        @d
        def h(): pass
    try:

        x = [
            1,
        ]
    except A:
        y
    else:
        z
    if (a or
        b): c()
    match x:
        case 1:
            pass
        case _:
            pass
"""
    assert lines(source) == [
        (1, 8, "Function"), (9, 9, "Text"), (10, 12, "With"), (13, 14, "Function"), (14, 14, "Jump"), (15, 16, "Try"),
        (17, 19, "Assign"), (20, 20, "Handler"), (21, 21, "Evaluate"), (23, 23, "Evaluate"), (24, 25, "If"),
        (25, 25, "Evaluate"), (26, 26, "Switch"), (27, 27, "Case"), (28, 28, "Jump"), (30, 30, "Jump"),
    ]  # fmt: skip


def test_the_piece_at_a_line() -> None:
    source = "def f(\n    a,\n):\n    if a: return g(\n        1\n    )\n\n\nx = 1; y = 2\n"
    found = pieces(read_python("a.py", source.encode()))

    def at(line: int) -> str | None:
        piece = piece_at(found, line)
        return piece and piece.text.partition("(")[0] + str(piece.line)

    assert [at(line) for line in range(11)] == [
        None, "Function1", "Function1", "Function1", "If4", "Return4", "Return4", None, None, "Assign9", None,
    ]  # fmt: skip
    assert piece_at((), 1) is None
    assert piece_at([Piece(1, 1, "a", ""), Piece(1, 1, "b", "")], 1) == Piece(1, 1, "b", "")


def test_a_place_names_the_blocks_around() -> None:
    source = """\
class A:
    def f():
        for x in y:
            try:
                a
            except B:
                b
            else:
                c
            finally:
                d
        else:
            e
    if f:
        g
    elif h:
        i
    else:
        j
"""
    places = {text.split("'")[1]: place for place, text in said(source) if text.startswith("Evaluate(Name(")}
    assert places == {
        "a": "Class/Function/Loop/Try",
        "b": "Class/Function/Loop/Handler",
        "c": "Class/Function/Loop/Else",
        "d": "Class/Function/Loop/Finally",
        "e": "Class/Function/Else",
        "g": "Class/If",
        "i": "Class/If",
        "j": "Class/Else",
    }


def test_depth_costs_no_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can be lowered can be said, however little of the stack is left."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        deep = read_python("a.py", ("x = " + "-" * 380 + "1\n" + "f(" * 90 + ")" * 90 + "\n").encode())
        nested = read_python("a.py", "".join(" " * n + "if a:\n" for n in range(90)).encode() + b" " * 90 + b"b\n")
    finally:
        sys.setrecursionlimit(before)
    sys.setrecursionlimit(sys_depth() + 40)
    try:
        found = [pieces(deep), pieces(nested)]
    finally:
        sys.setrecursionlimit(before)
    assert [len(one) for one in found] == [2, 91]


def sys_depth() -> int:
    depth, frame = 0, sys._getframe()
    while (above := frame.f_back) is not None:
        depth, frame = depth + 1, above
    return depth


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{ 'a': [ 1, 2, ], }", '{"a": [1, 2]}'),
        ("key:   value\n", " key: value"),
        ("f(\n  a,\n)", "f(a)"),
    ],
)
def test_the_shape_of_other_texts(one: str, other: str) -> None:
    assert text_shape(one) == text_shape(other)


def test_other_texts_keep_their_words() -> None:
    assert len({text_shape(text) for text in ("a b", "ab", "a, b", "a # b", "(a) b", "a")}) == 6
