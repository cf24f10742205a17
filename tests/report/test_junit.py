"""JUnit: a case for each check, failed by what is reported of it; the gate; XML that every reader accepts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings

from readiness.report.junit import to_junit
from readiness.report.model import Report

from .sample import EVALS, NO_MODEL, RATCHET, REPORT, TIMEOUT, TROUBLED
from .test_sarif import HOSTILE, WORST, hidden, made_hostile

# What Jenkins and GitLab read; an element may have only these attributes and children.
ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name"},
    "failure": {"message", "type"},
    "skipped": {"message", "type"},
    "system-out": set(),
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "skipped", "system-out"},
}

(EXPIRED_FINDING,) = (one.finding for one in RATCHET.exemptions if one.finding is not None)
EXPIRED = f"{next(one.check for one in RATCHET.exemptions if one.finding)} at readiness.toml:{EXPIRED_FINDING.line}"


def read(report: Report) -> ElementTree.Element:
    return ElementTree.fromstring(to_junit(report).encode())


def case(report: Report, name: str) -> ElementTree.Element:
    (one,) = (one for one in read(report).iter("testcase") if one.get("name") == name)
    return one


def outcome(report: Report, name: str) -> str:
    """`failure` or `skipped` with its message, or `passed` with what it says of it."""
    (said,) = list(case(report, name)) or [ElementTree.Element("system-out")]
    if said.tag == "system-out":
        return f"passed: {said.text}" if said.text else "passed"
    return f"{said.tag}: {said.get('message')}"


def assert_readers_accept(root: ElementTree.Element) -> None:
    """Only what the common schema knows; counts that are true; no case twice."""
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.keys()) <= ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
    for counted in (root, *root.iter("testsuite")):
        assert counted.get("tests") == str(len(list(counted.iter("testcase"))))
        assert counted.get("failures") == str(len(list(counted.iter("failure"))))
        assert counted.get("errors") == "0"
    for suite in root:
        assert suite.get("skipped") == str(len(list(suite.iter("skipped"))))
        assert {one.get("classname") for one in suite.iter("testcase")} == {suite.get("name")}


@pytest.mark.parametrize("report", [REPORT, TROUBLED, RATCHET, NO_MODEL])
def test_readers_accept_it(report: Report) -> None:
    root = read(report)
    assert_readers_accept(root)
    names = Counter((one.get("classname"), one.get("name")) for one in root.iter("testcase"))
    assert set(names.values()) == {1}


def test_a_case_for_each_check_in_the_suite_of_its_layer() -> None:
    found = [(one.get("classname"), one.get("name")) for one in read(REPORT).iter("testcase")]
    assert found == [
        ("readiness.model-capability", "pinned-model-version"),
        ("readiness.model-capability", "evals-run-in-ci"),
        ("readiness.integration-reliability", "llm-timeout-set"),
        ("readiness.safety-governance", "human-approval-for-risky-actions"),
        ("readiness.safety-governance", "output-guardrail"),
    ]


@pytest.mark.parametrize(
    ("report", "check", "said"),
    [
        (REPORT, "pinned-model-version", "passed"),
        (REPORT, "evals-run-in-ci", "failure: fail: no step runs an evaluation suite"),
        (REPORT, "llm-timeout-set", "failure: partial: ChatOpenAI.ainvoke has no timeout: it can wait for ever"),
        (
            REPORT,
            "human-approval-for-risky-actions",
            "skipped: not applicable: A person approves what cannot be undone.",
        ),
        (REPORT, "output-guardrail", "skipped: unknown: the guard comes from a plugin"),
        (
            TROUBLED,
            "output-guardrail",
            "skipped: experimental, it does not count (unknown): What the model says is checked before it is shown.",
        ),
        (RATCHET, "evals-run-in-ci", "passed: 1 finding known in the baseline"),
        (RATCHET, "llm-timeout-set", "failure: partial: ChatOpenAI.ainvoke has no timeout: it can wait for ever"),
        (RATCHET, EXPIRED, f"failure: expired: {EXPIRED_FINDING.message}"),
        (RATCHET, "--fail-under 60", "passed: the score 66.1 is not under 60"),
        (RATCHET, "--fail-on new", "failure: 2 new findings: llm-timeout-set at src/core/llm.py:75 and 1 more"),
        (NO_MODEL, "score", "skipped: the repository uses no AI model, so there is no score"),
    ],
)
def test_outcomes(report: Report, check: str, said: str) -> None:
    assert outcome(report, check) == said


def test_a_failure_lists_what_is_reported_and_counts_the_rest() -> None:
    assert [*(case(RATCHET, "llm-timeout-set").findtext("failure") or "").split("\n")] == [
        "Every model call runs under an explicit timeout that fits the request budget.",
        "src/core/llm.py:75: ChatOpenAI.ainvoke has no timeout: it can wait for ever",
        "1 finding known in the baseline",
    ]


def test_since_a_revision_what_lies_outside_passes() -> None:
    outside = replace(TIMEOUT, findings=tuple(replace(one, state="outside") for one in TIMEOUT.findings))
    report = replace(REPORT, checks=(outside,))
    assert outcome(report, "llm-timeout-set") == "passed: 2 findings outside of what changed"


def test_a_known_fault_of_an_exemption_passes() -> None:
    exemptions = tuple(
        replace(one, finding=replace(one.finding, state="known")) for one in RATCHET.exemptions if one.finding
    )
    said = outcome(replace(RATCHET, exemptions=exemptions), EXPIRED)
    assert said == "passed: 1 finding known in the baseline"


def test_a_failed_check_without_a_place_still_fails() -> None:
    report = replace(REPORT, checks=(replace(EVALS, findings=()),))
    assert outcome(report, "evals-run-in-ci") == f"failure: fail: {EVALS.statement}"


def test_more_findings_than_a_page_shows_are_counted() -> None:
    many = replace(TIMEOUT, findings=tuple(replace(TIMEOUT.findings[0], line=line) for line in range(1, 1001)))
    text = case(replace(REPORT, checks=(many,)), "llm-timeout-set").findtext("failure") or ""
    assert text.split("\n")[-1] == "800 more findings: readiness scan --check llm-timeout-set"


def test_each_suite_has_the_score_with_and_without_what_is_accepted() -> None:
    for suite in read(RATCHET):
        told = {one.get("name"): one.get("value") for one in suite.iter("property")}
        assert (told["score"], told["grade"], told["raw-score"], told["raw-grade"]) == ("66.1", "C", "62.4", "C")
    suite = read(TROUBLED)[0]
    told = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert told == {"score": "77.9", "grade": "C", "ruler": "1.0.0", "layer-score": "69.9"}


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
@example(WORST)
def test_no_name_and_no_content_does_harm(text: str) -> None:
    written = to_junit(made_hostile(text))
    root = ElementTree.fromstring(written.encode())
    assert_readers_accept(root)
    for tag in ("testsuite", "testcase", "failure", "skipped"):
        assert len(list(root.iter(tag))) == len(list(read(made_hostile("x")).iter(tag)))
    for one, harmless in zip(root.iter("failure"), read(made_hostile("x")).iter("failure"), strict=True):
        assert (one.text or "").count("\n") == (harmless.text or "").count("\n")
    assert not hidden(written)
    assert not [text for one in root.iter() for text in (one.text or "", *one.attrib.values()) if hidden(text)]
    assert not [text for one in root.iter() for text in one.attrib.values() if "\n" in text]
