"""`badge --max-age`: what is old is drawn as stale, and a clock is looked at nowhere else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from readiness.cli import main
from readiness.report.json import to_json
from readiness.report.model import Report

from ..report.sample import REPORT


@pytest.fixture
def saved(tmp_path: Path) -> str:
    """A saved report of 2026-11-20."""
    path = tmp_path / "report.json"
    path.write_text(to_json(REPORT), encoding="utf-8")
    return str(path)


def message(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["badge", "--format", "json", *arguments]) == 0
    said: str = json.loads(capsys.readouterr().out)["message"]
    return said


@pytest.mark.parametrize(("day", "begins"), [("2026-12-20", "62 C"), ("2026-12-21", "stale: 62 C")])
def test_the_day_to_compare_with(saved: str, day: str, begins: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = message(capsys, "--report", saved, "--max-age", "30", "--as-of", day)
    assert said == f"{begins} · 2026-11-20"


@pytest.mark.parametrize(("years", "stale"), [(0, False), (3, True)])
def test_by_default_it_is_today(years: int, stale: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = datetime.now(tz=UTC).date() - timedelta(days=365 * years)
    path = tmp_path / "report.json"
    path.write_text(to_json(REPORT).replace("2026-11-20", day.isoformat()), encoding="utf-8")
    assert message(capsys, "--report", str(path), "--max-age", "300").startswith("stale: ") is stale


def test_a_fresh_scan_is_judged_and_compared_on_the_same_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def scan(path: Path, **options: Any) -> Report:
        assert options["as_of"].isoformat() == "2026-11-20"
        return REPORT

    monkeypatch.setattr("readiness.scanning.scan", scan)
    assert message(capsys, str(tmp_path), "--as-of", "2026-11-20", "--max-age", "0") == "62 C · 2026-11-20"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--as-of", "2026-12-20"], "--max-age"),
        (["--as-of", "yesterday", "--max-age", "30"], "YYYY-MM-DD"),
        (["--max-age", "-1"], "--max-age"),
        (["--max-age", "a month"], "--max-age"),
    ],
)
def test_what_makes_no_sense_is_refused(
    saved: str, wrong: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["badge", "--report", saved, *wrong]) == 2
    assert words in capsys.readouterr().err
