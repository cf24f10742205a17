"""What our own scanner says of a fresh project: ready, whatever was answered, but for what an answer declines.

A project has no lock file until its first `uv run`: the addresses in one are not ours to hand out. So each is locked
first, as MANUAL_STEPS.md says, where the package registry can be asked.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from readiness import Report, scan
from readiness.scaffold import load_questions

from .answer_sets import DEFAULTS, Answers, every, title
from .conftest import Render
from .environments import DEMANDED, lock

# The answer -> the checks that it declines: its question's help and MANUAL_STEPS.md name them.
# The choices of a question that takes several stand in a tuple.
DECLINES: dict[tuple[str, str | tuple[str, ...]], set[str]] = {
    ("model_provider", "openai-compatible"): {"pinned-model-version", "model-not-retired"},
    ("deploy", ("compose",)): {"autoscaling-and-limits"},
    ("deploy", ()): {"autoscaling-and-limits", "rollback-path"},
    # As long as one of them is the example, somebody answers for something and cannot be reached.
    ("business_owner", "Business owner <business-owner@example.org>"): {"ownership-declared"},
    ("technical_owner", "Technical owner <technical-owner@example.org>"): {"ownership-declared"},
    ("on_call", "On-call rota <on-call@example.org>"): {"ownership-declared"},
    ("risk_owner", "Risk owner <risk-owner@example.org>"): {"ownership-declared"},
    ("data_steward", "Data steward <data-steward@example.org>"): {"ownership-declared"},
}
UNLOCKED = {"dependencies-locked", "container-image-reproducible"}


def declined(answers: Answers) -> set[str]:
    """The checks that these answers decline."""
    usual = {q.name: (q.default or "").replace(",", " ").split() if q.several else q.default for q in load_questions()}
    given = {name: tuple(one) if isinstance(one, list) else one for name, one in {**usual, **answers}.items()}
    return {check for (name, value), checks in DECLINES.items() if given[name] == value for check in checks}


@pytest.fixture(scope="session")
def locks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the lock files of this run, one for each set of requirements."""
    return tmp_path_factory.mktemp("locks")


def locked(project: Path, locks: Path) -> None:
    requirements = (project / "pyproject.toml").read_bytes()
    known = locks / f"{hashlib.sha256(requirements).hexdigest()}.lock"
    if not known.exists():
        lock(project)
        shutil.copy(project / "uv.lock", known)
    shutil.copy(known, project / "uv.lock")


def unsatisfied(report: Report) -> dict[str, str]:
    return {
        str(found.name): found.verdict for found in report.checks if found.verdict not in {"pass", "not-applicable"}
    }


@pytest.mark.parametrize("answers", every(), ids=title)
def test_nothing_is_left_to_satisfy(answers: Answers, render: Render, locks: Path) -> None:
    project = render(answers, again=True)
    if DEMANDED:
        locked(project, locks)

    report = scan(project)

    assert unsatisfied(report).keys() == declined(answers) | (set() if DEMANDED else UNLOCKED)
    assert report.score.coverage == 1 or declined(answers)
    calls = [call for call in report.model_calls if call.role == "serving"]
    assert calls
    assert [(call.path, call.line) for call in calls if not call.understood] == []
    assert (report.skipped, report.problems) == ((), ())


def test_before_the_first_run_only_the_lock_is_missing(render: Render) -> None:
    assert unsatisfied(scan(render(DEFAULTS))).keys() == UNLOCKED | declined(DEFAULTS)
    assert "uv lock" in (render(DEFAULTS) / "MANUAL_STEPS.md").read_text("utf-8")


@pytest.mark.parametrize("answer", DECLINES)
def test_who_declines_a_check_is_told_so(answer: tuple[str, str | tuple[str, ...]], render: Render) -> None:
    name, value = answer
    (question,) = [question for question in load_questions() if question.name == name]
    chosen = list(value) if isinstance(value, tuple) else value
    told = (render({name: chosen}) / "MANUAL_STEPS.md").read_text("utf-8")
    for check in DECLINES[answer]:
        assert check in question.help
        assert f"`{check}`" in told
