"""A metric is a number; a gate is what a bad number stops. CI runs the one that its command selects."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from readiness.facts.facts import Facts

FactsOf = Callable[[Mapping[str, str]], Facts]

APP = "from openai import OpenAI\n\nclient = OpenAI(timeout=30)\n\ndef ask(question: str) -> str:\n" \
      "    return client.responses.create(model='gpt-4o', input=question).output_text\n"  # fmt: skip
CI = "on: {on}\njobs:\n  evals:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {run}\n"


def script(ending: str) -> str:
    return f"""
from app import ask
import sys

CASES = []

def run():
    correct = sum(case["expected"] in ask(case["question"]) for case in CASES)
    return correct / len(CASES)

def main():
    accuracy = run()
{ending}
"""


@pytest.mark.parametrize(
    ("ending", "gated"),
    [
        ("    print(accuracy)", False),
        ("    assert accuracy >= 0.8", True),
        ("    if accuracy < 0.8:\n        sys.exit(1)", True),
        ("    if accuracy < 0.8:\n        raise SystemExit('worse')", True),
        ("    if accuracy < 0.8:\n        print('worse')", False),
        ("    sys.exit(0 if accuracy > 0.8 else 1)", True),
        ("    good = accuracy > 0.8\n    if not good:\n        sys.exit(1)", True),
        ("    assert 0 <= accuracy <= 1", False),
        ("    assert 1 <= accuracy <= 5", False),
        ("    assert 0.8 <= accuracy <= 1", True),
        ("    assert accuracy >= 0", False),
        ("    assert len(CASES) > 3", False),
    ],
)
def test_a_comparison_is_a_gate_when_it_can_stop_the_run(facts_of: FactsOf, ending: str, gated: bool) -> None:
    (suite,) = facts_of({"app.py": APP, "evals/run.py": script(ending)}).evals.suites
    assert suite.gated is gated


@pytest.mark.parametrize(
    ("run", "on", "problem"),
    [
        ("python evals/run.py", "pull_request", ""),
        ("python -m evals.run", "push", ""),
        ("uv run evals/run.py", "push", ""),
        ("make evals", "push", ""),
        ("python evals/run.py || true", "push", "its failure does not count"),
        ("python evals/run.py", "workflow_dispatch", "started by manual only"),
        ("pip install -r evals/requirements.txt", "push", None),
        ("ruff check evals", "push", None),
    ],
)
def test_ci_runs_a_script(facts_of: FactsOf, run: str, on: str, problem: str | None) -> None:
    main = "    assert accuracy >= 0.8\n\nif __name__ == '__main__':\n    main()\n"
    files = {"app.py": APP, "evals/run.py": script(main), "Makefile": "evals:\n\tpython evals/run.py\n"}
    evals = facts_of({**files, ".github/workflows/evals.yml": CI.format(on=on, run=run)}).evals
    found = [*evals.runs, *evals.weak_runs]
    assert [run.problem[: len(problem)] for run in found] == ([] if problem is None else [problem])
    assert all(suite.reached_by == ("" if problem is None else "ci") for suite in evals.suites)


def test_cases_that_the_real_model_must_meet_are_a_metric_with_a_gate(facts_of: FactsOf) -> None:
    test = """
        import pytest
        from app import ask

        @pytest.mark.parametrize("question, expected", [("2 + 2", "4")])
        def test_answers(question, expected):
            assert expected in ask(question)
    """
    (suite,) = facts_of({"app.py": APP, "evals/test_answers.py": test}).evals.suites
    assert (suite.gated, suite.reached_by, suite.metrics[0].name) == (True, "test", "expected answers")


def test_promptfoo_asserts_are_metrics_and_gates(facts_of: FactsOf) -> None:
    config = """
        prompts: [prompt.txt]
        providers: [openai:gpt-4o]
        tests:
          - vars: {question: a}
            assert:
              - {type: contains, value: b}
              - {type: context-faithfulness, threshold: 0.8}
          - vars: {question: c}
    """
    files = {"app.py": APP, "promptfooconfig.yaml": config}
    (suite,) = facts_of(files).evals.suites
    assert [metric.kind for metric in suite.metrics] == ["task", "grounded"]
    assert not suite.gated  # one of the cases asserts nothing


def test_scores_that_are_given_names_before_they_are_kept_are_metrics(facts_of: FactsOf) -> None:
    run = """
from app import ask

def judge(name, answer):
    return len(ask(name + answer))

def run(case):
    fluency_score = judge("fluency", case["answer"])
    coherence_score = judge("coherence", case["answer"])
    case["fluency"] = fluency_score
    case["coherence"] = coherence_score
    return case
"""

    (suite,) = facts_of({"app.py": APP, "evals/run.py": run}).evals.suites

    assert sorted(m.name for m in suite.metrics) == ["coherence", "fluency"]
