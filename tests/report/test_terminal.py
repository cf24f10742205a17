"""The pages of a terminal: what they look like, and that nothing in a repository can break them."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text
from syrupy.assertion import SnapshotAssertion

from readiness.report import detail, terminal
from readiness.report.model import (
    ActionReport,
    AttestationReport,
    DemandReport,
    EvidenceReport,
    FindingReport,
    GateReport,
    ProblemReport,
    Report,
    SkippedReport,
    SuppressedReport,
)
from readiness.report.page import Page, render

from .sample import NO_MODEL, RATCHET, REPORT, TIMEOUT, TROUBLED

# What a repository can put into a report: any text at all, lone surrogates (bytes of a path) included.
ANYTHING = st.one_of(
    st.text(max_size=120),
    st.text(alphabet=st.characters(exclude_categories=()), max_size=120),
    st.text(alphabet="表示️‍é\u0301\x1b[31m\n\t \u202e", max_size=200),
    st.just("word " * 60),
    st.just("[bold red]markup[/] :smile: " * 4),
)


def plain(lines: list[Text]) -> str:
    return render(lines, None)


def test_on_a_ratchet(snapshot: SnapshotAssertion) -> None:
    assert plain(terminal.summary(RATCHET, Page.of(80))) == snapshot


def test_on_a_ratchet_in_full(snapshot: SnapshotAssertion) -> None:
    assert plain(detail.verbose(RATCHET, Page.of(80))) == snapshot


def every_page(report: Report, page: Page) -> list[Text]:
    pages = [*terminal.summary(report, page), *terminal.quiet(report, page), *detail.verbose(report, page)]
    for check in report.checks:
        pages += detail.one_check(report, check, page)
    return pages


def hostile(text: str) -> Report:
    """The sample, with `text` wherever a repository or its owners choose the words."""
    finding = FindingReport(text, 3, 9, text, "0" * 16, source=text)
    evidence = EvidenceReport(text, 7, 7, text, text)
    check = replace(TIMEOUT, findings=(finding,) * 7, evidence=(evidence,), statement=text)
    scope = RATCHET.scope
    assert scope is not None
    fixed = replace(scope.fixed[0], check=text, path=text, message=text)
    return replace(
        TROUBLED,
        scope=replace(scope, baseline=text, since=text, fixed=(fixed,) * 2),
        gate=GateReport(False, (DemandReport(text, True, text), DemandReport(text, False, text))),
        exemptions=tuple(
            replace(one, finding=replace(one.finding, path=text, message=text)) if one.finding else one
            for one in RATCHET.exemptions
        ),
        repository=replace(TROUBLED.repository, name=text, revision=text, kinds=(text, "agent")),
        checks=(check, *(replace(other, evidence=(evidence,) * 5) for other in TROUBLED.checks if other != TIMEOUT)),
        actions=tuple(ActionReport("llm-timeout-set", 12.3, "minutes") for _ in range(7)),
        attestations=tuple(
            AttestationReport(text, text, text, text, text, text, standing, text, text, 3, 9)
            for standing in ("attested", "expired", "malformed")
        ),
        problems=tuple(ProblemReport(text, number, text) for number in range(7)),
        suppressed=(SuppressedReport("llm-timeout-set", text, 1, text),),
        skipped=(SkippedReport(text, text),),
    )


def test_the_summary(snapshot: SnapshotAssertion) -> None:
    assert plain(terminal.summary(REPORT, Page.of(80))) == snapshot


def test_a_worse_day(snapshot: SnapshotAssertion) -> None:
    assert plain(terminal.summary(TROUBLED, Page.of(80))) == snapshot


def test_a_wide_terminal(snapshot: SnapshotAssertion) -> None:
    assert plain(terminal.summary(REPORT, Page.of(160))) == snapshot


def test_a_narrow_terminal(snapshot: SnapshotAssertion) -> None:
    assert plain(terminal.summary(REPORT, Page.of(72))) == snapshot


def test_an_encoding_without_blocks(snapshot: SnapshotAssertion) -> None:
    shown = plain(terminal.summary(TROUBLED, Page.of(80, "ascii")))
    assert shown.isascii()
    assert shown == snapshot


def test_every_check_with_its_evidence(snapshot: SnapshotAssertion) -> None:
    assert plain(detail.verbose(TROUBLED, Page.of(80))) == snapshot


def test_one_check_with_its_code(snapshot: SnapshotAssertion) -> None:
    assert plain(detail.one_check(REPORT, TIMEOUT, Page.of(80))) == snapshot


def test_the_score_alone(snapshot: SnapshotAssertion) -> None:
    assert plain(terminal.quiet(REPORT, Page.of(80))) == snapshot
    assert len(terminal.quiet(TROUBLED, Page.of(80))) == 1


def test_a_repository_without_a_model_gets_one_sentence(snapshot: SnapshotAssertion) -> None:
    assert plain(terminal.summary(NO_MODEL, Page.of(80))) == snapshot
    assert plain(terminal.quiet(NO_MODEL, Page.of(80))).count("\n") == 1


def test_a_repository_where_all_is_well_has_nothing_to_fix() -> None:
    shown = plain(terminal.summary(replace(REPORT, actions=()), Page.of(80)))
    assert "Nothing is left to fix" in shown
    assert "readiness explain" not in shown


def test_scores_are_never_rounded_up() -> None:
    assert REPORT.score is not None
    almost = replace(REPORT, score=replace(REPORT.score, value=89.9, high=89.9, grade="B", capped_by=()))
    assert "   89  B" in plain(terminal.summary(almost, Page.of(80)))
    assert "   1  Model capability            ███████░░░   69" in plain(terminal.summary(TROUBLED, Page.of(80)))


@pytest.mark.parametrize(
    ("grade", "uncapped", "words"),
    [
        ("C", "A", "capped at C, not A, by evals-run-in-ci"),
        ("C", "C", "held at C by evals-run-in-ci"),
        ("D", "D", ""),
    ],
)
def test_the_cap_is_told_where_it_matters(grade: str, uncapped: str, words: str) -> None:
    assert REPORT.score is not None
    capped = replace(REPORT, score=replace(REPORT.score, grade=grade, uncapped_grade=uncapped))
    shown = plain(terminal.summary(capped, Page.of(80)))
    assert words in shown
    assert ("by evals-run-in-ci" in shown) is bool(words)


def test_colour_adds_nothing_but_colour() -> None:
    lines = every_page(TROUBLED, Page.of(80))
    coloured = render([line.copy() for line in lines], "standard")
    assert "\x1b[" in coloured
    assert [line.rstrip() for line in Text.from_ansi(coloured).plain.splitlines()] == plain(lines).splitlines()


def test_markup_in_a_message_stays_text() -> None:
    assert "[bold red]markup[/]" in plain(every_page(hostile("[bold red]markup[/]"), Page.of(100)))


@settings(max_examples=60, deadline=None)
@given(text=ANYTHING, width=st.integers(72, 110), encoding=st.sampled_from(["utf-8", "ascii", "latin-1", "cp1252"]))
def test_no_page_overflows_or_sends_a_control_character(text: str, width: int, encoding: str) -> None:
    page = Page.of(width, encoding)
    shown = plain(every_page(hostile(text), page))
    shown.encode(encoding)
    for line in shown.split("\n"):
        assert cell_len(line) <= page.width, line
        assert not [mark for mark in line if unicodedata.category(mark) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
