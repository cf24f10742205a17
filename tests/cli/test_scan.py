"""`readiness scan`: options, exit codes, and where things are written.

The scan itself is replaced: it has its own tests.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from readiness.cli import main
from readiness.errors import UsageError
from readiness.report.json import to_json
from readiness.report.model import Report

from ..report.sample import NO_MODEL, REPORT

Scan = Callable[..., Report]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the scan was asked for; it always answers with the sample."""
    asked: list[dict[str, Any]] = []

    def scan(path: Path, **options: Any) -> Report:
        asked.append({"path": path, **options})
        return NO_MODEL if "no-model" in str(path) else REPORT

    monkeypatch.setattr("readiness.scanning.scan", scan)
    return asked


@pytest.fixture
def folder(tmp_path: Path, calls: list[dict[str, Any]]) -> str:
    """An empty folder, whose scan gives the sample."""
    (tmp_path / "code").mkdir()
    return str(tmp_path / "code")


def test_the_report_goes_to_standard_output_and_nothing_else(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", folder]) == 0
    written = capsys.readouterr()
    assert "   62  C   between 58 and 71" in written.out
    assert written.err == ""


def test_here_is_the_default(monkeypatch: pytest.MonkeyPatch, folder: str, calls: list[dict[str, Any]]) -> None:
    monkeypatch.chdir(folder)
    assert main(["scan"]) == 0
    assert calls[0]["path"] == Path()


def test_json_is_the_report(folder: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["scan", folder, "--format", "json"]) == 0
    assert capsysbinary.readouterr().out == to_json(REPORT).encode()


def test_quiet_is_one_line(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", folder, "-q"]) == 0
    assert capsys.readouterr().out == "   62  C   between 58 and 71   the stack stands 2 of 6 layers high\n"


def test_verbose_lists_the_checks(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", folder, "-v"]) == 0
    assert "pinned-model-version" in capsys.readouterr().out


def test_one_check_in_detail(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", folder, "--check", "llm-timeout-set"]) == 0
    assert "75 │ reply = await model.ainvoke(" in capsys.readouterr().out


def test_a_check_that_does_not_exist(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", folder, "--check", "llm-timout"]) == 2
    assert "there is no check `llm-timout`; did you mean `llm-timeout-set`" in capsys.readouterr().err


@pytest.mark.parametrize("contradiction", [["-v", "-q"], ["--check", "x", "-q"], ["--check", "x", "-f", "json"]])
def test_options_that_contradict_each_other(folder: str, contradiction: list[str]) -> None:
    assert main(["scan", folder, *contradiction]) == 2


@pytest.mark.parametrize(("least", "code"), [("62.4", 0), ("62.5", 1), ("0", 0)])
def test_the_gate(folder: str, least: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", folder, "--fail-under", least]) == code
    written = capsys.readouterr()
    assert "62  C" in written.out
    assert written.err == ("readiness: the score 62.4 is under 62.5 (--fail-under 62.5)\n" if code else "")


def test_the_gate_of_the_configuration(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    (Path(folder) / "readiness.toml").write_text("fail-under = 90\n")
    assert main(["scan", folder]) == 1
    assert "is under 90 (fail-under in readiness.toml: 90)" in capsys.readouterr().err
    assert main(["scan", folder, "--fail-under", "50"]) == 0, "the command line wins"
    assert main(["scan", folder, "--isolated"]) == 0


def test_a_repository_without_a_model_passes_every_gate(tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    (tmp_path / "no-model").mkdir()
    assert main(["scan", str(tmp_path / "no-model"), "--fail-under", "90"]) == 0


def test_options_reach_the_scan(folder: str, calls: list[dict[str, Any]]) -> None:
    (Path(folder) / "readiness.toml").write_text('exclude = ["docs/"]\n')
    assert main(["scan", folder, "--as-of", "2026-11-20", "--exclude", "a/", "--exclude", "b/"]) == 0
    assert calls[0]["as_of"] == date(2026, 11, 20)
    assert calls[0]["exclude"] == ["a/", "b/"]
    assert calls[0]["configuration"].exclude == ("docs/",)
    assert main(["scan", folder, "--no-config"]) == 0
    assert calls[1]["configuration"].exclude == ()


@pytest.mark.parametrize("wrong", [["--as-of", "tomorrow"], ["--fail-under", "101"], ["--format", "xml"], ["--colour"]])
def test_a_wrong_option(folder: str, wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", folder, *wrong]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err


def test_a_file_is_written_whole(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    target.chmod(0o640)
    assert main(["scan", folder, "-f", "json", "-o", str(target)]) == 0
    assert target.read_text(encoding="utf-8") == to_json(REPORT)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code", "report.json"]
    assert capsys.readouterr().out == ""


def test_a_link_stays_a_link(folder: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real.txt")
    assert main(["scan", folder, "-o", str(tmp_path / "link")]) == 0
    assert (tmp_path / "link").is_symlink()
    assert "62  C" in (tmp_path / "real.txt").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_written(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", folder, "-o", str(tmp_path / "missing" / "report.txt")]) == 2
    assert main(["scan", folder, "-o", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("cannot be written") == 2


def test_nothing_is_left_of_a_write_that_fails(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "report.txt").write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert main(["scan", folder, "-o", str(tmp_path / "report.txt")]) == 2
    assert (tmp_path / "report.txt").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code", "report.txt"]


def test_a_usage_error_is_told_without_escape_sequences(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def scan(path: Path, **_: Any) -> Report:
        raise UsageError("cannot read \x1b[31mthis")

    monkeypatch.setattr("readiness.scanning.scan", scan)
    assert main(["scan", folder]) == 2
    assert capsys.readouterr().err == "readiness: cannot read \\x1b[31mthis\n"


def test_a_fault_of_ours_is_one_line_and_code_3(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def scan(path: Path, **_: Any) -> Report:
        raise ZeroDivisionError("over\nthere\x1b")

    monkeypatch.setattr("readiness.scanning.scan", scan)
    assert main(["scan", folder]) == 3
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "ZeroDivisionError: over there\\x1b" in told
    assert "Please report this line" in told
    monkeypatch.setenv("READINESS_DEBUG", "1")
    assert main(["scan", folder]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c(folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def scan(path: Path, **_: Any) -> Report:
        raise KeyboardInterrupt

    monkeypatch.setattr("readiness.scanning.scan", scan)
    assert main(["scan", folder]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_terminal_that_cannot_draw_gets_ascii(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["scan", folder]) == 0
    stream.flush()
    written = stream.buffer.getvalue()  # type: ignore[attr-defined]
    assert b"####......" in written


def test_many_names_in_a_report_do_not_change_the_exit_code(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = replace(REPORT, repository=replace(REPORT.repository, name="\udcff[red]\n\x1b"))
    monkeypatch.setattr("readiness.scanning.scan", lambda path, **_: hostile)
    for form in ("terminal", "json"):
        assert json.dumps(main(["scan", folder, "-f", form])) == "0"
