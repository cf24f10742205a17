"""The command with a real scan behind it: its streams, its exit codes, its start-up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import readiness
from readiness.cli import main
from readiness.report.json import schema, to_json

DEMO = """
from fastapi import FastAPI
from langchain_openai import ChatOpenAI

app = FastAPI()
model = ChatOpenAI(model="gpt-4o-2024-08-06")


@app.post("/ask")
def ask(question: str) -> str:
    return model.invoke(question).content
"""

SOURCE = str(Path(readiness.__file__).parents[1])


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`python -m readiness …` in a bare environment."""
    return subprocess.run(
        [sys.executable, "-m", "readiness", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE, **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def demo(tmp_path: Path) -> str:
    """A small repository with one model call."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "app.py").write_text(DEMO)
    return str(tmp_path / "demo")


def test_a_scan_in_a_pipe_is_plain_text_of_80_columns(demo: str) -> None:
    done = run("scan", demo, PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode()
    assert "\x1b" not in shown
    assert "demo" in shown
    assert re.search(r"^   \d+  [A-F]", shown, re.MULTILINE)
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_two_scans_and_the_call_in_python_are_the_same_valid_bytes(demo: str) -> None:
    first = run("scan", demo, "--format", "json", PYTHONHASHSEED="1")
    second = run("scan", demo, "--format", "json", PYTHONHASHSEED="2")
    assert first.stdout == second.stdout
    assert first.stdout.decode() == to_json(readiness.scan(demo))
    jsonschema.Draft202012Validator(schema()).validate(json.loads(first.stdout))


def test_colour_only_where_it_is_wanted(demo: str) -> None:
    assert b"\x1b[" in run("scan", demo, FORCE_COLOR="1", TERM="xterm").stdout
    assert b"\x1b" not in run("scan", demo, FORCE_COLOR="1", TERM="xterm", NO_COLOR="1").stdout


def test_a_place_without_a_model_is_told_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app.py").write_text("print('hello')\n")
    assert main(["scan", str(tmp_path)]) == 0
    assert "uses no AI model that readiness can see" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_a_path_that_is_no_folder(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file.txt").write_text("text")
    assert main(["scan", str(tmp_path / name)]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert name in written.err


def test_an_unknown_key_in_the_configuration(demo: str, capsys: pytest.CaptureFixture[str]) -> None:
    (Path(demo) / "readiness.toml").write_text("exlude = ['docs']\n")
    assert main(["scan", demo]) == 2
    assert "exclude" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error(demo: str) -> None:
    """`readiness scan -v | head -1`: the reader is gone before the report comes."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "readiness", "scan", "-v", demo],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE},
            stdout=closed,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_version_imports_nothing_expensive() -> None:
    code = "import sys; from readiness.cli import main; main(['--version']); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": SOURCE}, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(re.findall(r"'([\w.]+)'", done.stdout))
    assert "readiness.cli" in loaded
    assert not loaded & {
        "typer",
        "rich",
        "jinja2",
        "yaml",
        "git",
        "readiness.scanning",
        "importlib.metadata",
        "dataclasses",
    }


def test_help_waits_for_no_scanner() -> None:
    code = "import sys; from readiness.cli import main; main(['scan', '-h']); print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": SOURCE}, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(re.findall(r"'([\w.]+)'", done.stdout))
    assert not loaded & {"rich", "jinja2", "yaml", "git", "readiness.scanning", "readiness.assess"}
