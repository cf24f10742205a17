"""The catalogue on paper: one check explained, and all of them in a table."""

from __future__ import annotations

import json
from dataclasses import replace

from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion

from readiness.assess.accuracy import Accuracy, CheckAccuracy
from readiness.report.catalogue import choose, to_json, to_markdown, to_table
from readiness.report.explain import explain
from readiness.report.page import Page, render

from .shelf import CATALOGUE

TIMEOUT = CATALOGUE.checks[1]


def test_a_check_explained(snapshot: SnapshotAssertion) -> None:
    assert render(explain(TIMEOUT, CATALOGUE, Page.of(80)), None) == snapshot


def test_what_was_measured_is_told_with_what_goes_wrong(snapshot: SnapshotAssertion) -> None:
    counts = CheckAccuracy(labelled=12, agreed=9, wanted=8, reported=9, both=7)
    measured = replace(CATALOGUE, accuracy=Accuracy("2026-11-21", 12, {TIMEOUT.name: counts}))
    known = replace(
        TIMEOUT, weaknesses=("A timeout that a proxy sets is not seen.", "Nor is one of the operating system.")
    )
    told = render(explain(known, measured, Page.of(80)), None)
    assert told[told.index("How often") : told.index("Sources")] == snapshot


def test_a_check_that_is_often_wrong_says_that_it_does_not_count() -> None:
    counts = CheckAccuracy(labelled=12, agreed=6, wanted=4, reported=9, both=4)
    measured = replace(CATALOGUE, accuracy=Accuracy("2026-11-21", 12, {TIMEOUT.name: counts}))
    told = render(explain(TIMEOUT, measured, Page.of(100)), None)
    assert "experimental: it does not count" in told


def test_highlighting_adds_nothing_but_colour() -> None:
    plain = render(explain(TIMEOUT, CATALOGUE, Page.of(80)), None)
    assert render(explain(TIMEOUT, CATALOGUE, Page.of(80), colour=True), None) == plain


def test_long_code_and_prose_stay_on_the_page() -> None:
    example = replace(TIMEOUT.examples[0], files={"app.py": f"x = '{'long' * 50}'\n"})
    wordy = replace(TIMEOUT, why="word " * 200, examples=(example,), sources=("https" * 60,))
    lines = render(explain(wordy, CATALOGUE, Page.of(80)), None).splitlines()
    assert max(cell_len(line) for line in lines) <= 80


def test_the_table(snapshot: SnapshotAssertion) -> None:
    assert render(to_table(CATALOGUE.checks, CATALOGUE, Page.of(80)), None) == snapshot


def test_the_table_says_when_it_is_empty() -> None:
    assert render(to_table((), CATALOGUE, Page.of(80)), None) == "No check is of that kind.\n"


def test_filters_narrow_the_choice() -> None:
    assert [check.name for check in choose(CATALOGUE, layer="model-capability")] == ["evals-run-in-ci"]
    assert [check.name for check in choose(CATALOGUE, weight="high", debt="technical")] == [
        "llm-timeout-set",
        "no-hardcoded-secrets",
    ]
    assert choose(CATALOGUE, layer="model-capability", weight="low") == ()
    assert choose(CATALOGUE) == CATALOGUE.checks


def test_a_bar_in_a_statement_does_not_end_a_markdown_cell() -> None:
    table = to_markdown(CATALOGUE.checks, CATALOGUE).splitlines()
    assert len(table) == 2 + len(CATALOGUE.checks)
    assert "No secret is written in the code \\| or anywhere." in table[-1]


def test_the_json_has_every_check_and_the_ruler() -> None:
    data = json.loads(to_json(CATALOGUE.checks, CATALOGUE))
    assert [check["name"] for check in data["checks"]] == [check.name for check in CATALOGUE.checks]
    assert data["ruler"]["version"] == "1.0.0"
