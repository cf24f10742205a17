"""The report as Markdown: what it looks like, that it fits, and that nothing in a repository can speak through it."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from syrupy.assertion import SnapshotAssertion

from readiness.report.markdown import LEAST, LIMIT, MARKER, code, prose, to_markdown
from readiness.report.model import BeforeReport, FindingReport, FixedReport, ProblemReport, Report, SkippedReport

from .sample import NO_MODEL, RATCHET, REPORT, TIMEOUT, TROUBLED

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# What GitHub makes a link, a mention or a reference of, wherever it stands in a text.
LIVE = re.compile(r"@\w|#\w|://|www\.|\bGH-\d|\b[0-9a-f]{7,40}\b", re.ASCII | re.IGNORECASE)
OURS = re.compile(r"<!-- readiness(: compare)? -->|<details>|</details>|<summary>[^<>]*</summary>|</?span>")

FRAGMENTS = [
    *("|", "`", "``", "```", "~~~", "\\", "\n", "\n\n", "\t", " ", "*", "_", "~~", "[", "]", "(", ")", "!", "$", "&"),
    *("<img src=x onerror=alert(1)>", "<!--", "-->", "</details>", "</summary>", "<b>", "&lt;", "&#64;", "&#8203;"),
    *("@octocat", "@org/team", "me@example.org", "#1", "o/r#12", "GH-7", "https://example.org/x", "www.example.org"),
    *("[x](https://example.org)", "![x](//example.org/y.png)", "<https://example.org>", "mailto:me@example.org"),
    *("# x", "- x", "1. x", "2) x", "> x", "+ x", "===", "---", "    x", "| --- |", "[x]: /y", "[^1]", "- [ ] x"),
    *("\x1b[31m", "\x00", "\r", "\u202e", "\u200b", "\u2028", "\udc80", "::error::x", "deadbeefdeadbeef", "é", "漢"),
]
HOSTILE = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join),
    st.text(alphabet=st.characters(exclude_categories=()), max_size=80),
    st.sampled_from(FRAGMENTS).map(lambda fragment: fragment * (10_000 // len(fragment))),
)


def outline(text: str) -> list[str]:
    """The blocks of a document, in order."""
    return [token.type for token in PARSER.parse(text)]


def assert_harmless(text: str) -> None:
    """Nothing in a document but text, code and what we write ourselves; nothing that a host brings to life."""
    assert not [mark for mark in text if mark != "\n" and unicodedata.category(mark) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    for token in PARSER.parse(text):
        if token.type == "html_block":
            assert not OURS.sub("", token.content).strip()
            assert not LIVE.search(html.unescape(token.content))
        for child in token.children or ():
            assert child.type in ("text", "code_inline", "strong_open", "strong_close", "hardbreak", "html_inline")
            if child.type == "html_inline":
                assert OURS.fullmatch(child.content)
        texts = [child.content for child in token.children or () if child.type == "text"]
        assert not LIVE.search("".join(texts)), texts


def told_by(text: str) -> Report:
    """The sample, with `text` wherever a repository, its owners or a saved report choose the words."""
    finding = FindingReport(text, 3, 9, text, "0" * 16, source=text, state="new")
    scope, gate = RATCHET.scope, RATCHET.gate
    assert RATCHET.score is not None and scope is not None and gate is not None
    return replace(
        RATCHET,
        ruler=replace(RATCHET.ruler, version=text),
        repository=replace(RATCHET.repository, name=text, revision=text, kinds=(text,)),
        score=replace(RATCHET.score, grade=text, uncapped_grade=text + "A", capped_by=(text,) * 4),
        layers=(replace(RATCHET.layers[0], title=text), *RATCHET.layers[1:]),
        checks=(replace(TIMEOUT, findings=(finding,) * 2, effort=text), *RATCHET.checks),
        problems=(ProblemReport(text, 1, text),),
        skipped=(SkippedReport(text, text),),
        exemptions=tuple(
            replace(one, check=text, scope=text, reason=text, owner=text, expires=text, evidence=text, path=text)
            for one in RATCHET.exemptions
        ),
        scope=replace(
            scope,
            baseline=text,
            since=text,
            fixed=(FixedReport(text, text, text, text),),
            before=BeforeReport(50.0, text, same_ruler=True),
        ),
        gate=replace(gate, demands=tuple(replace(one, demand=text, says=text) for one in gate.demands)),
        as_of=text,
    )


def many(number: int) -> Report:
    """The sample with so many findings in two layers, the heavy ones in the upper layer."""
    heavy, light = (
        tuple(
            FindingReport(
                f"src/{name}_{place}.py", place, place, f"no timeout in {name} {place}: " + "x" * 40, f"{place}"
            )
            for place in range(1, number + 1)
        )
        for name in ("heavy", "light")
    )
    checks = (
        replace(TIMEOUT, findings=heavy),
        replace(TIMEOUT, name="a-light-check", layer="model-capability", weight="low", findings=light),
    )
    return replace(REPORT, checks=checks, actions=REPORT.actions[:1])


def test_a_report(snapshot: SnapshotAssertion) -> None:
    assert to_markdown(REPORT) == snapshot


def test_a_ratchet(snapshot: SnapshotAssertion) -> None:
    assert to_markdown(RATCHET) == snapshot


def test_a_worse_day(snapshot: SnapshotAssertion) -> None:
    assert to_markdown(TROUBLED) == snapshot


def test_no_model(snapshot: SnapshotAssertion) -> None:
    assert to_markdown(NO_MODEL) == snapshot


@pytest.mark.parametrize("report", [REPORT, RATCHET, TROUBLED, NO_MODEL])
def test_a_comment_is_found_again_by_its_first_line(report: Report) -> None:
    assert to_markdown(report).startswith(f"{MARKER}\n")


def test_the_raw_score_stands_beside_the_one_with_waivers() -> None:
    assert "## readiness: 66.1 of 100, grade C (62.4 C without waivers), +8.1 since" in to_markdown(RATCHET)
    assert "without waivers" not in to_markdown(REPORT)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (BeforeReport(66.1, "C", same_ruler=True), ", as in the baseline\n"),
        (BeforeReport(70.0, "C", same_ruler=True), ", -3.9 since the baseline (70.0 C)\n"),
        (BeforeReport(70.0, "C", same_ruler=False), ", the baseline's 70.0 C was measured by another ruler\n"),
    ],
)
def test_the_change_since_the_baseline(before: BeforeReport, words: str) -> None:
    assert RATCHET.scope is not None
    assert words in to_markdown(replace(RATCHET, scope=replace(RATCHET.scope, before=before)))


def test_many_new_findings_are_folded() -> None:
    crowd = replace(many(30), scope=RATCHET.scope)
    shown = to_markdown(crowd)
    assert "### 60 new findings" not in shown
    assert "60 new findings" in shown
    assert "<summary>Integration reliability: 30 findings</summary>" in shown


def test_what_does_not_fit_is_counted_and_the_heaviest_stay() -> None:
    whole, shown = to_markdown(many(2_000), 100 * LIMIT), to_markdown(many(2_000), LIMIT)
    assert "more finding" not in whole
    assert 0.9 * LIMIT < len(shown.encode()) <= LIMIT
    told = shown.count("src/heavy_") - 1  # one more is the first place of the action
    assert f"… and {2_000 - told} more findings: the JSON report has them all" in shown
    assert "… and 2000 more findings: the JSON report has them all" in shown  # of the light ones, none is shown
    assert "src/light_" not in shown


@settings(max_examples=30, deadline=None)
@given(limit=st.integers(LEAST, 80_000), number=st.integers(0, 300))
def test_no_block_is_cut_in_the_middle(limit: int, number: int) -> None:
    whole = set(to_markdown(many(number), 100 * LIMIT).splitlines())
    shown = to_markdown(many(number), limit)
    assert len(shown.encode()) <= limit
    assert {line for line in shown.splitlines() if not line.startswith("… ")} <= whole
    assert shown.count("<details>") == shown.count("</details>")


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="4096"):
        to_markdown(REPORT, LEAST - 1)


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
def test_a_repository_cannot_speak_through_the_report(text: str) -> None:
    shown = to_markdown(told_by(text), 10 * LIMIT)  # all of it: what is left out could not speak
    assert_harmless(shown)
    assert outline(shown) == outline(to_markdown(told_by("word")))


@settings(max_examples=40, deadline=None)
@given(text=HOSTILE, limit=st.integers(LEAST, 20_000))
def test_the_limit_holds_for_any_text(text: str, limit: int) -> None:
    shown = to_markdown(told_by(text), limit)
    assert len(shown.encode()) <= limit
    assert_harmless(shown)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=80))
def test_prose_and_code_read_as_they_were_written(text: str) -> None:
    """Escapes are for the machine: a reader sees the text, but for hidden marks and what is collapsed."""
    shown = html.unescape(re.sub("</?span>", "", prose(text))).replace("\u200b", "")
    assert shown == " ".join(text.split()) or "\\" in shown
    inline = PARSER.parse(f"a {code(text)} b")[1].children or []
    assert (
        [child.content for child in inline if child.type == "code_inline"][:1] == [text]
        or not text.strip()
        or "\\" in code(text)
    )
