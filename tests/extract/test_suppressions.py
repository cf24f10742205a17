"""Comments that accept a finding, in every language whose comments are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.extract.observe import observe
from readiness.extract.suppressions import Suppression, find_suppressions
from readiness.repository.configuration import Configuration
from readiness.repository.opening import open_repository
from readiness.repository.tree import File, Repository, Role

Make = Callable[[Mapping[str, str]], Path]


def found(root: Path) -> tuple[Suppression, ...]:
    return find_suppressions(observe(open_repository(root, Configuration())))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "x = 1  # readiness: ignore[a-b] why not"),
        ("a.yaml", "x: 1 # readiness: ignore[a-b] why not"),
        (".github/workflows/ci.yml", "- run: pytest # readiness: ignore[a-b] why not"),
        ("a.toml", "x = 1  # readiness: ignore[a-b] why not"),
        ("setup.cfg", "x = 1 ; readiness: ignore[a-b] why not"),
        (".env.example", "X=1 # readiness: ignore[a-b] why not"),
        ("Dockerfile", "RUN true # readiness: ignore[a-b] why not"),
        ("requirements.txt", "flask # readiness: ignore[a-b] why not"),
        ("Makefile", "all: # readiness: ignore[a-b] why not"),
        ("run.sh", "true # readiness: ignore[a-b] why not"),
        ("main.tf", "x = 1 // readiness: ignore[a-b] why not"),
        ("app.ts", "call() // readiness: ignore[a-b] why not"),
        ("style.css", "p {} /* readiness: ignore[a-b] why not */"),
        ("q.sql", "select 1 -- readiness: ignore[a-b] why not"),
        ("README.md", "Text <!-- readiness: ignore[a-b] why not -->"),
        ("page.html", "<p> <!-- readiness: ignore[a-b] why not -->"),
        ("prompt.j2", "Answer. {# readiness: ignore[a-b] why not #}"),
        ("prompt.hbs", "Answer. {{!-- readiness: ignore[a-b] why not --}}"),
    ],
)
def test_every_comment_sign(make_repository: Make, path: str, line: str) -> None:
    (one,) = found(make_repository({path: f"\n{line}\n"}))
    assert one == Suppression(path, 2, 2, ("a-b",), "why not")


def test_a_notebook(make_repository: Make) -> None:
    text = (
        '{"cells": [{"cell_type": "code", "source": [\n'
        '"# readiness: ignore[a] for the cell\\n",\n"x = 1\\n",\n"y = 2  # readiness: ignore[b] for y"\n]}],\n'
        '"metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n'
    )
    root = make_repository({"n.ipynb": ""})
    (root / "n.ipynb").write_text(text)
    assert found(root) == (
        Suppression("n.ipynb", 2, 3, ("a",), "for the cell"),
        Suppression("n.ipynb", 4, 4, ("b",), "for y"),
    )


def test_alone_on_a_line_it_speaks_of_the_next_that_is_no_comment(make_repository: Make) -> None:
    text = "# readiness: ignore[a] one\n# another comment\n# readiness: ignore[b, c] two\nx = 1\n"
    assert [(one.line, one.target, one.checks) for one in found(make_repository({"a.py": text}))] == [
        (1, 4, ("a",)),
        (3, 4, ("b", "c")),
    ]


def test_at_the_end_of_a_file_it_speaks_of_itself(make_repository: Make) -> None:
    assert found(make_repository({"a.py": "x = 1\n# readiness: ignore[a] why"}))[0].target == 2


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", 'x = "# readiness: ignore[a] text"\n'),
        ("a.py", '"""\n# readiness: ignore[a] in a docstring\n"""\n'),
        ("a.json", '{"x": "# readiness: ignore[a] no comment"}\n'),
        ("data.csv", "x\n# readiness: ignore[a] no comment\n"),
        ("a.md", "```python\n# readiness: ignore[a] an example\n```\n"),
        ("a.md", "```html\n<!-- readiness: ignore[a] an example -->\n```\n"),
        ("a.yaml", "x: a#readiness: ignore[a] no comment\n"),
        ("node_modules/x/a.py", "# readiness: ignore[a] not theirs to say\nx = 1\n"),
    ],
)
def test_what_is_no_comment(make_repository: Make, path: str, text: str) -> None:
    assert found(make_repository({path: text})) == ()


@pytest.mark.parametrize(
    ("comment", "checks", "reason"),
    [
        ("ignore[a]: because", ("a",), "because"),
        ("ignore[a] - because", ("a",), "because"),
        ("ignore[ a ,, b ] because", ("a", "b"), "because"),
        ("ignore[] because", (), "because"),
        ("ignore because", (), "because"),
        ("ignore[a]", ("a",), ""),
    ],
)
def test_spellings(make_repository: Make, comment: str, checks: tuple[str, ...], reason: str) -> None:
    (one,) = found(make_repository({"a.py": f"x = 1  # readiness: {comment}\n"}))
    assert (one.checks, one.reason) == (checks, reason)


@given(st.text(alphabet=st.sampled_from("#readiness: ignore[a]\"'\n\\{}()-<!/*;x"), max_size=400))
def test_any_text_is_read_to_its_end(text: str) -> None:
    data = text.encode()
    for name in ("a.py", "a.md", "a.yml", "n.ipynb", "q.sql"):
        file = File(name, len(data), Role.SERVING, lambda: data)
        for one in find_suppressions(observe(Repository("x", None, False, None, (file,), ()))):
            assert 1 <= one.line <= one.target <= text.count("\n") + 1
