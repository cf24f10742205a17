"""The pipeline does what `uv run poe` does here, nothing in it is left open, and nothing in it may fail unnoticed."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HOSTS = (ROOT / ".github" / "workflows" / "checks.yml", ROOT / ".gitlab-ci.yml")
TEXT = next(path for path in HOSTS if path.is_file()).read_text("utf-8")
PIPELINE = yaml.load(TEXT, yaml.BaseLoader)
JOBS: dict[str, dict[str, Any]] = PIPELINE.get("jobs") or {
    name: job for name, job in PIPELINE.items() if "script" in job
}
TASKS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["poe"]["tasks"]
TASK_OF = {"tests": "test", "tests-on-servers": "test", "type-check": "types", "container": "image"}
"""The task of a job whose name is another one."""


def lines(job: dict[str, Any]) -> list[str]:
    steps = [step["run"] for step in job.get("steps", []) if "run" in step]
    return [*steps, *(line for part in ("before_script", "script", "after_script") for line in job.get(part, []))]


def said(node: Any) -> Iterator[str]:
    """Every key and every value of a file."""
    if isinstance(node, dict):
        node = [*node, *node.values()]
    for one in node if isinstance(node, list) else []:
        yield from said(one)
    if isinstance(node, str):
        yield node


@pytest.mark.parametrize("name", JOBS)
def test_a_job_installs_what_is_locked_and_runs_its_task(name: str) -> None:
    ran = lines(JOBS[name])
    assert len([line for line in ran if line.startswith("uv sync --locked")]) == 1
    tasks = {line.split()[3] for line in ran if line.startswith("uv run poe ")}
    assert tasks - {"comment"} == {TASK_OF.get(name, name)}


def test_every_task_that_judges_has_a_job() -> None:
    assert {TASK_OF.get(name, name) for name in JOBS} == set(TASKS) - {"format", "check", "comment"}


def test_every_job_ends_in_time_and_its_failure_counts() -> None:
    assert [name for name, job in JOBS.items() if not {"timeout-minutes", "timeout"} & set(job)] == []
    forgiving = ("continue-on-error", "allow_failure", "|| true", "|| :", "--exit-zero")
    assert [text for text in said(PIPELINE) for word in forgiving if word in text] == []


def test_what_others_wrote_is_pinned() -> None:
    actions = re.findall(r"uses: (.+)", TEXT)
    assert [one for one in actions if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[0-9.]+", one)] == []
    images = re.findall(r"(?:image|name): (\S+:\S+)", TEXT)
    assert [one for one in images if not re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", one)] == []
    assert len(images) > 1


def test_the_image_and_the_pipeline_have_the_same_python_and_the_same_uv() -> None:
    image = (ROOT / "Dockerfile").read_text("utf-8")
    assert {*re.findall(r"uv==[0-9.]+", TEXT)} == {*re.findall(r"uv==[0-9.]+", image)}
    pythons = re.findall(r'(?:python:|python-version: ")(\d\.\d+)', TEXT)
    assert set(pythons) == {*re.findall(r"PYTHON_IMAGE=python:(\d\.\d+)", image)}
