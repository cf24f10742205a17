"""`readiness compare`: what OLD and NEW may be, how they are scanned, and the forms of the answer.

The scan itself is replaced: it has its own tests.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from readiness.cli.compare import compare
from readiness.errors import UsageError
from readiness.report.json import to_json
from readiness.report.model import Report, RulerReport

from ..report.sample import RATCHET, REPORT

APP = typer.Typer()
APP.command()(compare)


def run(*arguments: str) -> int:
    """The command's exit code; what it refuses comes out as it is."""
    code = APP(args=list(arguments), standalone_mode=False)
    assert isinstance(code, int)
    return code


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the scans were asked for; NEW is asked for first. A scan answers with the sample."""
    asked: list[dict[str, Any]] = []

    def scan(path: Path, **options: Any) -> Report:
        asked.append({"path": path, **options})
        return REPORT

    monkeypatch.setattr("readiness.scanning.scan", scan)
    return asked


def save(report: Report, path: Path) -> str:
    path.write_text(to_json(report), encoding="utf-8")
    return str(path)


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A saved report."""
    return save(REPORT, tmp_path / "old.json")


@pytest.fixture
def new(tmp_path: Path) -> str:
    """A saved report of later."""
    return save(RATCHET, tmp_path / "new.json")


def test_two_saved_reports(old: str, new: str, calls: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(old, new) == 0
    assert "   62.4 C → 66.1 C   +3.7" in capsys.readouterr().out
    assert calls == []


def test_json_into_a_file(old: str, new: str, tmp_path: Path) -> None:
    assert run(old, new, "--format", "json", "-o", str(tmp_path / "changes.json")) == 0
    assert json.loads((tmp_path / "changes.json").read_text(encoding="utf-8"))["change"] == 3.7


def test_markdown(old: str, new: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(old, new, "-f", "markdown") == 0
    assert capsys.readouterr().out.startswith("<!-- readiness: compare -->\n## readiness: 62.4 C → 66.1 C, +3.7\n")


def test_a_folder_is_scanned(old: str, tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    assert run(old, str(tmp_path), "--exclude", "docs/", "--no-waivers") == 0
    assert [(call["path"], call["revision"]) for call in calls] == [(tmp_path, None)]
    assert (calls[0]["exclude"], calls[0]["waivers"]) == (["docs/"], False)


def test_anything_else_is_a_revision_of_the_repository(tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    assert run("v1.0", "HEAD", "--repository", str(tmp_path)) == 0
    assert [(call["path"], call["revision"]) for call in calls] == [(tmp_path, "HEAD"), (tmp_path, "v1.0")]


def test_a_revision_may_be_no_path_at_all(calls: list[dict[str, Any]]) -> None:
    assert run("x" * 5_000, "HEAD~1^{commit}") == 0
    assert [call["revision"] for call in calls] == ["HEAD~1^{commit}", "x" * 5_000]


def test_a_pipe_holds_a_report(new: str, calls: list[dict[str, Any]]) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"{}")
    os.close(writing)
    with pytest.raises(UsageError, match="not a readiness report"):
        run(f"/dev/fd/{reading}", new)
    os.close(reading)
    assert calls == []


def test_both_sides_have_one_configuration_and_one_day(tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "readiness.toml").write_text(f'exclude = ["{name}/"]\nbaseline = "known.json"\n')
    assert run(str(tmp_path / "before"), str(tmp_path / "after")) == 0
    later, earlier = calls
    assert earlier["configuration"] is later["configuration"]
    assert later["configuration"].exclude == ("after/",)
    assert later["configuration"].baseline is None
    assert later["as_of"] is None
    assert earlier["as_of"].isoformat() == REPORT.as_of


def test_a_day_that_is_given_is_that_of_both(tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    assert run("v1.0", str(tmp_path), "--as-of", "2026-01-31") == 0
    assert [call["as_of"].isoformat() for call in calls] == ["2026-01-31"] * 2


def test_isolated_from_the_configuration(tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    (tmp_path / "readiness.toml").write_text('exclude = ["src/"]\n')
    assert run("v1.0", str(tmp_path), "--isolated") == 0
    assert {(call["configuration"].exclude, call["waivers"]) for call in calls} == {((), False)}


def test_options_of_a_scan_need_one(old: str, new: str) -> None:
    with pytest.raises(UsageError, match="nothing is scanned"):
        run(old, new, "--isolated")


@pytest.mark.parametrize("content", [b"{}", b"nonsense", b"\xff\xfe"])
def test_a_file_that_is_no_report(content: bytes, new: str, tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_bytes(content)
    with pytest.raises(UsageError, match=r"old\.txt"):
        run(str(tmp_path / "old.txt"), new)


def test_rulers_that_share_too_little(old: str, tmp_path: Path) -> None:
    other = replace(REPORT, ruler=RulerReport("9.0.0", "sha256:" + "cd" * 32), layers=REPORT.layers[:5])
    with pytest.raises(UsageError, match="scan OLD again with this version"):
        run(old, save(other, tmp_path / "other.json"))
