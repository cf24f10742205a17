"""Python is lowered completely, with its lines, whatever its age; what cannot be read safely is said to be unread."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import readiness
from readiness.extract import code
from readiness.extract.python import read_python
from readiness.extract.unread import Unread

GRAMMAR = '''"""A module that uses the whole grammar of Python 3.11."""
import a.b, c as d
from . import e
from ..f import g as h, i
from j import *
x: int = 1
y: str
x += 1; x -= 1; x *= 2; x /= 2; x //= 2; x %= 2; x **= 2; x <<= 1; x >>= 1; x |= 1; x &= 1; x ^= 1; x @= y
numbers = -x + +x - ~x * (not x)
compared = x < y <= 1 > 2 >= 3 == 4 != 5, x is y, x is not y, x in y, x not in y, x and y or 1
literals = [1, 2.0, 3j, "s", b"b", None, True, ...], {1, 2}, {"k": 1, **d}, (*x, y)
text = f"{x!r:>{y}} and {x}" "more"
part = x[1], x[1:2:3], x[:, 0]
chosen = x if y else a
chained = (d
    .b(1)
    .c(*x, k=1, **d))
found = [n for n in x if n if not n], {n for n in x}, {k: v for k, v in d}, (n async for n in x)
small = lambda p, /, q=1, *r, s, t=2, **u: p
if (walrus := x): pass
elif y: ...
else: del x, y
for m in x: break
else: pass
while x: continue
try: raise ValueError("no") from None
except (KeyError, ValueError) as error: raise
except: pass
else: pass
finally: pass
try: pass
except* OSError: pass
with open(x) as o, d: pass
assert x, "why"
@d.decorated(1)
class K(a.Base, metaclass=M):
    """A class."""
    field: int = 1
    @staticmethod
    def method(p: int, /, q: str = "q", *r: int, s: int, t=1, **u) -> str:
        """A method."""
        global z
        def inner():
            nonlocal q
            yield q
            yield from r
            return
        return inner
async def run(self):
    async for m in x: await m
    async with x as w: pass
    return [await m async for m in x]
match x:
    case 1 | "two": pass
    case None | True: pass
    case [n, *rest]: pass
    case {"k": v, **others}: pass
    case K(field=1) as k if k: pass
    case _: pass
'''
NO_SYNTAX = {"Interactive", "Expression", "FunctionType", "TypeIgnore", "Suite", "Param", "AugLoad", "AugStore",
             "Index", "ExtSlice", "Num", "Str", "Bytes", "NameConstant", "Ellipsis"}  # fmt: skip
NEWER = {"TypeAlias", "TypeVar", "ParamSpec", "TypeVarTuple", "TemplateStr", "Interpolation"}


def kinds(base: type[ast.AST]) -> set[str]:
    """The names of all kinds of syntax nodes that have no kinds below them."""
    inner = [kind for kind in base.__subclasses__() if kind.__module__ in ("ast", "_ast")]
    return {name for kind in inner for name in kinds(kind)} if inner else {base.__name__}


def lowered(source: str) -> list[code.Statement]:
    return read_python("sample.py", source.encode()).body


def only(source: str) -> code.Statement:
    (statement,) = lowered(source)
    return statement


def test_the_sample_uses_every_kind_of_syntax() -> None:
    used = {type(node).__name__ for node in ast.walk(ast.parse(GRAMMAR))}

    assert kinds(ast.AST) - used - NO_SYNTAX - NEWER == set()


def test_every_name_of_the_grammar_is_lowered_with_its_line() -> None:
    written = {(n.id, n.lineno) for n in ast.walk(ast.parse(GRAMMAR)) if isinstance(n, ast.Name)}

    assert {(n.id, n.line) for n in code.walk(lowered(GRAMMAR)) if isinstance(n, code.Name)} == written


def test_every_statement_keeps_its_first_and_last_line() -> None:
    written = {(n.lineno, n.end_lineno) for n in ast.walk(ast.parse(GRAMMAR)) if isinstance(n, ast.stmt)}

    assert {(n.line, n.end_line) for n in code.walk(lowered(GRAMMAR)) if isinstance(n, code.Statement)} == written


def test_a_call_in_a_chain_stands_where_its_own_name_stands() -> None:
    calls = [n for n in code.walk(lowered("(client\n  .chat(1)\n  .create(\n    2))\n")) if isinstance(n, code.Call)]

    assert [(c.function.name, c.line, c.end_line) for c in calls if isinstance(c.function, code.Member)] == [
        ("create", 3, 4),
        ("chat", 2, 2),
    ]


def test_a_function_says_how_each_parameter_may_be_given() -> None:
    function = only("def f(a, /, b=1, *c, d, e=2, **g): ...\n")

    assert isinstance(function, code.Function)
    assert [(p.name, p.kind, p.default is not None) for p in function.parameters] == [
        ("a", "positional", False), ("b", "either", True), ("c", "rest", False),
        ("d", "keyword", False), ("e", "keyword", True), ("g", "options", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "generates"),
    [
        ("def f():\n  yield 1\n", True),
        ("def f():\n  x = yield\n", True),
        ("def f():\n  def g():\n    yield 1\n  return g\n", False),
        ("def f():\n  return lambda: (yield)\n", False),
    ],
)
def test_a_function_is_a_generator_when_it_yields_itself(source: str, generates: bool) -> None:
    function = only(source)

    assert isinstance(function, code.Function)
    assert function.is_generator is generates


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"def f(:\n", "not valid Python, line 1"),
        (b"print 'hello'\n", "not valid Python, line 1"),
        (b"x = 1\n\0", "not valid Python"),
        (b"# coding: nonsense\nx = 1\n", "not valid Python"),
        (b"\xff\xfex\x00", "not valid Python"),
        (b"x = " + b"9" * 5000 + b"\n", "not valid Python"),
    ],
)
def test_what_is_no_python_is_unread_with_a_reason(source: bytes, reason: str) -> None:
    with pytest.raises(Unread, match=reason):
        read_python("sample.py", source)


@pytest.mark.parametrize("source", ["# coding: latin-1\nname = 'é'\n".encode("latin-1"), b"\xef\xbb\xbfx = 1\n"])
def test_another_encoding_is_read(source: bytes) -> None:
    assert len(read_python("sample.py", source).body) == 1


NESTED = {
    "parentheses": "(" * 5_000,
    "closed parentheses": "(" * 150 + "1" + ")" * 150,
    "lists": "[" * 5_000 + "]" * 5_000,
    "minus signs": "x = " + "-" * 100_000 + "1",
    "nots": "x = " + "not " * 50_000 + "1",
    "sums": "x = " + "1+" * 200_000 + "1",
    "powers": "x = " + "2**" * 20_000 + "2",
    "members": "x = a" + ".b" * 100_000,
    "items": "x = a" + "[0]" * 50_000,
    "calls": "x = f" + "()" * 50_000,
    "calls inside calls": "x = " + "f(" * 5_000 + ")" * 5_000,
    "branches": "if a: pass\n" + "elif a: pass\n" * 20_000,
    "choices": "x = " + "1 if a else " * 20_000 + "1",
    "lambdas": "x = " + "lambda: " * 20_000 + "1",
    "templates": "x = " + 'f"{' * 500 + "}" * 500,
    "blocks": "".join(" " * depth + "if a:\n" for depth in range(99)) + " " * 99 + "pass\n",
    "comparisons": "x = " + "1 < " * 50_000 + "1",
}


@pytest.mark.parametrize("source", NESTED.values(), ids=NESTED.keys())
def test_hostile_nesting_is_read_or_unread_soon(source: str) -> None:
    began = time.monotonic()
    try:
        module = read_python("hostile.py", source.encode())
    except Unread as unread:
        assert unread.args[0].strip()
    else:
        assert sum(1 for _ in code.walk(module.body)) > 0
    assert time.monotonic() - began < 20


SERVICE = """\
    from fastapi import FastAPI
    from openai import OpenAI
    app = FastAPI()
    client = OpenAI()
    @app.post("/ask")
    def ask(text: str):
        return client.responses.create(model="gpt-4.1", input=text)
