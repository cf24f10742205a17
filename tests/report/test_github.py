"""Annotations: a command a line, whatever a name holds; worst first, as many as GitHub shows; the score at the end."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import example, given, settings

from readiness.report.findings import EXEMPTIONS, reported
from readiness.report.github import KINDS, MOST, to_github
from readiness.report.model import FindingReport, Report

from .sample import EVALS, NO_MODEL, RATCHET, REPORT, TIMEOUT, TROUBLED
from .test_sarif import HOSTILE, WORST, hidden, made_hostile

COMMAND = re.compile(r"::(?P<kind>[a-z-]+) (?P<properties>.*?)::(?P<message>.*)")


@dataclass(frozen=True)
class Annotation:
    """A command as the host's runner understands it."""

    kind: str
    properties: dict[str, str]
    message: str


def unescaped(text: str) -> str:
    for escape, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(escape, character)
    return text


def parsed(written: str) -> list[Annotation]:
    """The commands of a log, read line by line; every line must be one."""
    found = []
    for line in written.removesuffix("\n").split("\n"):
        command = COMMAND.fullmatch(line)
        assert command is not None, line
        pairs = [pair.split("=", 1) for pair in command["properties"].split(",")]
        properties = {name: unescaped(value) for name, value in pairs}
        assert len(properties) == len(pairs) and set(properties) <= {"title", "file", "line", "endLine"}
        found.append(Annotation(command["kind"], properties, unescaped(command["message"])))
    return found


def annotations(report: Report) -> list[Annotation]:
    return parsed(to_github(report))


def many(number: int, weight: str) -> Report:
    findings = tuple(
        replace(TIMEOUT.findings[0], path=f"src/{line % 5}.py", line=line) for line in range(1, number + 1)
    )
    return replace(REPORT, checks=(replace(TIMEOUT, weight=weight, findings=findings),))


def test_an_annotation_for_each_finding_then_the_score() -> None:
    assert to_github(REPORT).split("\n") == [
        "::error title=evals-run-in-ci,file=.github/workflows/ci.yml,line=1,endLine=1::no step runs an evaluation "
        "suite",
        "::error title=llm-timeout-set,file=src/agents/research.py,line=31,endLine=31::ChatAnthropic.invoke has no "
        "timeout",
        "::error title=llm-timeout-set,file=src/core/llm.py,line=75,endLine=81::ChatOpenAI.ainvoke has no timeout: it "
        "can wait for ever",
        "::notice title=readiness::Readiness 62.4 of 100, grade C.",
        "",
    ]


def test_with_a_baseline_only_what_is_new_is_annotated() -> None:
    found = [(one.kind, one.properties["title"], one.properties.get("file")) for one in annotations(RATCHET)]
    assert found == [
        ("error", "llm-timeout-set", "src/core/llm.py"),
        ("notice", EXEMPTIONS, "readiness.toml"),
        ("notice", "readiness", None),
    ]


def test_the_last_notice_has_both_scores_and_the_gate_in_words() -> None:
    assert annotations(RATCHET)[-1].message.split("\n") == [
        "Readiness 66.1 of 100, grade C; 62.4, grade C, without what the owners have accepted.",
        "The gate is not met.",
        "--fail-on new: 2 new findings: llm-timeout-set at src/core/llm.py:75 and 1 more.",
    ]
    met = RATCHET.gate and replace(RATCHET.gate, met=True, demands=RATCHET.gate.demands[:1])
    assert annotations(replace(RATCHET, gate=met))[-1].message.endswith("\nThe gate is met.")
    assert annotations(TROUBLED)[-1].message == "Readiness 77.9 of 100, grade C; provisional, too much is unknown."


def test_without_a_model_there_is_one_notice() -> None:
    (one,) = annotations(NO_MODEL)
    assert (one.kind, one.message) == ("notice", "The repository uses no AI model, so there is no score.")


@pytest.mark.parametrize(
    ("weight", "verdict", "kind"),
    [
        ("critical", "fail", "error"),
        ("critical", "partial", "warning"),
        ("high", "fail", "error"),
        ("high", "partial", "warning"),
        ("medium", "fail", "warning"),
        ("medium", "partial", "warning"),
        ("low", "fail", "notice"),
        ("low", "partial", "notice"),
    ],
)
def test_kinds(weight: str, verdict: str, kind: str) -> None:
    check = replace(EVALS, weight=weight, findings=(replace(EVALS.findings[0], verdict=verdict),))
    assert annotations(replace(REPORT, checks=(check,)))[0].kind == kind


def test_what_concerns_the_whole_repository_has_no_file() -> None:
    check = replace(EVALS, findings=(FindingReport("", 0, 0, "no evaluation is run", "f"),))
    assert annotations(replace(REPORT, checks=(check,)))[0].properties == {"title": "evals-run-in-ci"}


@pytest.mark.parametrize(("weight", "shown"), [("critical", 10), ("medium", 10), ("low", 8)])
def test_no_more_of_a_kind_than_the_host_shows_and_a_notice_of_the_rest(weight: str, shown: int) -> None:
    *found, more, _ = annotations(many(100, weight))
    assert len(found) == shown
    assert [one.properties["line"] for one in found] == [str(line) for line in range(5, 5 * shown + 1, 5)]
    assert more.kind == "notice"
    assert re.fullmatch(
        rf"{100 - shown} more findings: src/1\.py \(20\), src/2\.py \(20\), src/3\.py \(20\) and \d more\. .*",
        more.message,
    )


def test_with_every_kind_in_plenty_each_stays_within_its_limit() -> None:
    checks = tuple(one for weight in ("low", "medium", "high") for one in many(30, weight).checks)
    found = annotations(replace(REPORT, checks=checks))
    assert Counter(one.kind for one in found) == dict.fromkeys(KINDS, MOST)
    assert [one.kind for one in found] == sorted((one.kind for one in found), key=KINDS.index)


def test_a_long_message_is_cut_where_all_see_it() -> None:
    check = replace(EVALS, findings=(replace(EVALS.findings[0], message="x" * 10_000),))
    assert annotations(replace(REPORT, checks=(check,)))[0].message == "x" * 999 + "…"


def test_names_come_through_the_escapes_as_they_are() -> None:
    check = replace(EVALS, findings=(replace(EVALS.findings[0], path="a,b:c%0A.py", message="50 % of it: a, b"),))
    found = annotations(replace(REPORT, checks=(check,)))[0]
    assert found.properties["file"] == "a,b:c%0A.py"
    assert found.message == "50 % of it: a, b"


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
@example(WORST)
def test_no_name_and_no_content_makes_or_breaks_a_command(text: str) -> None:
    written = to_github(made_hostile(text))
    found = parsed(written)
    assert len(found) == len(reported(RATCHET)) + 1
    assert written.count("\n") == len(found)
    assert not hidden(written)
    for one in found:
        assert not hidden(one.message)
        assert not [value for value in one.properties.values() if hidden(value) or "\n" in value]
    assert [one.kind for one in found] == [one.kind for one in annotations(RATCHET)]
