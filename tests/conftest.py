"""Fixtures for every room: a plain terminal, and small repositories made of text."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parents[1]
_PERSON = {"NAME": "A. Author", "EMAIL": "author@example.org", "DATE": "2026-03-04T23:30:00+0000"}


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of this project's checkout."""
    return ROOT


@pytest.fixture(scope="session")
def pilot(project: Path) -> Path:
    """The tutorial's demo-grade application."""
    return project / "docs" / "tutorials" / "pilot"


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """80 columns and no colour, wherever the tests run."""
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def make_repository(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """A function that writes files (path -> text, dedented) below a new folder and returns the folder."""

    def make(files: Mapping[str, str]) -> Path:
        root = tmp_path / "repository"
        for path, text in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(text), encoding="utf-8")
        root.mkdir(exist_ok=True)
        return root

    return make


@pytest.fixture(scope="session")
def run_git() -> Callable[..., str]:
    """A function that runs git in a folder, without the machine's configuration, and returns what it printed."""
    person = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _PERSON.items()}
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **person,
    }

    def run(root: Path, *arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    return run


@pytest.fixture(scope="session")
def commit_all(run_git: Callable[..., str]) -> Callable[[Path], str]:
    """A function that makes a folder a git repository if it is none, commits everything and returns the commit."""

    def commit(root: Path) -> str:
        run_git(root, "init", "--quiet", "--initial-branch=main")
        run_git(root, "add", "--all")
        run_git(root, "commit", "--quiet", "--allow-empty", "--message=A commit")
        return run_git(root, "rev-parse", "HEAD")

    return commit


@pytest.fixture(scope="session")
def small_template(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real questions with four files of the template: the command is tried often, and the whole takes its time."""
    root = tmp_path_factory.mktemp("small")
    shutil.copy(project / "copier.yml", root)
    names = (
        "[[ _copier_conf.answers_file ]].jinja",
        "pyproject.toml.jinja",
        ".gitignore",
        "src/[[package_name]]/__init__.py.jinja",
    )
    for name in names:
        (root / "template" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project / "template" / name, root / "template" / name)
    return root


@pytest.fixture
def use_template(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """A function after which projects are made from the template in the folder given, as from an installed package."""

    def use(root: Path) -> None:
        for module in ("source", "generate"):  # sys.modules: the function `generate` hides its module
            monkeypatch.setattr(sys.modules[f"readiness.scaffold.{module}"], "data_root", lambda: root)

    return use
