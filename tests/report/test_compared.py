"""A comparison, drawn: what it looks like, and that nothing in a repository can break it."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text
from syrupy.assertion import SnapshotAssertion

from readiness.report.compared import MARKER, to_json, to_markdown, to_page
from readiness.report.comparison import Comparison, Split, compare
from readiness.report.markdown import LEAST, LIMIT
from readiness.report.model import FindingReport, RawReport, Report, RulerReport
from readiness.report.page import Page, render

from .sample import APPROVAL, EVALS, GUARDRAIL, NO_MODEL, PINNED, RATCHET, REPORT, TIMEOUT
from .test_markdown import HOSTILE, assert_harmless, outline

assert REPORT.score is not None

# The same repository a month later, by another ruler: timeouts are set, a file was renamed, evaluations broke.
LATER = replace(
    REPORT,
    ruler=RulerReport("1.1.0", "sha256:" + "cd" * 32),
    repository=replace(REPORT.repository, revision="b672d99e1d2f3c4b5a6978869504132fedcba980", dirty=True),
    score=replace(REPORT.score, value=66.4, grade="C", stack_height=3, raw=RawReport(65.0, "C")),
    layers=(replace(REPORT.layers[0], score=78.0), *REPORT.layers[1:5], replace(REPORT.layers[5], score=None)),
    debts=(replace(REPORT.debts[0], days=1.5), *REPORT.debts[1:]),
    checks=(
        replace(PINNED, weight="critical"),
        replace(EVALS, findings=(replace(EVALS.findings[0], path=".github/workflows/tests.yml", fingerprint="9"),)),
        replace(TIMEOUT, verdict="pass", satisfaction=1.0, sites=None, findings=()),
        replace(GUARDRAIL, verdict="fail", satisfaction=0.0, sites=None),
        replace(APPROVAL, name="refusals-are-tested", verdict="fail", satisfaction=0.0),
    ),
    suppressed=RATCHET.suppressed[:1],
    as_of="2026-12-20",
)
EARLIER = replace(
    REPORT,
    checks=(
        PINNED,
        replace(EVALS, findings=(replace(EVALS.findings[0], content="e"),)),
        *REPORT.checks[2:],
    ),
)
MOVED = replace(
    LATER,
    checks=(
        LATER.checks[0],
        replace(LATER.checks[1], findings=(replace(LATER.checks[1].findings[0], content="e"),)),
        *LATER.checks[2:],
    ),
)


def plain(comparison: Comparison, width: int = 80, encoding: str = "utf-8") -> str:
    return render(to_page(comparison, Page.of(width, encoding)), None)


def between(text: str) -> Comparison:
    """Two reports, with `text` wherever a repository, its owners or a saved report choose the words."""

    def told_by(report: Report, path: str) -> Report:
        found = tuple(
            FindingReport(f"{path}{text}{number}", 3, 9, text, f"{path}{number}", content=f"c{text}")
            for number in range(12)
        )
        assert report.score is not None
        return replace(
            report,
            ruler=replace(report.ruler, version=text),
            repository=replace(report.repository, name=text, revision=text),
            score=replace(report.score, grade=text),
            layers=(replace(report.layers[0], title=text), *report.layers[1:]),
            checks=(replace(report.checks[0], name=text, findings=found, weight="high"), *report.checks[1:]),
            suppressed=tuple(replace(one, check=text, path=text, reason=text) for one in report.suppressed),
            as_of=text,
        )

    found = compare(told_by(EARLIER, "a"), told_by(replace(MOVED, ruler=EARLIER.ruler), "b"))
    return replace(found, split=Split(1.0, 2.0))


def test_a_comparison(snapshot: SnapshotAssertion) -> None:
    assert plain(compare(EARLIER, MOVED)) == snapshot


def test_a_narrow_terminal_of_another_encoding(snapshot: SnapshotAssertion) -> None:
    shown = plain(compare(EARLIER, MOVED), 72, "ascii")
    assert shown.isascii()
    assert shown == snapshot


def test_nothing_changed(snapshot: SnapshotAssertion) -> None:
    assert plain(compare(REPORT, REPORT)) == snapshot


def test_no_model_any_more(snapshot: SnapshotAssertion) -> None:
    assert plain(compare(REPORT, NO_MODEL)) == snapshot


def test_a_comment(snapshot: SnapshotAssertion) -> None:
    shown = to_markdown(compare(EARLIER, MOVED))
    assert shown.startswith(f"{MARKER}\n")
    assert shown == snapshot


@pytest.mark.parametrize("draw", [plain, to_markdown])
def test_the_parts_of_a_change_are_told(draw: object) -> None:
    found = replace(compare(EARLIER, MOVED), split=Split(4.0, -3.0))
    assert callable(draw)
    assert "+4.0 from your work, -3.0 from new and changed checks" in " ".join(draw(found).split())


def test_another_version_by_the_same_checks() -> None:
    newer = replace(REPORT, ruler=replace(REPORT.ruler, version="1.0.1"))
    assert "Two versions of readiness measured by the same checks" in plain(compare(REPORT, newer))


def test_colour_adds_nothing_but_colour() -> None:
    lines = to_page(compare(EARLIER, MOVED), Page.of(80))
    coloured = render([line.copy() for line in lines], "standard")
    assert "\x1b[" in coloured
    assert [line.rstrip() for line in Text.from_ansi(coloured).plain.splitlines()] == plain(
        compare(EARLIER, MOVED)
    ).splitlines()


def test_json_has_everything() -> None:
    found = compare(EARLIER, MOVED)
    data = json.loads(to_json(found))
    assert data["schema_version"] == "1"
    assert data["old"]["score"]["value"] == 62.4
    assert data["change"] == 4.0
    assert round(data["split"]["work"] + data["split"]["ruler"], 1) == 4.0
    assert [one["change"] for one in data["findings"]] == [one.change for one in found.findings]
    assert {one["name"] for one in data["checks"]} == {one.name for one in found.checks}


def test_a_path_that_is_no_text_stays_encodable() -> None:
    odd = replace(REPORT, repository=replace(REPORT.repository, name="caf\udce9"))
    assert json.loads(to_json(compare(odd, REPORT)).encode())["old"]["name"] == "caf\\xe9"


@settings(max_examples=40, deadline=None)
@given(text=HOSTILE, width=st.integers(72, 110), encoding=st.sampled_from(["utf-8", "ascii", "cp1252"]))
def test_no_line_overflows_or_sends_a_control_character(text: str, width: int, encoding: str) -> None:
    shown = plain(between(text), width, encoding)
    shown.encode(encoding)
    for line in shown.split("\n"):
        assert cell_len(line) <= Page.of(width).width, line
        assert not [mark for mark in line if unicodedata.category(mark) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


@settings(max_examples=40, deadline=None)
@given(HOSTILE)
def test_a_repository_cannot_speak_through_the_comment(text: str) -> None:
    shown = to_markdown(between(text), 10 * LIMIT)
    assert_harmless(shown)
    assert outline(shown) == outline(to_markdown(between("word"), 10 * LIMIT))
    assert len(to_markdown(between(text), LEAST).encode()) <= LEAST