"""


def test_hostile_files_never_lose_the_run(make_repository: Callable[[Mapping[str, str]], Path]) -> None:
    shapes = ("parentheses", "minus signs", "members", "calls", "branches", "lambdas")
    files = {f"hostile/{name.replace(' ', '_')}.py": NESTED[name] for name in shapes}

    report = readiness.scan(make_repository({"main.py": SERVICE, **files}))

    assert [(c.path, c.line) for c in report.model_calls] == [("main.py", 7)]
    assert sorted(s.path for s in report.skipped) == sorted(files)
    assert all(s.reason for s in report.skipped)


NEWER_SERVICE = """\
    from openai import OpenAI

    type Answer = str | None
    type Many[T] = list[T]

    client = OpenAI()
    prompts = {"hello": "Say hello"}


    def first[T](items: list[T]) -> T:
        return items[0]


    class Box[T]:
        content: T


    def ask(name: str) -> Answer:
        return client.responses.create(
            model="gpt-4.1", input=f"{prompts["hello"]} to {", ".join([name])}\\n"
        )
"""


def test_syntax_newer_than_the_host_hides_no_model_call(
    make_repository: Callable[[Mapping[str, str]], Path],
) -> None:
    report = readiness.scan(make_repository({"main.py": NEWER_SERVICE}))

    assert [(c.path, c.line, c.model) for c in report.model_calls] == [("main.py", 19, "gpt-4.1")]
    assert report.skipped == ()
