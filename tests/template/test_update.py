"""Later versions of the template come into a project in which the team has edited every file, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from readiness.scaffold import Source, generate

from .answer_sets import DEFAULTS, Answers, everything
from .contents import files

Git = Callable[..., str]
Commit = Callable[[Path], str]

# Marks of both sides are comments in the file's own language, so that what comes out can be read as before.
COMMENTS = {".py": "# {}", ".toml": "# {}", ".yaml": "# {}", ".yml": "# {}", ".md": "<!-- {} -->", ".css": "/* {} */"}
WRITTEN_ONCE = {"CHANGELOG.md", "evals/golden.jsonl", "evals/baseline.json"}
COPIERS_OWN = {".copier-answers.yml"}


def commented(path: Path, words: str) -> str | None:
    """The words as a line of this file's language; None where both sides could not write in it without meeting."""
    form = COMMENTS.get(Path(path.name.removesuffix(".jinja")).suffix)
    far_apart = path.stat().st_size and len(path.read_text("utf-8").splitlines()) >= 12
    return f"{form.format(words)}\n" if form and far_apart else None


def release(root: Path, tag: str, git: Git, commit_all: Commit) -> None:
    """The template's next version: a line more at the head of every file, a file more, a file less."""
    for path in files(root / "template"):
        file = root / "template" / path
        line = commented(file, f"new in {tag}")
        if line and not path.startswith("[["):
            head, rest = file.read_text("utf-8").split("\n", 1)
            # Front matter has to stay first; everywhere else a comment may come after the first line.
            if head != "---" and not head.startswith(("# %", "[%", '"""')):
                file.write_text(f"{head}\n{line}{rest}", "utf-8")
            elif head.startswith('"""'):
                file.write_text(f"{line}{head}\n{rest}", "utf-8")
    (root / "template" / f"{tag}.md").write_text(f"# New in {tag}\n", "utf-8")
    for old in (root / "template").glob("v0.0.*.md"):
        if old.stem != tag:
            old.unlink()
    commit_all(root)
    git(root, "tag", tag)


def edit(project: Path, words: str) -> dict[str, str]:
    """The team writes at the end of every file, and adds one of its own; returns what it wrote where."""
    written: dict[str, str] = {}
    for path in files(project):
        line = None if path.startswith(".git/") or path in COPIERS_OWN else commented(project / path, words)
        if line:
            with (project / path).open("a", encoding="utf-8") as file:
                file.write(line)
            written[path] = line
    own = project / "docs" / f"{words}.md"
    own.parent.mkdir(exist_ok=True)
    own.write_text(f"# {words}\n", "utf-8")
    return written | {own.relative_to(project).as_posix(): f"# {words}\n"}


@pytest.mark.parametrize("answers", [DEFAULTS, everything()], ids=["defaults", "everything"])
def test_every_edit_stays_and_every_novelty_comes(
    answers: Answers, template: Path, tmp_path: Path, run_git: Git, commit_all: Commit
) -> None:
    source = shutil.copytree(template, tmp_path / "template")
    commit_all(source)
    run_git(source, "tag", "v0.0.1")
    project = tmp_path / "support-answers"
    generate(project, answers, source=Source(str(source), "v0.0.1"))
    commit_all(project)
    edits = [edit(project, "written by the team")]
    commit_all(project)

    for tag in ("v0.0.2", "v0.0.3"):
        release(source, tag, run_git, commit_all)
        done = subprocess.run(
            [sys.executable, "-m", "copier", "update", "--defaults", "--quiet"],
            cwd=project,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr

        saved = yaml.safe_load((project / ".copier-answers.yml").read_text("utf-8"))
        assert {**answers, "_commit": tag}.items() <= saved.items()
        assert run_git(project, "diff", "--check") == ""
        assert [line for line in run_git(project, "status", "--porcelain").splitlines() if line[0] in "UA"] == []
        assert list(project.rglob("*.rej")) == []
        assert (project / f"{tag}.md").is_file()
        for written in edits:
            lost = [path for path, line in written.items() if line not in (project / path).read_text("utf-8")]
            assert lost == []
        came = [path for path in files(project) if f"new in {tag}" in _text(project / path) and path[:5] != ".git/"]
        assert len(came) > 100
        assert WRITTEN_ONCE.isdisjoint(came)
        commit_all(project)
        edits.append(edit(project, f"written after {tag}"))
        commit_all(project)
    assert not (project / "v0.0.2.md").exists()


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")
