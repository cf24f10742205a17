"""JSON and TOML keep their lines; broken and hostile files are refused with a reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.extract.json_file import read_json
from readiness.extract.toml_file import read_toml
from readiness.extract.unread import Unread

NUMBERS = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_json_is_read_as_the_standard_library_reads_it(value: object) -> None:
    assert read_json(json.dumps(value, indent=1)).plain() == value
    assert read_json(json.dumps(value, ensure_ascii=False)).plain() == value


def test_json_with_comments_and_trailing_commas_keeps_its_lines() -> None:
    document = read_json('{\n  // why\n  "a": [1,\n    2,],\n  /* more\n */ "b": {"c": null},\n}\n')
    assert document.plain() == {"a": [1, 2], "b": {"c": None}}
    second, inner = document.get("a", 1), document.get("b", "c")
    assert second is not None and inner is not None
    assert (second.line, inner.line) == (4, 6)


BROKEN = ["", "{", "[1 2]", '{"a"}', '{"a": 1} x', "{]", "[,]", "[" * 100_000, '{"a":' * 100_000]


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: repr(text[:12]))
def test_broken_json_is_refused(text: str) -> None:
    with pytest.raises(Unread, match="JSON"):
        read_json(text)


TOML = """\
title = "x"
[project]
dependencies = [
  "a>=1",  # the first
  "b",
]
urls."home page" = "https://example.org"
[[tool.job]]
name = "one"
[[tool.job]]
name = '''
two'''
env = {A = 1, B = [1,
  2]}
[tool.job.sub]
on = true
"""


def test_toml_tells_the_line_of_every_key_and_item() -> None:
    document = read_toml(TOML)
    places = {
        ("title",): (1, 1),
        ("project",): (2, 7),
        ("project", "dependencies"): (3, 6),
        ("project", "dependencies", 1): (5, 5),
        ("project", "urls", "home page"): (7, 7),
        ("tool", "job", 0, "name"): (9, 9),
        ("tool", "job", 1): (10, 16),
        ("tool", "job", 1, "name"): (11, 12),
        ("tool", "job", 1, "env", "B", 1): (14, 14),
        ("tool", "job", 1, "sub", "on"): (16, 16),
    }
    for keys, expected in places.items():
        found = document.get(*keys)
        assert found is not None and (found.line, found.end_line) == expected, keys


@pytest.mark.parametrize(
    "text",
    ["x", "a = 1\na = 2", "a = " + "[" * 100_000, "a = " + "[" * 300 + "]" * 300],
    ids=lambda text: repr(text[:12]),
)
def test_broken_toml_is_refused(text: str) -> None:
    with pytest.raises(Unread, match="TOML"):
        read_toml(text)
