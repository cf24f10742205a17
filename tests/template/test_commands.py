"""Every command that a project's documents name is run as it stands there; only the words in capitals get values."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from readiness._resources import data_root

from .answer_sets import everything
from .conftest import Render
from .documents import Command, commands
from .environments import demanded, package, surroundings, sync
from .servers import free_port

pytestmark = demanded

# Run by another test: the tasks by test_runs.py, the update by test_update.py.
ELSEWHERE = {
    *(f"uv run poe {task}" for task in ("lint", "types", "test", "evals", "check")),
    "copier update",
}
# What needs something that a test does not have.
OUT_OF_REACH = {
    "docker ": "a Docker daemon",
    "helm upgrade": "a cluster",
    "uv run poe image": "a Docker daemon",
    "uv run poe dependencies": "the package index's vulnerability service",
    "LOAD_KEY=": "a service that is deployed; the same test on this machine is run",
}
# The reader's own choice; a word stands for the same in every document.
WORDS = {
    "FOLDER": "data/sample",
    "FILE": "var/taken-out.jsonl",
    "NUMBER": "3",
    "TENANT": "acme",
    "WHY": "'a rehearsal'",
}
SERVES = re.compile(r" (serve|demo)\b")
# In this order whatever is said in the documents: these have to come first, those last.
FIRST = ("pip ", "uv lock", "uv sync", "uv run {package} migrate", "uv run {package} data ingest")
LAST = (
    "uv run {package} audit",
    "uv run {package} switches",
    "uv run {package} data rollback",
    "uv run {package} keys revoke",
)


@pytest.fixture(scope="module")
def project(render: Render, commit_all: Callable[[Path], str]) -> Path:
    """A project with its environment, its database and its documents, and something that failed in it."""
    made = render(everything(), again=True)
    sync(made, "--all-extras", "--all-groups")
    commit_all(made)
    name = package(made)
    # Two versions of the data, for drift lies between them; the next version of the prompt, as CONTRIBUTING.md says.
    for command in ("migrate", "data ingest data/sample/documents.jsonl", "data ingest data/sample"):
        assert shell(made, f"uv run {name} {command}").returncode == 0
    first = (made / "prompts" / "answer" / "1.md").read_text("utf-8")
    (made / "prompts" / "answer" / "3.md").write_text(first.replace('version: "1"', 'version: "3"'), "utf-8")
    key = shell(made, f"uv run {name} keys issue web").stdout.strip()
    asked = '{"question": "Can I fly to the moon with my dryer?"}'
    with serving(made, f"uv run {name} serve") as address:
        head = f'-sf -H "Authorization: Bearer {key}" -H "Content-Type: application/json"'
        answer = json.loads(shell(made, f"curl {head} -d '{asked}' {address}/v1/answers").stdout)
        down = json.dumps({"answer_id": answer["id"], "rating": "down"})
        assert shell(made, f"curl {head} -d '{down}' {address}/v1/feedback").returncode == 0
    return made


def shell(project: Path, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A line of a document, as somebody would paste it."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=project,
        env=surroundings(READINESS=str(data_root()), **variables),  # this one judges, not one that is published
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@contextmanager
def serving(project: Path, command: str) -> Iterator[str]:
    """A command that serves until it is stopped: up, answering, and down again without a complaint."""
    port = free_port()
    said = project / "var" / "said.txt"
    said.parent.mkdir(exist_ok=True)
    with said.open("w") as output:
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=project,
            env=surroundings(PORT=str(port)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield _address(project, process, said, port)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)
    assert "Traceback" not in said.read_text("utf-8")


def _address(project: Path, process: subprocess.Popen[bytes], said: Path, port: int) -> str:
    """Where it answers, once it does: where it was told to, or, as the demo, where it says."""
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        told = re.search(r"http://127\.0\.0\.1:\d+", said.read_text("utf-8"))
        address = told[0] if told else f"http://127.0.0.1:{port}"
        if shell(project, f"curl -sf {address}/healthz").returncode == 0:
            return address
        time.sleep(0.5)
    raise AssertionError(f"{process.args!r} does not answer: {said.read_text('utf-8')[-2000:]}")


def fill(project: Path, text: str) -> str:
    """The command with something of this project for each word that stands for something."""
    name = package(project)
    listed = {"VERSION": "data versions", "KEY": "keys list", "FAILURE": "feedback queue"}
    for word in re.findall(r"\b[A-Z]{3,}\b(?!=)", text):
        if word in listed:
            shown = shell(project, f"uv run --no-sync {name} {listed[word]}").stdout
            (value, *_) = re.findall(r"\b[0-9a-f]{8,}\b", shown)
            text = text.replace(word, value)
        text = text.replace(word, WORDS.get(word, word))
    return text.replace("NAME", "placeholder:small" if " model " in text else "web")


def order(command: Command, name: str) -> int:
    for place, beginning in enumerate([*FIRST, None, *LAST]):
        if beginning and command.text.startswith(beginning.format(package=name)):
            return place
    return len(FIRST)


def test_every_command_does_what_it_says(project: Path) -> None:
    name = package(project)
    failed: list[str] = []
    for command in sorted(commands(project, name), key=lambda command: order(command, name)):
        if command.text in ELSEWHERE or any(command.text.startswith(word) for word in OUT_OF_REACH):
            continue
        text = fill(project, command.text)
        if SERVES.search(text):
            with serving(project, text):
                continue
        if "127.0.0.1:8000" in text:
            with serving(project, f"uv run --no-sync {name} serve") as address:
                done = shell(project, text.replace("http://127.0.0.1:8000", address))
        else:
            done = shell(project, text)
        if done.returncode:
            failed.append(f"{command.document}: {text}\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    assert not failed, "\n\n".join(failed)
