"""The hook, run by pre-commit itself: installed from a tag of this project, called by `git commit`.

One environment is built, with libraries from the index that pip is configured for; it takes most of a minute.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness import __version__

from .pages import examples


@pytest.fixture(scope="session")
def configuration(project: Path) -> dict[str, Any]:
    """The page's example."""
    found: dict[str, Any] = yaml.safe_load(examples(project / "docs" / "how-to" / "pre-commit.md")[0])
    return found


def test_the_hook_is_valid(project: Path) -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(project / ".pre-commit-hooks.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_names_this_version(configuration: dict[str, Any]) -> None:
    (repository,) = configuration["repos"]
    assert repository["rev"] == f"v{__version__}"
    assert [hook["id"] for hook in repository["hooks"]] == ["readiness"]


def test_it_stops_a_commit(
    configuration: dict[str, Any],
    release: Path,
    application: Path,
    add_a_call: Callable[[], None],
    machine: Mapping[str, str],
    run_git: Callable[..., str],
    tmp_path: Path,
) -> None:
    hook = configuration["repos"][0]["hooks"][0]
    configuration["repos"][0]["repo"] = str(release)
    person = {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**machine, **person, "PRE_COMMIT_HOME": str(tmp_path / "home")}

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=application, env=environment, capture_output=True, text=True, check=False, timeout=300
        )

    def commit(*arguments: str) -> subprocess.CompletedProcess[str]:
        hook["args"] = list(arguments)
        (application / ".pre-commit-config.yaml").write_text(yaml.safe_dump(configuration), "utf-8")
        run_git(application, "add", "--all")
        return run("git", "commit", "--message", "A change")

    installed = run(sys.executable, "-m", "pre_commit", "install")
    assert installed.returncode == 0, installed.stdout + installed.stderr

    stopped = commit("--fail-under", "60")
    assert stopped.returncode == 1
    assert "is under 60 (--fail-under 60)" in stopped.stderr
    passed = commit("--since", "HEAD", "--fail-on", "new")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    before = run_git(application, "rev-parse", "HEAD")

    add_a_call()
    stopped = commit("--since", "HEAD", "--fail-on", "new")
    assert stopped.returncode == 1
    assert "new findings" in stopped.stderr
    assert " at app.py:" in stopped.stderr
    assert run_git(application, "rev-parse", "HEAD") == before
