"""Real environments for generated projects: `uv` with this Python, and whatever registry the machine is set to.

They take minutes and need the package registry: they are made where `READINESS_RUN_PROJECTS` is set, as `.ci/run` does.
With `if-reachable` in it an unreachable registry is a reason to skip; else it is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

DEMANDED = os.environ.get("READINESS_RUN_PROJECTS")
demanded = pytest.mark.skipif(not DEMANDED, reason="takes minutes; READINESS_RUN_PROJECTS=1 runs it, as .ci/run does")

_MINUTE = 60
_UNREACHABLE = (
    "failed to fetch",
    "error sending request",
    "dns error",
    "no solution found",
    "not found in the package registry",
)
# Without bytecode every one of the many processes would compile every library anew.
_OUTSIDE = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT", "PYTHONDONTWRITEBYTECODE")


def surroundings(**variables: str) -> dict[str, str]:
    """The environment in which a project's commands run: this machine's, without what belongs to this test run."""
    return (
        {name: value for name, value in os.environ.items() if name not in _OUTSIDE}
        | {"UV_PYTHON_DOWNLOADS": "never", "UV_PYTHON": sys.executable, "UV_COMPILE_BYTECODE": "1", "NO_COLOR": "1"}
        | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        | variables
    )


def uv(project: Path, *arguments: str, minutes: float = 5, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command of uv in the project; it may fail."""
    return subprocess.run(
        ["uv", *arguments],
        cwd=project,
        env=surroundings(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=minutes * _MINUTE,
        check=False,
    )


def sync(project: Path, *arguments: str) -> None:
    """Install the project with everything it asks for, and write its lock file."""
    _from_the_registry(uv(project, "sync", "--quiet", *arguments, minutes=10))


def lock(project: Path) -> None:
    """Write the project's lock file."""
    _from_the_registry(uv(project, "lock", "--quiet"))


def package(project: Path) -> str:
    """The project's command."""
    name: str = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))["package_name"]
    return name


def _from_the_registry(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode and DEMANDED == "if-reachable" and any(word in done.stderr.lower() for word in _UNREACHABLE):
        pytest.skip(f"the package registry does not answer: {done.stderr[:200]}")
    assert done.returncode == 0, done.stderr
