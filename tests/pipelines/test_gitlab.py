"""The jobs of the page about GitLab: valid by GitLab's schema, and their scripts run as they are written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from readiness import __version__

from .pages import examples
from .tools import tool

Job = dict[str, Any]


@pytest.fixture(scope="session")
def page(project: Path) -> Path:
    return project / "docs" / "how-to" / "gitlab-ci.md"


@pytest.fixture(scope="session")
def image(machine: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a job: a Python of its own with pip, first on the path."""
    home = tmp_path_factory.mktemp("image") / "python"
    subprocess.run([sys.executable, "-m", "venv", home], check=True, timeout=120)
    return {**machine, "PATH": f"{home / 'bin'}:{machine['PATH']}"}


def jobs(page: Path) -> list[Job]:
    return [yaml.safe_load(text)["readiness"] for text in examples(page)]


def run(lines: str | list[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a script as GitLab's runner does: its lines one after the other, until one fails."""
    script = "\n".join(["set -e", *([lines] if isinstance(lines, str) else lines)])
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout


def test_the_hosts_schema_allows_them(page: Path, tmp_path: Path) -> None:
    for number, text in enumerate(examples(page)):
        path = tmp_path / f"{number}.yml"
        path.write_text(text, "utf-8")
        done = tool("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", path)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_installs_this_version(page: Path) -> None:
    assert re.findall(r"\.git@(\S+)", page.read_text("utf-8")) == [f"v{__version__}"]


def test_the_scripts_do_what_the_page_says(
    page: Path, release: Path, application: Path, image: Mapping[str, str], run_git: Callable[..., str]
) -> None:
    brief, full = jobs(page)
    source = f"git+file://{release}@v{__version__}"
    variables = {**image, "READINESS": source}

    code, log = run(brief["script"], application, variables)
    assert code == 1, log
    assert "is under 60 (--fail-under 60)" in log

    in_merge_request, on_main = (rule["variables"]["GATE"] for rule in full["rules"])
    base = run_git(application, "rev-parse", "HEAD")
    gate = in_merge_request.replace("$CI_MERGE_REQUEST_DIFF_BASE_SHA", base)  # GitLab expands variables in variables
    script = [line for line in full["script"] if not line.startswith("pip install")]  # it is there, from the first job
    code, log = run(script, application, {**variables, "GATE": gate})
    assert code == 0, log
    code, log = run(script, application, {**variables, "GATE": on_main})
    assert code == 1, log
    code, log = run(full["after_script"], application, variables)
    assert code == 0, log

    kept = full["artifacts"]
    files = [*kept["paths"], *kept["reports"].values()]
    assert [name for name in files if not (application / name).is_file()] == []
    quality = json.loads((application / kept["reports"]["codequality"]).read_text("utf-8"))
    assert {"description", "check_name", "fingerprint", "severity", "location"} <= quality[0].keys()
    assert ElementTree.parse(application / kept["reports"]["junit"]).getroot().iter("testcase")
