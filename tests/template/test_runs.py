"""A generated project works: its own tests and its demonstration, in an environment of its own."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from . import servers
from .answer_sets import DEFAULTS, everything, rotating
from .conftest import Render
from .environments import demanded, package, sync, uv

pytestmark = demanded

TESTS_FAILED = pytest.ExitCode.TESTS_FAILED

SETS = {
    "defaults": (DEFAULTS, ()),
    "rotating": (rotating(), ()),
    "everything": (everything(), ("--all-extras", "--all-groups")),
}


@pytest.fixture(scope="module", params=SETS)
def installed(request: pytest.FixtureRequest, render: Render) -> Path:
    """A project with its environment, made by `uv sync` from an empty cache or a shared one."""
    answers, extras = SETS[request.param]
    project = render(answers, again=True)
    sync(project, *extras)
    return project


def assert_tests_pass(project: Path, **variables: str) -> None:
    """Its tests pass; what failed while this machine did much else at once may try again, alone, and is told of.

    They keep real time (timeouts, shutdown, a browser): what fails by itself too is a fault and no crowd.
    """
    done = uv(project, "run", "--no-sync", "poe", "test", minutes=15, **variables)
    if done.returncode == TESTS_FAILED:
        warnings.warn(f"tried again alone: {done.stdout[-1500:]}", stacklevel=2)
        done = uv(project, "run", "--no-sync", "pytest", "-q", "--last-failed", minutes=10, **variables)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_its_own_checks_pass(installed: Path) -> None:
    layout = uv(installed, "run", "--no-sync", "ruff", "format", "--check", ".")
    assert layout.returncode == 0, layout.stdout
    for task in ("lint", "types", "evals"):
        done = uv(installed, "run", "--no-sync", "poe", task, minutes=10)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert_tests_pass(installed)


def test_its_demonstration_runs_to_its_end(installed: Path) -> None:
    done = uv(installed, "run", "--no-sync", package(installed), "demo", "--once", minutes=5)

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "Traceback" not in done.stdout + done.stderr
    assert "http://" in done.stdout


@pytest.mark.parametrize("installed", ["everything"], indirect=True)
def test_every_test_passes_on_postgresql_and_redis_and_in_a_browser_too(installed: Path) -> None:
    with servers.postgresql() as database, servers.redis() as cache:
        assert_tests_pass(installed, TEST_DATABASE_URL=database, TEST_REDIS_URL=cache)
