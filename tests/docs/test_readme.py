"""The README's commands are those that exist, and its first one does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from readiness.cli.app import app


def test_it_lists_every_command_and_no_other(project: Path) -> None:
    text = (project / "README.md").read_text("utf-8")

    assert set(re.findall(r"^\| `readiness (\w+)", text, re.MULTILINE)) == set(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", ["scan docs/tutorials/pilot", "checks", "explain llm-timeout-set"])
def test_a_command_as_written_works_in_a_pipe(project: Path, command: str) -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "readiness", *command.split()],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "scanner"), "COLUMNS": "80"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )

    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stderr == ""
    assert "\x1b" not in outcome.stdout
    assert max(len(line) for line in outcome.stdout.splitlines()) <= 80


def test_its_second_command_is_the_pipelines_script(project: Path) -> None:
    assert "bash .ci/run" in (project / "README.md").read_text("utf-8")
    assert os.access(project / ".ci" / "run", os.X_OK)
