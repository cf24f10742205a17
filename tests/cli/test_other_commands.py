"""`explain`, `checks`, `badge`, and what holds for every command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from readiness import __version__
from readiness.cli import main
from readiness.report.json import to_json
from readiness.report.model import Report

from ..report.sample import REPORT, TROUBLED


@pytest.fixture
def saved(tmp_path: Path) -> str:
    """A saved report."""
    path = tmp_path / "report.json"
    path.write_text(to_json(REPORT), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([flag]) == 0
    assert capsys.readouterr().out == f"readiness {__version__}\n"


@pytest.mark.parametrize("command", [[], ["scan"], ["explain"], ["checks"], ["badge"], ["new"]])
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help(command: list[str], flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, flag]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Usage: readiness")
    assert "\x1b" not in shown


def test_without_arguments_there_is_help_and_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    written = capsys.readouterr()
    assert "scan" in written.out + written.err


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scna"]) == 2
    assert "scan" in capsys.readouterr().err


def test_explain_a_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "llm-timeout-set"]) == 0
    shown = capsys.readouterr().out
    for heading in ("Why", "Not ready", "Ready", "How it is decided", "What it must not fire on", "Sources"):
        assert f"{heading}\n" in shown
    assert "OpenAI(timeout=30)" in shown


def test_explain_suggests_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "timeout"]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert "`llm-timeout-set`" in written.err
    assert main(["explain", "zzzzzz"]) == 2
    assert "`readiness checks` lists them all" in capsys.readouterr().err


def test_the_list_of_checks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checks"]) == 0
    assert "llm-timeout-set" in capsys.readouterr().out


def test_the_list_can_be_narrowed(capsys: pytest.CaptureFixture[str]) -> None:
    narrow = ["--layer", "integration-reliability", "--debt", "integration", "--weight", "critical"]
    assert main(["checks", *narrow, "--format", "json"]) == 0
    chosen = json.loads(capsys.readouterr().out)["checks"]
    assert "llm-timeout-set" in {check["name"] for check in chosen}
    assert {(check["layer"], check["debt"], check["weight"]) for check in chosen} == {
        ("integration-reliability", "integration", "critical")
    }


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--layer", "observabilty"], "there is no layer `observabilty`; did you mean `observability`?"),
        (["--debt", "x"], "there is no debt `x`; there are technical"),
        (["--weight", "huge"], "huge"),
    ],
)
def test_a_filter_that_does_not_exist(wrong: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checks", *wrong]) == 2
    assert words in capsys.readouterr().err


def test_the_list_as_markdown(tmp_path: Path) -> None:
    assert main(["checks", "--format", "markdown", "-o", str(tmp_path / "checks.md")]) == 0
    assert "| `llm-timeout-set` | 3 | integration | critical | minutes |" in (tmp_path / "checks.md").read_text("utf-8")


def test_the_badge_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def scan(path: Path, **options: Any) -> Report:
        asked.append((path, options["as_of"].isoformat()))
        return TROUBLED

    monkeypatch.setattr("readiness.scanning.scan", scan)
    assert main(["badge", str(tmp_path), "--as-of", "2026-11-20", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["message"] == "provisional 77 C · 2026-11-20"
    assert asked == [(tmp_path, "2026-11-20")]


def test_the_badge_of_a_saved_report(saved: str, tmp_path: Path) -> None:
    assert main(["badge", "--report", saved, "-o", str(tmp_path / "badge.svg")]) == 0
    root = ElementTree.fromstring((tmp_path / "badge.svg").read_text(encoding="utf-8"))
    assert root.get("aria-label") == "readiness: 62 C · 2026-11-20"


def test_the_badge_of_a_layer(saved: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["badge", "--report", saved, "--layer", "observability", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "observability"
    assert main(["badge", "--report", saved, "--layer", "observability-x"]) == 2
    assert "did you mean `observability`?" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"{}", b"nonsense", b"\xff\xfe", None])
def test_a_report_that_is_none(content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.json"
    if content is not None:
        path.write_bytes(content)
    assert main(["badge", "--report", str(path)]) == 2
    assert "report.json" in capsys.readouterr().err


def test_a_saved_report_is_not_scanned_again(saved: str) -> None:
    assert main(["badge", ".", "--report", saved]) == 2
