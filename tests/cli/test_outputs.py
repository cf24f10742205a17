"""Several forms of one report in one run, and where each of them goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness.cli import main
from readiness.report.json import to_json
from readiness.report.model import Report

from ..report.sample import REPORT

FORMS = ("json", "sarif", "gitlab", "junit", "github", "markdown", "html", "terminal")


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """How often the scan ran; it answers with the sample."""
    asked: list[Path] = []

    def scan(path: Path, **options: Any) -> Report:
        asked.append(path)
        return REPORT

    monkeypatch.setattr("readiness.scanning.scan", scan)
    monkeypatch.chdir(tmp_path)
    return asked


@pytest.mark.parametrize("form", FORMS)
def test_every_form_to_standard_output_and_the_same_into_a_file(
    form: str, scans: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "--format", form]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith("\n")
    assert main(["scan", f"--output={form}=report"]) == 0
    assert Path("report").read_text("utf-8") == shown
    assert main(["scan", "--format", form, "-o", "plain"]) == 0
    assert Path("plain").read_text("utf-8") == shown


def test_one_scan_writes_them_all(scans: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "-q", *(f"-o{form}=out.{form}" for form in FORMS)]) == 0
    assert len(scans) == 1
    assert capsys.readouterr().out.startswith("   62  C")  # the page is still for who watches
    assert json.loads(Path("out.json").read_text("utf-8")) == json.loads(to_json(REPORT))


def test_an_output_may_be_standard_output(scans: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "-o", "json=-", "-o", "sarif=out.sarif"]) == 0
    assert capsys.readouterr().out == to_json(REPORT)


def test_format_and_outputs_together(scans: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "-f", "json", "-o", "sarif=out.sarif"]) == 0
    assert capsys.readouterr().out == to_json(REPORT)
    assert Path("out.sarif").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "srif=x"], "there is no format `srif`; did you mean `sarif`?"),
        (["-o", "json=x", "-o", "sarif=x"], "two reports would go to x"),
        (["-o", "json=-", "-o", "sarif=-"], "two reports would go to the standard output"),
        (["-o", "json=no/such/folder/x"], "no/such/folder/x cannot be written"),
        (["--check", "llm-timeout-set", "-f", "sarif"], "--check shows one check in the terminal"),
        (["--fail-under", "many"], "--fail-under many: a number from 0 to 100 was expected"),
        (["--fail-under", "101"], "a number from 0 to 100 was expected"),
        (["--fail-under", "observabilty=5"], "did you mean `observability`?"),
        (["--fail-on", "criticl"], "did you mean `critical`?"),
        (["--fail-on", "llm-timeout"], "did you mean `llm-timeout-set`?"),
        (["--fail-on", "new"], "--fail-on new needs something to compare with; give --baseline FILE or --since REV"),
        (["--baseline", "none.json"], "none.json cannot be read"),
        (["--config", "none.toml"], "none.toml"),
        (["--config", "none.toml", "--isolated"], "give one of them"),
    ],
)
def test_mistakes_are_told_in_one_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["scan", *arguments]) == 2
    written = capsys.readouterr()
    assert message in written.err
    assert written.err.startswith("readiness: ")
    assert written.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "configuration", "code", "said"),
    [
        (["--fail-under", "62.4"], "", 0, ""),
        (["--fail-under", "62.5"], "", 1, "the score 62.4 is under 62.5 (--fail-under 62.5)"),
        (["--fail-under", "observability=60"], "", 1, "observability 52.9 is under 60 (--fail-under observability=60)"),
        (["--fail-on", "evals-run-in-ci"], "", 1, "1 finding of evals-run-in-ci: evals-run-in-ci at .github/"),
        (["--fail-on", "pinned-model-version"], "", 0, ""),
        ([], "fail-under = 70", 1, "the score 62.4 is under 70 (fail-under in readiness.toml: 70)"),
        ([], "[fail-under]\nobservability = 60", 1, "(fail-under in readiness.toml: observability=60)"),
        ([], 'fail-on = "critical"', 1, "(fail-on in readiness.toml: critical)"),
        (["--fail-under", "10"], "fail-under = 70", 0, ""),
        (["--isolated"], "fail-under = 70", 0, ""),
    ],
)
def test_the_gate(
    arguments: list[str],
    configuration: str,
    code: int,
    said: str,
    scans: list[Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("readiness.toml").write_text(configuration)
    assert main(["scan", *arguments]) == code
    error = capsys.readouterr().err
    assert said in error if code else error == ""


def test_the_gate_is_in_the_report(scans: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "-f", "json", "--fail-under", "90", "--fail-under", "observability=50"]) == 1
    gate = json.loads(capsys.readouterr().out)["gate"]
    assert [one["met"] for one in gate["demands"]] == [False, True]
    assert gate["met"] is False


def test_another_configuration(
    tmp_path: Path, make_repository: Callable[[dict[str, str]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    demo = "from openai import OpenAI\nOpenAI().responses.create(model='gpt-4o', input='x')\n"
    root = make_repository({"app.py": demo, "readiness.toml": "fail-under = 0"})
    (tmp_path / "strict.toml").write_text("fail-under = 99\n")
    assert main(["scan", str(root), "-q"]) == 0
    assert main(["scan", str(root), "-q", "--config", str(tmp_path / "strict.toml")]) == 1
    assert "strict.toml: 99" in capsys.readouterr().err
