"""A notebook's code is found again: every node has the line of the `.ipynb` file it stands in."""

from __future__ import annotations

import json

import pytest

from readiness.extract import code
from readiness.extract.notebook import read_notebook
from readiness.extract.unread import Unread


def notebook(*cells: object, indent: int | None = 1, language: str = "python") -> bytes:
    content = {"cells": cells, "metadata": {"language_info": {"name": language}}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content, indent=indent).encode()


def cell(source: object, kind: str = "code", **more: object) -> dict[str, object]:
    return {"cell_type": kind, "metadata": {}, **more, "source": source}


def calls(module: code.Module) -> dict[str, int]:
    return {
        node.function.id: node.line
        for node in code.walk(module.body)
        if isinstance(node, code.Call) and isinstance(node.function, code.Name)
    }


def test_lines_are_those_of_the_raw_file() -> None:
    raw = notebook(
        cell(["# A title\n", "no_call()"], "markdown"),
        cell(["first()\n", "\n", "if x:\n", "    second()"], outputs=[{"source": ["first()\n"], "text": ["second()"]}]),
        cell("third()\nfourth()"),
    )
    lines = raw.decode().split("\n")
    found = calls(read_notebook("a.ipynb", raw))
    assert set(found) == {"first", "second", "third", "fourth"}
    for name in ("second", "third"):
        assert f"{name}()" in lines[found[name] - 1]


def test_cells_tell_where_a_line_stands_for_a_person() -> None:
    raw = notebook(cell(["text"], "markdown"), cell(["a = 1\n", "b()"]))
    module = read_notebook("a.ipynb", raw)
    assert module.cells is not None
    assert module.cells[calls(module)["b"] - 1] == (2, 2)


def test_magics_are_no_python() -> None:
    raw = notebook(
        cell(["!pip install openai \\\n", "   httpx\n", "%load_ext dotenv\n", "files = !ls\n", "print?\n", "a()"]),
        cell(["%%bash\n", "echo $HOME | grep x"]),
        cell(["%%time\n", "b()"]),
        cell(["if x:\n", "    !ls\n", "c(y % z)"]),
    )
    assert set(calls(read_notebook("a.ipynb", raw))) == {"a", "b", "c"}


def test_malformed_cells_are_passed_over() -> None:
    raw = notebook(1, None, [], {"cell_type": "code"}, cell(None), cell(3), cell([1, "a()\n"]), cell("b()"))
    assert set(calls(read_notebook("a.ipynb", raw))) == {"a", "b"}


def test_a_notebook_on_one_line_is_read() -> None:
    raw = notebook(cell(["a()\n", "b()"]), indent=None)
    assert calls(read_notebook("a.ipynb", raw)) == {"a": 1, "b": 1}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "not a valid notebook"),
        (b"[]", "no list of cells"),
        (b"[" * 100_000, "not a valid notebook"),
        (notebook(cell("x <- 1"), language="R"), "in r, not Python"),
        (notebook(cell("a = 1"), cell(["b = 2\n", "def (:"])), "cell 2, line 2"),
    ],
    ids=["broken", "no cells", "deep", "another language", "broken code"],
)
def test_what_cannot_be_read_says_why(raw: bytes, reason: str) -> None:
    with pytest.raises(Unread, match=reason):
        read_notebook("a.ipynb", raw)
