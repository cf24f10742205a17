"""GitLab's Code Quality: every finding that is reported, under a fingerprint of its own, at a severity of the table."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings

from readiness.report.findings import EXEMPTIONS, reported
from readiness.report.gitlab import SEVERITIES, to_gitlab
from readiness.report.model import FindingReport, Report

from .sample import EVALS, NO_MODEL, RATCHET, REPORT, TIMEOUT, TROUBLED
from .test_sarif import HOSTILE, WORST, hidden, made_hostile, texts


def entries(report: Report) -> list[dict[str, Any]]:
    found = json.loads(to_gitlab(report))
    assert isinstance(found, list)
    return found


def assert_gitlab_accepts(found: list[dict[str, Any]]) -> None:
    """The keys that GitLab reads, each of the kind it wants; a fingerprint that is there twice would hide a finding."""
    for one in found:
        assert set(one) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert one["description"] and one["check_name"] and one["fingerprint"]
        assert one["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert one["location"]["path"]
        assert 1 <= one["location"]["lines"]["begin"] <= one["location"]["lines"]["end"]
    assert len({one["fingerprint"] for one in found}) == len(found)


@pytest.mark.parametrize("report", [REPORT, TROUBLED, RATCHET, NO_MODEL])
def test_gitlab_accepts_it(report: Report) -> None:
    assert_gitlab_accepts(entries(report))
    assert len(entries(report)) == len(reported(report))


def test_an_entry() -> None:
    assert entries(REPORT)[0] == {
        "description": "no step runs an evaluation suite (evals-run-in-ci)",
        "check_name": "evals-run-in-ci",
        "fingerprint": "2f1e2d3c4b5a6978",
        "severity": "blocker",
        "location": {"path": ".github/workflows/ci.yml", "lines": {"begin": 1, "end": 1}},
    }


def test_with_a_baseline_only_what_is_new_is_an_entry_and_nothing_that_is_accepted() -> None:
    assert [(one["check_name"], one["location"]["path"]) for one in entries(RATCHET)] == [
        ("llm-timeout-set", "src/core/llm.py"),
        (EXEMPTIONS, "readiness.toml"),
    ]


def test_without_a_model_there_is_nothing_to_say() -> None:
    assert entries(NO_MODEL) == []


@pytest.mark.parametrize("weight", ["critical", "high", "medium", "low"])
@pytest.mark.parametrize("verdict", ["fail", "partial"])
def test_severity_is_of_weight_and_verdict(weight: str, verdict: str) -> None:
    check = replace(EVALS, weight=weight, findings=(replace(EVALS.findings[0], verdict=verdict),))
    (one,) = entries(replace(REPORT, checks=(check,)))
    assert one["severity"] == SEVERITIES[verdict][weight]


def test_a_half_is_less_severe_than_a_failure() -> None:
    order = ("info", "minor", "major", "critical", "blocker")
    for weight, severity in SEVERITIES["fail"].items():
        assert order.index(SEVERITIES["partial"][weight]) == order.index(severity) - 1


def test_what_concerns_the_whole_repository_is_said_at_its_readme() -> None:
    check = replace(EVALS, findings=(FindingReport("", 0, 0, "no evaluation is run", "f"),))
    (one,) = entries(replace(REPORT, checks=(check,)))
    assert one["location"] == {"path": "README.md", "lines": {"begin": 1, "end": 1}}
    assert one["description"] == "no evaluation is run (evals-run-in-ci, of the repository as a whole)"


@pytest.mark.parametrize("fingerprint", ["", "f", "f-2"])
def test_equal_fingerprints_are_told_apart(fingerprint: str) -> None:
    twins = tuple(replace(TIMEOUT.findings[0], line=line, fingerprint=fingerprint) for line in (1, 2, 3))
    others = (replace(EVALS.findings[0], fingerprint="f"),)
    checks = (replace(EVALS, findings=others), replace(TIMEOUT, findings=twins))
    assert_gitlab_accepts(entries(replace(REPORT, checks=checks)))


def test_a_long_message_is_cut_where_all_see_it() -> None:
    check = replace(EVALS, findings=(replace(EVALS.findings[0], message="x" * 10_000),))
    (one,) = entries(replace(REPORT, checks=(check,)))
    assert len(one["description"]) < 1100
    assert one["description"].endswith("x… (evals-run-in-ci)")


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
@example(WORST)
def test_no_name_and_no_content_does_harm(text: str) -> None:
    written = to_gitlab(made_hostile(text))
    found = json.loads(written)
    assert_gitlab_accepts(found)
    assert len(found) == len(reported(RATCHET))
    assert not hidden(written)
    assert not [one for one in texts(found) if hidden(one) or "\n" in one]
