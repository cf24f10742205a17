"""This project as others get it, a repository of its own with a tag, and what its action runs on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from readiness import __version__

from .host import PUSH, Host
from .runner import Outcome, Runner

Git = Callable[..., str]
Run = Callable[..., Outcome]

ROUTE = """

@app.post("/again")
def again(question: str):
    return OpenAI().chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": question}])
"""


@pytest.fixture
def add_a_call(application: Path) -> Callable[[], None]:
    """A function that adds a route to the application, with a model call that has nothing around it."""

    def add() -> None:
        path = application / "app.py"
        path.write_text(f"from openai import OpenAI\n{path.read_text('utf-8')}{ROUTE}", "utf-8")

    return add


@pytest.fixture(scope="session")
def machine() -> dict[str, str]:
    """The environment of a machine that knows nothing of this checkout; pip keeps its configuration."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "READINESS", "GIT"))}
    return {**kept, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "NO_COLOR": "1", "TERM": "dumb"}


@pytest.fixture(scope="session")
def release(
    project: Path,
    run_git: Callable[..., str],
    commit_all: Callable[[Path], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """What belongs to the project, as it is now, committed and tagged with its version."""
    if not (project / ".git").exists():
        pytest.skip("only a git checkout says which files belong to the project")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=project,
        capture_output=True,
        check=True,
        timeout=60,
    )
    root = tmp_path_factory.mktemp("release") / "readiness"
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (project / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, root / name)
    commit_all(root)
    run_git(root, "tag", f"v{__version__}")
    return root


@pytest.fixture
def application(pilot: Path, commit_all: Callable[[Path], str], tmp_path: Path) -> Path:
    """A repository to be scanned: the tutorial's pilot, committed."""
    root = tmp_path / "application"
    shutil.copytree(pilot, root)
    commit_all(root)
    return root


# --- the action -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def installation(release: Path, machine: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the action's first step leaves, which ran for real."""
    temporary = tmp_path_factory.mktemp("install")
    # The step runs in the repository that is scanned: nothing of it may be imported.
    workspace = tmp_path_factory.mktemp("hostile")
    for name in ("pip", "venv", "json", "readiness"):
        (workspace / f"{name}.py").write_text("raise SystemExit('run by mistake')\n", "utf-8")
    runner = Runner(release, workspace, temporary, machine, {**PUSH, "server_url": "file:///nowhere"})
    outcome = runner.run({"python": sys.executable}, only="install")
    assert outcome.code == 0, outcome.log
    return Path(outcome.steps["install"]["outputs"]["folder"])


@pytest.fixture
def hub(tmp_path: Path, run_git: Git) -> Path:
    """The bare repository that stands for the one at GitHub."""
    root = tmp_path / "hub" / "acme" / "answers"
    root.mkdir(parents=True)
    run_git(root, "init", "--quiet", "--bare")
    return root


@pytest.fixture
def comments(tmp_path: Path) -> Path:
    """The comments of the pull request: a person's and another bot's, for a start."""
    path = tmp_path / "comments.json"
    found = [
        {"id": 1, "user": {"type": "User"}, "body": "<!-- readiness --> is how it begins"},
        {"id": 2, "user": None, "body": "<!-- readiness -->"},
        {"id": 3, "user": {"type": "Bot"}, "body": "Coverage fell"},
    ]
    path.write_text(json.dumps(found), "utf-8")
    return path


@pytest.fixture
def host(release: Path, hub: Path, comments: Path, machine: Mapping[str, str], tmp_path: Path) -> Host:
    return Host(release, tmp_path, hub, machine)


@pytest.fixture
def run(host: Host, installation: Path, application: Path, tmp_path: Path) -> Run:
    """A function that runs the action on the application, as after a push to the main branch."""

    def run(**inputs: str) -> Outcome:
        folder = tmp_path / f"work-{len(list(tmp_path.glob('work-*')))}"
        folder.mkdir()
        (folder / "venv").symlink_to(installation / "venv")
        return host(application, {"install": {"folder": str(folder)}}, inputs)

    return run


@pytest.fixture(scope="session")
def scan(
    release: Path, installation: Path, pilot: Path, machine: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Outcome:
    """The steps that install and scan, on the tutorial's pilot: what comes after them is tried often."""
    runner = Runner(release, pilot, tmp_path_factory.mktemp("scan"), machine, {**PUSH, "server_url": ""})
    outcome = runner.run({}, done={"install": {"folder": str(installation)}}, only="scan")
    assert outcome.code == 0, outcome.log
    return outcome


@pytest.fixture
def scanned(scan: Outcome, installation: Path, tmp_path: Path) -> Path:
    """A copy of what the scan left."""
    return Path(shutil.copytree(installation, tmp_path / "scanned", ignore=shutil.ignore_patterns("venv")))


@pytest.fixture
def go_on(host: Host, scan: Outcome, scanned: Path, installation: Path, application: Path) -> Run:
    """A function that runs the steps after the scan."""
    (scanned / "venv").symlink_to(installation / "venv")
    outputs = scan.steps["scan"]["outputs"]

    def go_on(github: Mapping[str, Any] = PUSH, environ: Mapping[str, str] | None = None, **inputs: str) -> Outcome:
        done = {"install": {"folder": str(scanned)}, "scan": {**outputs, "code": inputs.pop("code", "0")}}
        return host(application, done, inputs, github, environ)

    return go_on
