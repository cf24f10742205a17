"""What the tutorial tells a newcomer happens."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import readiness

TUTORIAL = "docs/tutorials/scan-the-pilot.md"


@pytest.fixture
def copied_pilot(pilot: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pilot, tmp_path / "pilot", ignore=shutil.ignore_patterns("__pycache__")))


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_the_pilot_has_something_to_say_in_every_layer(copied_pilot: Path) -> None:
    report = readiness.scan(copied_pilot)

    assert report.score is not None
    wanting = {check.layer for check in report.checks if check.verdict in ("fail", "partial")}
    assert wanting == {layer.name for layer in report.layers}
    assert any(check.verdict == "pass" for check in report.checks)


def test_every_model_call_of_the_pilot_is_understood(copied_pilot: Path) -> None:
    report = readiness.scan(copied_pilot)

    calls = {(call.path, call.name) for call in report.model_calls if call.path.endswith(".py")}
    assert {path for path, _ in calls} == {"assistant.py", "search.py", "app.py"}  # app.py calls what wraps them
    assert all(call.understood for call in report.model_calls)
    assert report.skipped == ()


def test_setting_the_timeouts_gains_exactly_what_the_report_promised(copied_pilot: Path) -> None:
    before = readiness.scan(copied_pilot)
    for name in ("assistant.py", "search.py"):
        replace(copied_pilot / name, "client = OpenAI()", "client = OpenAI(timeout=30)")
    after = readiness.scan(copied_pilot)

    (timeout,) = (check for check in before.checks if check.name == "llm-timeout-set")
    (mended,) = (check for check in after.checks if check.name == "llm-timeout-set")
    assert timeout.verdict != "pass"
    assert mended.verdict == "pass"
    assert before.score is not None
    assert after.score is not None
    assert after.score.value == pytest.approx(before.score.value + timeout.gain, abs=0.11)  # both are rounded


def test_the_tutorial_shows_the_edit_that_is_tested(project: Path) -> None:
    text = (project / TUTORIAL).read_text("utf-8")

    assert "client = OpenAI()" in text
    assert "client = OpenAI(timeout=30)" in text
