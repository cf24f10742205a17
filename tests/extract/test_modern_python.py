"""Python up to 3.14 is read by an older host, line for line."""

from __future__ import annotations

import ast
import time

import pytest

from readiness.extract.modern import downlevel

NEWER = {
    "a type alias": "type X = int\n",
    "a type alias with parameters over lines": "type X[\n  T: int = str,\n] = list[T]\nlast = 1\n",
    "a generic function": "async def f[T: (int, str) = int, *Ts, **P](a: T) -> T: ...\n",
    "a generic function over lines": "def f[\n  T,\n](\n  a, b\n): return a\nlast = 1\n",
    "a generic class": "class C[T = str](Base): ...\n",
    "a generic class over lines": "class C[\n  T\n]:\n  last = 1\n",
    "the same quotes in a hole": 'last = f"{d["k"]} {", ".join(f"{x["y"]}" for x in d)} {{text}}"\n',
    "a backslash in a hole": "last = f\"{'\\n'.join(d)}\"\n",
    "lines and a comment in a hole": 'x = f"{\n  d  # why\n  + 1\n}"\nlast = 1\n',
    "a raw f-string": 'last = rf"{d["k"]}\\d"\n',
    "strings side by side": 'x = (\n  "a"  # why\n  f"{d["k"]!r}"\n  "b"\n)\nlast = 1\n',
    "a hole in a format": 'last = f"{x:%H:%M} {d["k"]:{d["w"]}.2f}"\n',
    "a triple quoted template": 'x = f"""a\n{d["k"]:{\nd["""w"""]}}\nb"""\nlast = 1\n',
    "a template string": 'last = t"hello {name!r:>10}"\n',
    "several exceptions": "try:\n  pass\nexcept A, B:\n  last = 1\n",
    "a template glued to a word": 'last = 1 if x else"a" f"{d["k"]}"\n',
    "an awaited value": "async def f():\n  last = f'{await a['b']}'\n",
    "another encoding": '# -*- coding: latin-1 -*-\nlast = f"{d["é"]}"\n',
}


def lines_of(tree: ast.AST) -> list[tuple[str, int]]:
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return [(name.id, name.lineno) for name in names if name.id != "__template__"]


@pytest.mark.parametrize("source", NEWER.values(), ids=NEWER.keys())
def test_newer_syntax_is_read_with_its_lines(source: str) -> None:
    encoding = "latin-1" if "coding" in source else "utf-8"
    older = downlevel(source.encode(encoding))
    assert older is not None
    written = source.split("\n")
    names = lines_of(ast.parse(older, feature_version=(3, 11)))
    assert older.count(b"\n") == source.count("\n")
    assert all(name in written[line - 1] for name, line in names), names
    if "last" in source:
        assert ("last", next(number for number, line in enumerate(written, 1) if "last" in line)) in names


def test_a_template_keeps_its_text_and_its_holes() -> None:
    older = downlevel(b'x = f"say {d["k"]!r:>{w}} {{now}}\\n"\n')
    assert older is not None
    call = ast.parse(older).body[0].value  # type: ignore[attr-defined]
    assert ast.unparse(call) == r"__template__('say ', d['k'], w, ' {now}\n')"


def test_python_every_host_reads_stays_as_it_is() -> None:
    source = b"def f(a: int) -> str:\n    return f'{a:>10}' 'b'\n"
    assert downlevel(source) == source


@pytest.mark.parametrize(
    "source", [b"def f(:\n", b'x = f"{"\n', b"x = = 1\n", b"# coding: nonsense\nx = 1\n", b"\xff\xfe"]
)
def test_what_is_no_python_is_not_mended(source: bytes) -> None:
    assert downlevel(source) is None


HOSTILE = ["(" * 50_000, "x = " + "-" * 50_000 + "1", 'f"{' * 5_000, ') ] " ' * 20_000, "lambda: " * 20_000]


@pytest.mark.parametrize("source", HOSTILE, ids=lambda source: repr(source[:12]))
def test_hostile_source_ends_soon(source: str) -> None:
    began = time.monotonic()
    downlevel(source.encode())
    assert time.monotonic() - began < 10
