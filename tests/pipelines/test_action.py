"""The GitHub Action, executed: each step of `action.yml` runs here as it is written, on a runner of our own.

GitHub is not here. Its part is played by `runner.py`, `gh` by a stand-in that keeps comments in a file, and the origin
that the badge is pushed to by a bare repository. The action installs itself for real, once.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from readiness import __version__

from .host import PULL_REQUEST
from .pages import examples, rows
from .runner import Outcome, commands
from .tools import tool

Git = Callable[..., str]
Run = Callable[..., Outcome]


def test_the_hosts_schema_allows_it(project: Path) -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-actions", project / "action.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing(project: Path) -> None:
    done = tool("zizmor", "--offline", "--persona", "auditor", project / "action.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout


def test_what_comes_from_outside_reaches_scripts_by_environment_only(project: Path) -> None:
    steps = yaml.safe_load((project / "action.yml").read_text("utf-8"))["runs"]["steps"]
    assert [step["name"] for step in steps if "${{" in step.get("run", "")] == []
    used = [step["uses"] for step in steps if "uses" in step]
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one)] == []


def test_its_libraries_are_those_it_was_tested_with(project: Path, installation: Path) -> None:
    python = installation / "venv" / "bin" / "python"
    listed = json.loads(tool_of(python, "-m", "pip", "list", "--format", "json"))
    tested = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (project / "constraints.txt").read_text("utf-8"), re.MULTILINE))
    installed = {one["name"].lower().replace("_", "-"): one["version"] for one in listed}
    assert {name: installed[name] for name in installed.keys() & tested.keys()} == {
        name: tested[name] for name in installed.keys() & tested.keys()
    }
    assert {"typer", "jinja2", "tree-sitter"} < installed.keys() & tested.keys()


def tool_of(python: Path, *arguments: str) -> str:
    return subprocess.run([python, "-I", *arguments], capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_gate_that_holds(run: Run) -> None:
    outcome = run(fail_under="1")

    assert outcome.code == 0, outcome.log
    assert outcome.ran == ["Scan", "Add the report to the summary", "Gate"]
    report = json.loads(Path(outcome.outputs["json"]).read_text("utf-8"))
    assert outcome.outputs["score"] == outcome.outputs["raw-score"] == str(report["score"]["value"])
    assert outcome.outputs["grade"] == "F"
    assert json.loads(Path(outcome.outputs["sarif"]).read_text("utf-8"))["version"] == "2.1.0"
    assert "</html>" in Path(outcome.outputs["html"]).read_text("utf-8")
    badge = ElementTree.fromstring(Path(outcome.outputs["badge"]).read_text("utf-8"))
    assert str(badge.get("aria-label")).startswith("readiness: 7 F · ")
    assert outcome.summary.startswith("<!-- readiness -->")
    said = [name for name, _ in commands(outcome.log)]
    assert any(name.startswith("error ") and "file=app.py" in name for name in said)


def test_a_gate_that_fails_does_so_last(run: Run, hub: Path, run_git: Git) -> None:
    outcome = run(fail_under="60", badge_branch="badges", upload_sarif="true")

    assert outcome.code == 1
    assert "is under 60 (--fail-under 60)" in outcome.log
    assert outcome.ran[-4:] == [
        "Publish the badge",
        "Leave out what is accepted",
        "Send the findings to code scanning",
        "Gate",
    ]
    assert outcome.summary
    assert list(outcome.used[0][1]) == ["sarif_file"]
    assert run_git(hub, "branch", "--list") == "badges"


def test_code_scanning_gets_no_finding_that_is_accepted(run: Run, application: Path, commit_all: Git) -> None:
    waiver = '[[waivers]]\ncheck = "{}"\nreason = "later"\nowner = "platform team"\nexpires = 2099-01-01\n'
    (application / "readiness.toml").write_text(waiver.format("ci-runs-tests"), "utf-8")
    commit_all(application)
    outcome = run(upload_sarif="true")
    sent = json.loads(Path(outcome.used[0][1]["sarif_file"]).read_text("utf-8"))["runs"][0]["results"]
    kept = json.loads(Path(outcome.outputs["sarif"]).read_text("utf-8"))["runs"][0]["results"]
    assert [one["ruleId"] for one in kept if one.get("suppressions")] == ["ci-runs-tests"]
    assert sent == [one for one in kept if "suppressions" not in one]


def test_each_input_reaches_the_scan(run: Run, application: Path, commit_all: Git) -> None:
    (application / "the app").mkdir()
    for path in application.glob("*.py"):
        path.rename(application / "the app" / path.name)
    (application / "strict.toml").write_text("fail-under = 99\n", "utf-8")
    commit_all(application)
    outcome = run(config="strict.toml", path="the app", no_waivers="true", badge_max_age="0")
    assert outcome.code == 1
    assert "strict.toml" in outcome.log
    assert "stale: " in Path(outcome.outputs["badge"]).read_text("utf-8")
    outcome = run(fail_under="1\n observability=90  safety-governance=90", fail_on="critical\ninput-size-limited")
    assert outcome.code == 1
    for demand in ("observability=90", "safety-governance=90", "--fail-on critical", "--fail-on input-size-limited"):
        assert demand in outcome.log


def test_a_baseline_or_a_revision_leaves_only_what_is_new(
    run: Run, application: Path, add_a_call: Callable[[], None], installation: Path
) -> None:
    python = installation / "venv" / "bin" / "python"
    tool_of(python, "-m", "readiness", "baseline", str(application), "--output", str(application / "known.json"))

    def marked(inputs: dict[str, str], code: int) -> set[str]:
        outcome = run(**inputs, fail_on="new")
        assert outcome.code == code, outcome.log
        return {name for name, _ in commands(outcome.log) if name.startswith(("error", "warning"))}

    ways = {"baseline": "known.json"}, {"since": "HEAD"}
    for way in ways:
        assert marked(way, 0) == set()
    add_a_call()
    for way in ways:
        assert any("title=llm-timeout-set,file=app.py" in one for one in marked(way, 1))


@pytest.mark.parametrize(
    "inputs",
    [
        {"path": "no/such/folder"},
        {"path": "$(touch made) `touch made`; touch made\ntouch made"},
        {"path": "--output=made"},
        {"config": "$(touch made)"},
        {"baseline": '"; touch made; "'},
        {"since": "--output=made"},
        {"fail_on": "$(touch${IFS}made) * ;touch${IFS}made"},
        {"fail_under": "`touch made`"},
        {"badge_max_age": "$(touch made)"},
    ],
)
def test_what_cannot_be_is_an_error_of_its_own_and_nothing_more(
    inputs: dict[str, str], run: Run, application: Path, run_git: Git
) -> None:
    outcome = run(**inputs, badge_branch="badges", comment="true")

    assert outcome.code == 2, outcome.log
    assert "readiness: " in outcome.log or "Error: " in outcome.log
    assert outcome.ran in (["Scan"], ["Scan", "Gate"])
    assert outcome.summary == ""
    assert run_git(application, "status", "--porcelain") == ""


def test_nothing_a_file_is_called_becomes_a_command(run: Run, application: Path, commit_all: Git) -> None:
    (application / "::error::forged\n::error::forged.py").write_text("import openai\nopenai.OpenAI(\n", "utf-8")
    (application / "x\n::set-output name=score::100\n.py").write_text(
        "from openai import OpenAI\n\nOpenAI().responses.create(model='gpt-4o', input='::error::forged')\n", "utf-8"
    )
    commit_all(application)

    outcome = run()

    assert outcome.code == 0, outcome.log
    assert {name.split(" ")[0] for name, _ in commands(outcome.log)} <= {"error", "warning", "notice"}
    assert "forged" not in [message for _, message in commands(outcome.log)]
    assert outcome.outputs["score"] != "100"


def test_a_repository_without_a_model_has_no_score_and_passes(run: Run, application: Path, run_git: Git) -> None:
    run_git(application, "rm", "-r", "--quiet", ".")
    (application / "main.py").write_text("answer = 42\n", "utf-8")
    outcome = run(fail_under="60")
    assert outcome.code == 0, outcome.log
    assert (outcome.outputs["score"], outcome.outputs["grade"], outcome.outputs["raw-score"]) == ("", "", "")


@pytest.mark.parametrize("code", ["1", "2", "3"])
def test_the_exit_code_of_the_scan_stays_itself(code: str, go_on: Run) -> None:
    assert go_on(code=code).code == int(code)


def test_a_comment_is_made_then_renewed(go_on: Run, comments: Path) -> None:
    before = json.loads(comments.read_text("utf-8"))
    for _ in range(2):
        outcome = go_on(PULL_REQUEST, comment="true", badge_branch="badges")
        assert outcome.code == 0, outcome.log
        assert outcome.ran == ["Add the report to the summary", "Comment on the pull request", "Gate"]
        *others, ours = json.loads(comments.read_text("utf-8"))
        assert others == before
        assert ours["body"] == outcome.summary
        assert ours["body"].startswith("<!-- readiness -->")
        comments.write_text(json.dumps([*others, {**ours, "body": "<!-- readiness -->\nan older report"}]), "utf-8")


def test_a_token_that_may_not_comment_is_a_warning(go_on: Run) -> None:
    outcome = go_on(PULL_REQUEST, environ={"GH_READ_ONLY": "1"}, comment="true")
    assert outcome.code == 0
    assert any("pull-requests: write" in message for _, message in commands(outcome.log))


def test_what_was_not_asked_for_is_not_done(go_on: Run, comments: Path) -> None:
    outcome = go_on(PULL_REQUEST, summary="false")
    assert outcome.ran == ["Gate"]
    assert outcome.summary == ""
    assert len(json.loads(comments.read_text("utf-8"))) == 3


def test_the_page_lists_every_input_and_output(project: Path) -> None:
    page = project / "docs" / "how-to" / "github-action.md"
    action = yaml.safe_load((project / "action.yml").read_text("utf-8"))
    inputs = [
        (f"`{name}`", f"`{one['default']}`" if one["default"] else "", one["description"])
        for name, one in action["inputs"].items()
    ]
    assert rows(page, "Inputs") == [
        (name, "the token of the job" if "github.token" in default else default, words)
        for name, default, words in inputs
    ]
    assert rows(page, "Outputs") == [(f"`{name}`", one["description"]) for name, one in action["outputs"].items()]


def test_the_pages_workflows_are_valid_and_pinned(project: Path, tmp_path: Path) -> None:
    step, *workflows = examples(project / "docs" / "how-to" / "github-action.md")
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    inputs = set(yaml.safe_load((project / "action.yml").read_text("utf-8"))["inputs"])
    for number, text in enumerate(
        [f"{workflows[0].partition('    steps:')[0]}    steps:\n{indented(step)}", *workflows]
    ):
        (job,) = yaml.safe_load(text)["jobs"].values()
        ours = f"your-org/readiness@v{__version__}"
        assert set().union(*(one["with"] for one in job["steps"] if one["uses"] == ours)) <= inputs
        path = folder / f"{number}.yml"
        path.write_text(text.replace(ours, f"your-org/readiness@{'0' * 40} # v{__version__}"), "utf-8")
        done = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", path)
        assert done.returncode == 0, done.stdout + done.stderr
    done = tool("zizmor", "--offline", "--persona", "auditor", folder)
    assert done.returncode == 0, done.stdout + done.stderr


def indented(text: str) -> str:
    return "".join(f"      {line}" for line in text.splitlines(keepends=True))
