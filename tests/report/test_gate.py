"""The gate says in words what was demanded, and whether it is met."""

from __future__ import annotations

from dataclasses import replace

import pytest

from readiness.report.gate import Demands, judge_gate
from readiness.report.model import Report

from .sample import NO_MODEL, RATCHET, REPORT, TROUBLED


def judged(report: Report, **demands: object) -> list[tuple[str, bool, str]]:
    gate = judge_gate(report, Demands(**demands))  # type: ignore[arg-type]
    assert gate is not None
    assert gate.met == all(one.met for one in gate.demands)
    return [(one.demand, one.met, one.says) for one in gate.demands]


def test_without_demands_there_is_no_gate() -> None:
    assert judge_gate(REPORT, Demands()) is None


@pytest.mark.parametrize(
    ("least", "met", "says"),
    [(62.4, True, "the score 62.4 is not under 62.4"), (62.5, False, "the score 62.4 is under 62.5")],
)
def test_a_score(least: float, met: bool, says: str) -> None:
    assert judged(REPORT, under={"": least}) == [(f"--fail-under {least:g}", met, says)]


def test_a_layer() -> None:
    assert judged(REPORT, under={"": 0, "observability": 60}) == [
        ("--fail-under 0", True, "the score 62.4 is not under 0"),
        ("--fail-under observability=60", False, "observability 52.9 is under 60"),
    ]


def test_a_layer_that_is_not_scored_meets_nothing() -> None:
    says = "observability is not scored: nothing in it could be decided"
    assert judged(TROUBLED, under={"observability": 1}) == [("--fail-under observability=1", False, says)]


def test_a_repository_without_a_model_meets_everything() -> None:
    assert all(met for _, met, _ in judged(NO_MODEL, under={"": 100, "observability": 100}, on=("new", "critical")))


@pytest.mark.parametrize(
    ("word", "met", "says"),
    [
        ("critical", False, "3 findings of weight critical: "),
        ("high", False, "3 findings of weight high or more: "),
        ("llm-timeout-set", False, "2 findings of llm-timeout-set: "),
        ("pinned-model-version", True, "no finding of pinned-model-version"),
        ("exemptions-in-order", True, "no finding of exemptions-in-order"),
    ],
)
def test_a_weight_or_a_check(word: str, met: bool, says: str) -> None:
    ((demand, is_met, words),) = judged(REPORT, on=(word,))
    assert (demand, is_met) == (f"--fail-on {word}", met)
    assert words.startswith(says)


def test_the_places_are_named_and_the_rest_counted() -> None:
    ((_, _, says),) = judged(REPORT, on=("low",))
    assert says == (
        "3 findings: evals-run-in-ci at .github/workflows/ci.yml:1, llm-timeout-set at src/agents/research.py:31 "
        "and llm-timeout-set at src/core/llm.py:75"
    )


def test_with_a_baseline_only_what_is_new_counts() -> None:
    ((_, met, says),) = judged(RATCHET, on=("new",))
    assert (met, says) == (
        False,
        "2 new findings: llm-timeout-set at src/core/llm.py:75 and exemptions-in-order at readiness.toml:11",
    )
    assert judged(RATCHET, on=("evals-run-in-ci",))[0][1]  # it is in the baseline
    assert not judged(RATCHET, on=("exemptions-in-order",))[0][1]


def test_faults_of_exemptions_have_no_weight() -> None:
    checks = tuple(replace(check, findings=()) for check in RATCHET.checks)
    assert judged(replace(RATCHET, checks=checks), on=("low",)) == [("--fail-on low", True, "no finding")]


def test_an_experimental_check_fails_nothing() -> None:
    checks = tuple(replace(check, experimental=True) for check in REPORT.checks)
    assert judged(replace(REPORT, checks=checks), on=("low",))[0][1]


def test_it_says_where_the_demand_is_written() -> None:
    demands = {"under": {"": 70}, "on": ("high",), "under_source": "readiness.toml", "on_source": "readiness.toml"}
    assert [demand for demand, _, _ in judged(REPORT, **demands)] == [
        "fail-under in readiness.toml: 70",
        "fail-on in readiness.toml: high",
    ]


def test_names_of_files_are_shown_and_not_obeyed() -> None:
    timeout = REPORT.check("llm-timeout-set")
    assert timeout is not None
    hostile = replace(timeout, findings=(replace(timeout.findings[0], path="a\n::error::\x1b[2J\u202e.py"),))
    ((_, _, says),) = judged(replace(REPORT, checks=(hostile,)), on=("critical",))
    assert "\\n::error::\\x1b[2J\\u202e.py:75" in says
    assert says.isprintable()
