"""`copier update` on a project that `readiness new` made: later versions come in, the team's own edits stay."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from readiness import __version__
from readiness.cli import main
from readiness.errors import UsageError
from readiness.scaffold import find_source

Git = Callable[..., str]
Commit = Callable[[Path], str]
Use = Callable[[Path], None]

EDIT = "\n# the team's own line\n"
NEWER = "docs/newer.md"


@pytest.fixture
def repository(tmp_path: Path, small_template: Path, commit_all: Commit) -> Path:
    """A git repository with a template; no tag yet."""
    root = shutil.copytree(small_template, tmp_path / "template source")
    commit_all(root)
    return root


@pytest.fixture(autouse=True)
def no_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's settings, and no source in the environment."""
    (tmp_path / "settings.yml").write_text("{}\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(tmp_path / "settings.yml"))
    monkeypatch.delenv("READINESS_TEMPLATE_SOURCE", raising=False)


def release(root: Path, tag: str, git: Git, commit_all: Commit) -> None:
    """The template's next version: a file more, and a line more in one that there was."""
    (root / "template" / NEWER).parent.mkdir(exist_ok=True)
    (root / "template" / NEWER).write_text(f"# New in {tag}\n")
    with (root / "template" / ".gitignore").open("a") as file:
        file.write(f"{tag}/\n")
    commit_all(root)
    git(root, "tag", tag)


def update(project: Path) -> subprocess.CompletedProcess[str]:
    """`copier update --defaults`, as a user would run it."""
    return subprocess.run(
        [sys.executable, "-m", "copier", "update", "--defaults", "--quiet"],
        cwd=project,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def edit_and_commit(project: Path, commit_all: Commit) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write(EDIT)
    commit_all(project)


def assert_updated(project: Path, tag: str, git: Git) -> None:
    assert (project / NEWER).read_text() == f"# New in {tag}\n"
    assert f"{tag}/" in (project / ".gitignore").read_text()
    assert (project / "pyproject.toml").read_text().endswith(EDIT)
    assert git(project, "diff", "--check") == ""
    assert not any(line.startswith("U") for line in git(project, "status", "--porcelain").splitlines())
    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["_commit"] == tag


def test_from_a_checkout_with_tags(
    repository: Path, tmp_path: Path, run_git: Git, commit_all: Commit, use_template: Use
) -> None:
    run_git(repository, "tag", "v0.0.1")
    use_template(repository)  # a clone of readiness, as it were
    project = tmp_path / "acme-answers"
    assert main(["new", str(project), "--defaults", "-a", "ci=gitlab", "--quiet"]) == 0
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert (answers["_src_path"], answers["_commit"]) == (str(repository), "v0.0.1")
    edit_and_commit(project, commit_all)

    for tag in ("v0.0.2", "v0.0.3"):
        release(repository, tag, run_git, commit_all)
        done = update(project)
        assert done.returncode == 0, done.stderr
        assert_updated(project, tag, run_git)
        commit_all(project)
    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["ci"] == "gitlab"


def test_from_a_checkout_between_tags_with_changes(
    repository: Path, tmp_path: Path, run_git: Git, commit_all: Commit, use_template: Use,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    use_template(repository)
    (repository / "template" / "UNCOMMITTED.md").write_text("# Not yet\n")
    project = tmp_path / "acme-answers"
    assert main(["new", str(project), "--defaults"]) == 0
    assert "has changes that are not committed" in capsys.readouterr().out
    assert (project / "UNCOMMITTED.md").is_file()
    edit_and_commit(project, commit_all)

    release(repository, "v0.0.2", run_git, commit_all)
    done = update(project)

    assert done.returncode == 0, done.stderr
    assert_updated(project, "v0.0.2", run_git)


def test_from_an_installed_package_with_the_source_given(
    repository: Path,
    tmp_path: Path,
    run_git: Git,
    commit_all: Commit,
    use_template: Use,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_git(repository, "tag", f"v{__version__}")
    packaged = tmp_path / "site-packages" / "readiness" / "_data"
    shutil.copytree(repository, packaged, ignore=shutil.ignore_patterns(".git"))
    use_template(packaged)
    monkeypatch.setenv("READINESS_TEMPLATE_SOURCE", str(repository))
    project = tmp_path / "acme-answers"
    assert main(["new", str(project), "--defaults", "--quiet"]) == 0
    edit_and_commit(project, commit_all)

    release(repository, "v99.0.0", run_git, commit_all)
    done = update(project)

    assert done.returncode == 0, done.stderr
    assert_updated(project, "v99.0.0", run_git)


def test_an_installed_package_that_knows_no_source_says_what_to_do(
    repository: Path, tmp_path: Path, use_template: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(repository / ".git")
    use_template(repository)
    assert main(["new", str(tmp_path / "acme"), "--defaults"]) == 0

    assert (
        "after _src_path in .copier-answers.yml; --template-source writes it from the start" in capsys.readouterr().out
    )
    answers = yaml.safe_load((tmp_path / "acme" / ".copier-answers.yml").read_text())
    assert (answers["_src_path"], answers["_commit"]) == (str(repository), f"v{__version__}")


@pytest.mark.parametrize(
    "address",
    ["https://example.org/readiness.git", "gh:example/readiness", "git@example.org:team/readiness.git", "ssh://git@example.org/r"],
)  # fmt: skip
def test_addresses_that_git_understands(address: str) -> None:
    assert find_source(address).address == address


@pytest.mark.parametrize(
    "address", ["nowhere", "./here", "https://u:p@example.org/r", "https://example.org/a b", "x\ny: z"]
)
def test_addresses_that_would_fail_later(address: str) -> None:
    with pytest.raises(UsageError, match="--template-source"):
        find_source(address)


def test_a_relative_folder_becomes_absolute(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository.parent)
    assert find_source(repository.name).address == str(repository)
