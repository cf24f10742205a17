"""The badge on a branch: the action's step that publishes it, run on what one scan left."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from .host import PULL_REQUEST, PUSH
from .runner import Outcome, commands

Git = Callable[..., str]
Run = Callable[..., Outcome]


def test_the_badge_is_published_renewed_and_left_alone(
    go_on: Run, scan: Outcome, scanned: Path, hub: Path, application: Path, run_git: Git
) -> None:
    day = scan.steps["scan"]["outputs"]["day"]
    assert go_on(badge_branch="badges").code == 0
    files = run_git(hub, "ls-tree", "--name-only", "badges").split()
    assert files == [f"readiness-{day}.svg", "readiness.json", "readiness.svg"]
    assert json.loads(run_git(hub, "show", "badges:readiness.json"))["message"] == f"7 F · {day}"
    assert run_git(hub, "show", f"badges:readiness-{day}.svg") == run_git(hub, "show", "badges:readiness.svg")
    assert run_git(hub, "rev-list", "--count", "badges") == "1"
    first = run_git(hub, "rev-parse", "badges")

    assert "Publish the badge" in go_on(badge_branch="badges").ran
    assert run_git(hub, "rev-parse", "badges") == first  # nothing changed, so there is no commit

    (scanned / "badge.json").write_text("{}\n", "utf-8")
    go_on(badge_branch="badges")
    assert run_git(hub, "show", "badges:readiness.json") == "{}"
    assert run_git(hub, "rev-parse", "badges^") == first
    assert run_git(application, "status", "--porcelain") == ""
    assert run_git(application, "branch", "--list") == "* main"


def test_other_files_of_the_branch_stay(go_on: Run, hub: Path, application: Path, run_git: Git) -> None:
    run_git(application, "push", "--quiet", str(hub), "main:pages")
    assert go_on(badge_branch="pages").code == 0
    files = run_git(hub, "ls-tree", "--name-only", "pages").split()
    assert {"app.py", "Dockerfile", "readiness.svg"} < set(files)


def test_whoever_publishes_meanwhile_is_not_overwritten(go_on: Run, hub: Path, application: Path, run_git: Git) -> None:
    run_git(application, "push", "--quiet", str(hub), "main:other")
    theirs = run_git(application, "rev-parse", "main")
    hook = hub / "hooks" / "pre-receive"  # another run, that is quicker once
    hook.write_text(f'#!/bin/sh\nrm "$0"\nprintf "%s\\n" {theirs} >"$GIT_DIR/refs/heads/badges"\n', "utf-8")
    hook.chmod(0o755)

    outcome = go_on(badge_branch="badges")

    assert not hook.exists()
    assert not [message for name, message in commands(outcome.log) if name.startswith("warning")], outcome.log
    assert run_git(hub, "rev-parse", "badges^") == theirs


@pytest.mark.parametrize(
    "github",
    [
        PULL_REQUEST,
        {**PULL_REQUEST, "event_name": "pull_request_target", "ref_name": "main"},
        {**PUSH, "ref_name": "a-branch"},
        {**PUSH, "event_name": "workflow_run"},
    ],
    ids=lambda github: f"{github['event_name']}-{github['ref_name']}",
)
def test_only_the_default_branch_publishes(github: Mapping[str, Any], go_on: Run, hub: Path, run_git: Git) -> None:
    assert go_on(github, badge_branch="badges").code == 0
    assert run_git(hub, "for-each-ref") == ""


def test_a_schedule_that_does_not_tell_the_default_branch_publishes(go_on: Run, hub: Path, run_git: Git) -> None:
    go_on({**PUSH, "event_name": "schedule", "event": {}}, badge_branch="badges")
    assert run_git(hub, "branch", "--list") == "badges"


@pytest.mark.parametrize("branch", ["$(touch made)", "--delete", "a\nb", "../up", "@{-1}"])
def test_a_branch_that_cannot_be_one_is_a_warning(
    branch: str, go_on: Run, hub: Path, application: Path, run_git: Git
) -> None:
    outcome = go_on(badge_branch=branch)
    assert outcome.code == 0, outcome.log
    assert [message for name, message in commands(outcome.log) if name == "warning title=readiness"]
    assert run_git(hub, "for-each-ref") == ""
    assert run_git(application, "status", "--porcelain") == ""


def test_a_badge_that_cannot_be_pushed_is_a_warning(go_on: Run, hub: Path) -> None:
    hook = hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    hook.chmod(0o755)
    outcome = go_on(badge_branch="badges")
    assert outcome.code == 0
    assert any("contents: write" in message for _, message in commands(outcome.log))


def test_the_token_is_on_no_line_of_the_log(go_on: Run) -> None:
    log = go_on(badge_branch="badges").log
    assert "a-token" not in log
    (masked,) = (message for name, message in commands(log) if name == "add-mask")
    assert log.count(masked) == 1
