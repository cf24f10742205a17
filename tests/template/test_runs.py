"""A generated project works: its own tests and its demonstration, in an environment of its own.

Each takes minutes and needs the package registry, so they run where `READINESS_RUN_PROJECTS` is set, as `.ci/run` does.
There an unreachable registry is a failure; elsewhere it is a reason to skip.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from . import servers
from .answer_sets import DEFAULTS, Answers, everything
from .conftest import Render

MINUTES = 60
DEMANDED = os.environ.get("READINESS_RUN_PROJECTS")
UNREACHABLE = (
    "failed to fetch",
    "error sending request",
    "dns error",
    "no solution found",
    "not found in the package registry",
)

pytestmark = pytest.mark.skipif(not DEMANDED, reason="takes minutes; READINESS_RUN_PROJECTS=1 runs it, as .ci/run does")


PROVIDER: Answers = DEFAULTS | {"model_provider": "openai"}
SETS = {
    "defaults": (DEFAULTS, ()),
    "a-provider": (PROVIDER, ()),
    "everything": (everything(), ("--all-extras", "--group", "browser")),
}


@pytest.fixture(scope="module", params=SETS)
def installed(request: pytest.FixtureRequest, render: Render) -> Path:
    """A project with its environment, made by `uv sync` from an empty cache or a shared one."""
    answers, extras = SETS[request.param]
    project = render(answers, again=True)
    done = uv(project, "sync", "--quiet", *extras, minutes=10)
    if done.returncode and DEMANDED == "if-reachable" and any(word in done.stderr.lower() for word in UNREACHABLE):
        pytest.skip(f"the package registry does not answer: {done.stderr[:200]}")
    assert done.returncode == 0, done.stderr
    return project


def uv(project: Path, *arguments: str, minutes: float = 5, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command of uv in the project, with this Python, and whatever registry the machine is set to."""
    # Without bytecode every one of the many processes would compile every library anew.
    outside = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT", "PYTHONDONTWRITEBYTECODE")
    return subprocess.run(
        [Path(sys.executable).with_name("uv"), *arguments],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name not in outside}
        | {"UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON": sys.executable, "UV_COMPILE_BYTECODE": "1", "NO_COLOR": "1"}
        | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=minutes * MINUTES,
        check=False,
    )


def package(project: Path) -> str:
    name: str = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))["package_name"]
    return name


def test_its_own_checks_pass(installed: Path) -> None:
    layout = uv(installed, "run", "--no-sync", "ruff", "format", "--check", ".")
    assert layout.returncode == 0, layout.stdout
    for task in ("lint", "types", "test", "evals"):
        done = uv(installed, "run", "--no-sync", "poe", task, minutes=10)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_its_demonstration_runs_to_its_end(installed: Path) -> None:
    done = uv(installed, "run", "--no-sync", package(installed), "demo", "--once", minutes=5)

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "Traceback" not in done.stdout + done.stderr
    assert "http://" in done.stdout


@pytest.mark.parametrize("installed", ["everything"], indirect=True)
def test_every_test_passes_on_postgresql_and_redis_and_in_a_browser_too(installed: Path) -> None:
    with servers.postgresql() as database, servers.redis() as cache:
        variables = {"TEST_DATABASE_URL": database, "TEST_REDIS_URL": cache}
        done = uv(installed, "run", "--no-sync", "pytest", "-q", "-n", "2", minutes=15, **variables)

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "SKIPPED" not in done.stdout, done.stdout[-2000:]
