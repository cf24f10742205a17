"""A repository with a past switches the gate on today, and is held to getting no worse."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from readiness.cli import main

from .conftest import write

Git = Callable[..., str]
Commit = Callable[[Path], str]

OLD_END = "    return reply.choices[0].message.content\n\n\ndef summarise"
NEW_CALL = """    english = client.responses.create(
        model="gpt-4o-2024-08-06", instructions="Translate.", input=reply.choices[0].message.content
    )
    return english.output_text


def summarise"""
FORMS = ("json", "sarif", "gitlab", "junit", "github", "markdown", "html")
LINE = 11  # where it asks the model


@pytest.fixture
def known(service: Path, commit_all: Commit, capsys: pytest.CaptureFixture[str]) -> Path:
    """The service with its baseline, committed."""
    assert main(["baseline", str(service)]) == 0
    assert "wrote " in capsys.readouterr().err
    commit_all(service)
    return service


def add_call(service: Path) -> None:
    """A second call in a function that made one, without a timeout and without much else."""
    file = service / "app" / "llm.py"
    text = file.read_text("utf-8")
    assert OLD_END in text
    file.write_text(text.replace(OLD_END, NEW_CALL), "utf-8")


def scan(service: Path, *options: str) -> int:
    return main(["scan", str(service), *options])


def places(path: Path) -> set[tuple[str, str, int]]:
    """What a JSON report reports."""
    data = json.loads(path.read_text("utf-8"))
    return {
        (check["name"], finding["path"], finding["line"])
        for check in data["checks"]
        for finding in check["findings"]
        if finding["state"] in ("", "new")
    }


def baseline_of(service: Path) -> str:
    return str(service / "readiness-baseline.json")


def test_on_the_day_it_is_switched_on_nothing_fails(known: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scan(known, "--baseline", baseline_of(known), "--fail-on", "new") == 0
    written = capsys.readouterr()
    assert "New: not in " in written.out
    assert "0 findings" in written.out
    assert written.err == ""


def test_a_new_call_fails_on_exactly_its_line_in_every_format(
    known: Path, tmp_path: Path, commit_all: Commit, capsys: pytest.CaptureFixture[str]
) -> None:
    add_call(known)
    commit_all(known)
    out = {form: tmp_path / f"report.{form}" for form in FORMS}
    for compare in (("--baseline", baseline_of(known)), ("--since", "HEAD~1")):
        outputs = [f"--output={form}={path}" for form, path in out.items()]
        assert scan(known, *compare, "--fail-on", "new", *outputs) == 1
        written = capsys.readouterr()
        assert f"llm-timeout-set at app/llm.py:{LINE}" in written.err
        assert f"app/llm.py:{LINE}" in written.out
        reported = places(out["json"])
        assert ("llm-timeout-set", "app/llm.py", LINE) in reported
        assert {(path, line) for _, path, line in reported} == {("app/llm.py", LINE)}
        names = {name for name, _, _ in reported}
        results = [
            one
            for one in json.loads(out["sarif"].read_text("utf-8"))["runs"][0]["results"]
            if not one.get("suppressions")
        ]
        assert {one["ruleId"] for one in results} == names
        assert {one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in results} == {LINE}
        issues = json.loads(out["gitlab"].read_text("utf-8"))
        assert {(one["check_name"], one["location"]["lines"]["begin"]) for one in issues} == {(n, LINE) for n in names}
        failures = ElementTree.parse(out["junit"]).findall(".//testcase[failure]")
        assert {case.get("name") for case in failures if str(case.get("classname")).count(".") == 1} >= names
        annotations = [
            line for line in out["github"].read_text("utf-8").splitlines() if "file=" in line.partition("::")[2]
        ]
        assert len(annotations) == len(reported)
        assert all(f"file=app/llm.py,line={LINE}" in line for line in annotations)
        assert f"app/llm.py:{LINE}" in out["markdown"].read_text("utf-8")
        assert f"app/llm.py:{LINE}" in _text(out["html"])


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def _text(path: Path) -> str:
    parser = _Text()
    parser.feed(path.read_text("utf-8"))
    return " ".join("".join(parser.parts).split())


def test_code_that_was_laid_out_anew_is_known(known: Path, commit_all: Commit) -> None:
    files = [str(path) for path in sorted((known / "app").glob("*.py"))]
    options = ["--isolated", "--line-length", "50", "--config", "format.quote-style='single'"]
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", *options, *files], check=True, timeout=60)
    commit_all(known)
    for compare in (("--baseline", baseline_of(known)), ("--since", "HEAD~1")):
        assert scan(known, *compare, "--fail-on", "new") == 0


def test_a_renamed_file_has_moved_findings_and_no_new_ones(
    known: Path, tmp_path: Path, run_git: Git, commit_all: Commit
) -> None:
    run_git(known, "mv", "app/llm.py", "app/models.py")
    edited = (known / "app" / "main.py").read_text("utf-8").replace("app.llm", "app.models")
    (known / "app" / "main.py").write_text(edited, "utf-8")
    commit_all(known)
    report = tmp_path / "report.json"
    assert scan(known, "--baseline", baseline_of(known), "--fail-on", "new", f"--output=json={report}") == 0
    scope = json.loads(report.read_text("utf-8"))["scope"]
    assert (scope["new"], scope["fixed"]) == (0, [])
    assert scope["moved"] > 0
    assert scan(known, "--since", "HEAD~1", "--fail-on", "new") == 0


def test_the_same_finding_in_another_file_is_new_while_the_old_file_is_there(
    known: Path, tmp_path: Path, commit_all: Commit
) -> None:
    write(known, {"jobs/night.py": (known / "app" / "llm.py").read_text("utf-8")})
    main_file = known / "app" / "main.py"
    edited = main_file.read_text("utf-8").replace("from app.llm", "from jobs.night")
    route = "\n\n@app.get('/old')\ndef old() -> str:\n    return llm.answer('x')\n"
    main_file.write_text(f"from app import llm\n{edited}{route}", "utf-8")
    commit_all(known)
    report = tmp_path / "report.json"
    assert scan(known, "--baseline", baseline_of(known), "--fail-on", "new", f"--output=json={report}") == 1
    assert ("llm-timeout-set", "jobs/night.py", 7) in places(report)


def test_a_call_that_says_the_same_as_one_that_is_known_is_new(known: Path, commit_all: Commit, tmp_path: Path) -> None:
    file = known / "app" / "llm.py"
    text = file.read_text("utf-8")
    copied = text[text.index("def summarise") : text.index("def classify")].replace("def summarise", "def shorten")
    file.write_text(text.replace("def summarise", f"{copied}def summarise"), "utf-8")
    main_file = known / "app" / "main.py"
    edited = main_file.read_text("utf-8").replace("answer, classify", "answer, shorten, classify")
    main_file.write_text(edited.replace("answer(question)", "shorten(answer(question))"), "utf-8")
    commit_all(known)
    report = tmp_path / "report.json"
    assert scan(known, "--baseline", baseline_of(known), "--fail-on", "new", f"--output=json={report}") == 1
    assert {line for _, path, line in places(report) if path == "app/llm.py"} == {15}


def test_a_finding_that_got_worse_is_new(known: Path, tmp_path: Path) -> None:
    entries = json.loads(Path(baseline_of(known)).read_text("utf-8"))
    worse = [one for one in entries["findings"] if one["check"] == "output-tokens-capped"]
    for one in worse:
        one["verdict"] = "partial"
    changed = tmp_path / "baseline.json"
    changed.write_text(json.dumps(entries), "utf-8")
    report = tmp_path / "report.json"
    assert scan(known, "--baseline", str(changed), "--fail-on", "new", f"--output=json={report}") == 1
    assert {name for name, _, _ in places(report)} == {"output-tokens-capped"}


def test_what_is_fixed_is_told_and_pruned(known: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = known / "app" / "llm.py"
    file.write_text(file.read_text("utf-8").replace("OpenAI()", "OpenAI(timeout=20)"), "utf-8")
    before = json.loads(Path(baseline_of(known)).read_text("utf-8"))["findings"]
    scan(known, "--baseline", baseline_of(known))
    assert "2 fixed" in capsys.readouterr().out
    assert main(["baseline", str(known), "--prune"]) == 0
    assert "(0 added, 2 taken out)" in capsys.readouterr().err
    after = json.loads(Path(baseline_of(known)).read_text("utf-8"))["findings"]
    assert [one for one in before if one["check"] != "llm-timeout-set"] == after


def test_writing_one_while_one_is_active_loses_nothing(known: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(known, {"readiness.toml": 'baseline = "readiness-baseline.json"\n'})
    before = Path(baseline_of(known)).read_bytes()
    assert main(["baseline", str(known)]) == 0
    assert "(0 added, 0 taken out)" in capsys.readouterr().err
    assert Path(baseline_of(known)).read_bytes() == before
    assert scan(known, "--fail-on", "new") == 0


def test_what_cannot_be_read_today_is_not_forgotten(known: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (known / "app" / "llm.py").write_text("def broken(:\n", "utf-8")
    assert main(["baseline", str(known)]) == 0
    entries = json.loads(Path(baseline_of(known)).read_text("utf-8"))["findings"]
    assert "app/llm.py" in {one["path"] for one in entries}


def test_a_saved_report_is_a_baseline_too(known: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert scan(known, "--format", "json", "-o", str(report)) == 0
    assert scan(known, "--baseline", str(report), "--fail-on", "new") == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"readiness_baseline": "1"}', "null", '{"readiness_baseline": "9"}'])
def test_what_is_no_baseline_is_refused(
    service: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b.json").write_text(text)
    assert scan(service, "--baseline", str(tmp_path / "b.json")) == 2
    assert "`readiness baseline`" in capsys.readouterr().err


def test_findings_of_the_whole_repository_have_no_line_to_change(
    known: Path, tmp_path: Path, run_git: Git, commit_all: Commit
) -> None:
    run_git(known, "rm", "-q", "Dockerfile")
    commit_all(known)
    report = tmp_path / "report.json"
    assert scan(known, "--since", "HEAD~1", f"--output=json={report}") == 0
    assert places(report) == set()


@pytest.mark.parametrize("revision", ["nowhere", "--help", "HEAD:app", ""])
def test_a_revision_that_is_none_is_refused(known: Path, revision: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(known), f"--since={revision}"]) == 2
    assert capsys.readouterr().err.startswith("readiness: ")


def test_the_baseline_of_a_repository_without_a_model(
    make_repository: Callable[[dict[str, str]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_repository({"app.py": "print('hello')\n"})
    assert main(["baseline", str(root)]) == 0
    assert "0 findings" in capsys.readouterr().err
    assert scan(root, "--baseline", str(root / "readiness-baseline.json"), "--fail-on", "new") == 0


def test_a_baseline_and_a_revision_together_leave_what_both_call_new(
    known: Path, tmp_path: Path, commit_all: Commit
) -> None:
    file = known / "app" / "llm.py"
    file.write_text(file.read_text("utf-8").replace("max_tokens=9, ", ""), "utf-8")
    commit_all(known)
    add_call(known)
    commit_all(known)
    report = tmp_path / "report.json"
    compare = ("--baseline", baseline_of(known), "--since", "HEAD~1")
    assert scan(known, *compare, "--fail-on", "new", f"--output=json={report}") == 1
    assert {(path, line) for _, path, line in places(report)} == {("app/llm.py", LINE)}
    scope = json.loads(report.read_text("utf-8"))["scope"]
    assert scope["known"] > 0
    assert scope["outside"] > 0  # the limit that was taken out before that revision
