"""Text of a repository in a terminal: seen, never obeyed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.report.sanitize import clean, one_line, source_line


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain.py", "plain.py"),
        ("größe/数.py", "größe/数.py"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("new\nline", "new\\nline"),
        ("over\u202etxt.exe", "over\\u202etxt.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("bell\x07\x7f\x9b", "bell\\x07\\x7f\\x9b"),
        ("byte\udcff", "byte\\xff"),
        ("lone\ud800", "lone\\ud800"),
        ("tag\U000e0041", "tag\\U000e0041"),
    ],
)
def test_what_is_not_plainly_visible_becomes_an_escape(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_what_an_encoding_cannot_carry_becomes_an_escape() -> None:
    assert clean("größe 数", "latin-1") == "größe \\u6570"


def test_a_message_is_one_line() -> None:
    assert one_line("  one\n  two\t three ") == "one two three"


def test_source_keeps_its_indentation() -> None:
    assert source_line("\tif x:  \r\n") == "    if x:"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_nothing_hidden_is_left(text: str) -> None:
    for shown in (clean(text), one_line(text), source_line(text)):
        assert not {unicodedata.category(mark) for mark in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        shown.encode()
        assert clean(shown) == shown
