"""The pipelines of the generated project: GitHub and GitLab do the same, and both are what their hosts take.

Neither host is here to run them. What can be known without: that both say the same, in words that the host's own schema
allows and in which zizmor finds nothing, and that the tools they call are content with the project.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .answer_sets import choices, everything, title
from .conftest import Render

DEPLOYMENTS = choices()["deploy"]
GITHUB, GITLAB = ".github/workflows/checks.yml", ".gitlab-ci.yml"
SCHEMAS = {
    "github": {GITHUB: "github-workflows", ".github/dependabot.yml": "dependabot"},
    "gitlab": {GITLAB: "gitlab-ci", "renovate.json": "renovate"},
}
HOSTED = {"docker"}
"""Services that a runner of GitHub has already."""


def tool(name: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool that is installed beside this Python, in the folder, without colours."""
    program = Path(sys.executable).with_name(name)
    assert program.exists(), f"{name} is not installed beside {sys.executable}: pip install -e '.[test]'"
    return subprocess.run(
        [program, *arguments],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)
    return found


def github(project: Path) -> dict[str, Any]:
    """Each job: what it runs, on which services and settings, for how long, and what it keeps."""
    jobs = {}
    for name, job in document(project / GITHUB)["jobs"].items():
        kept = [step["with"]["path"].split() for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
        jobs[name] = {
            "runs": [step["run"] for step in job["steps"] if "run" in step],
            "services": {alias: service["image"] for alias, service in job.get("services", {}).items()},
            "settings": {name: _plain(value) for name, value in job.get("env", {}).items()},
            "minutes": int(job["timeout-minutes"]),
            "keeps": [path for paths in kept for path in paths],
        }
    return jobs


def gitlab(project: Path) -> dict[str, Any]:
    """The same of GitLab; what only its empty images need, programs of Debian and a Docker daemon, is left out."""
    jobs = {}
    for name, job in document(project / GITLAB).items():
        if "script" in job:
            services = {service["alias"]: service["name"] for service in job.get("services", [])}
            bare = not any("docker" in word for word in services)
            jobs[name] = {
                "runs": [*job["script"], *job.get("after_script", [])],
                "services": {alias: image for alias, image in services.items() if alias not in HOSTED},
                "settings": {
                    name: re.sub(r"(@|//)(postgres|redis):", r"\1localhost:", value)
                    for name, value in (job.get("variables", {}) if bare else {}).items()
                    if name != "POSTGRES_HOST_AUTH_METHOD"  # GitHub gives it to the service
                },
                "minutes": int(job["timeout"].removesuffix(" minutes")),
                "keeps": job.get("artifacts", {}).get("paths", []),
            }
    return jobs


def _plain(value: str) -> str:
    """The value that holds until a variable of the repository says otherwise."""
    matched = re.fullmatch(r"\$\{\{ vars\.\w+ \|\| '(.+)' \}\}", value)
    return matched[1] if matched else value


def tasks(project: Path) -> dict[str, Any]:
    """What `poe` runs."""
    found: dict[str, Any] = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["tool"]["poe"]["tasks"]
    return found


@pytest.mark.parametrize("deploy", DEPLOYMENTS, ids="-".join)
def test_both_hosts_do_the_same(deploy: list[str], render: Render) -> None:
    here, there = (render({"ci": ci, "deploy": deploy}) for ci in ("github", "gitlab"))
    jobs = github(here)

    assert jobs == gitlab(there)
    assert tasks(here) == tasks(there)
    assert ("chart" in jobs) == ("chart" in tasks(here)) == ("kubernetes" in deploy)
    assert len(jobs) >= 11
    assert not (here / GITLAB).exists()
    assert not (there / ".github").exists()


@pytest.mark.parametrize("deploy", DEPLOYMENTS, ids="-".join)
@pytest.mark.parametrize("ci", SCHEMAS)
def test_the_host_takes_its_files(ci: str, deploy: list[str], render: Render) -> None:
    project = render({"ci": ci, "deploy": deploy})
    for file, schema in SCHEMAS[ci].items():
        done = tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", file, folder=project)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("deploy", DEPLOYMENTS, ids="-".join)
def test_zizmor_finds_nothing(deploy: list[str], render: Render) -> None:
    project = render({"ci": "github", "deploy": deploy})
    done = tool("zizmor", "--offline", "--persona", "auditor", ".github", folder=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout


def test_zizmor_would_find_something(render: Render, tmp_path: Path) -> None:
    text = (render({"ci": "github"}) / GITHUB).read_text("utf-8")
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "checks.yml").write_text(re.sub(r"@[0-9a-f]{40} # v7.0.1", "@v7", text), "utf-8")
    done = tool("zizmor", "--offline", ".github", folder=tmp_path)
    assert done.returncode != 0
    assert "unpinned-uses" in done.stdout


@pytest.mark.parametrize(("ci", "file", "read"), [("github", GITHUB, github), ("gitlab", GITLAB, gitlab)])
def test_no_registry_is_named_and_the_images_are_those_of_compose(
    ci: str, file: str, read: Callable[[Path], dict[str, Any]], render: Render
) -> None:
    project = render({"ci": ci, "deploy": ["compose"]})
    addresses = re.findall(r"[\w+]+://", (project / file).read_text("utf-8"))
    assert set(addresses) <= {"postgresql+asyncpg://", "redis://", "tcp://"}
    composed = document(project / "compose.yaml")["services"]
    for name, image in read(project)["tests-on-servers"]["services"].items():
        assert image.partition("@")[0] == composed[name]["image"].partition("@")[0]


@pytest.mark.parametrize("answers", [{}, everything() | {"ci": "gitlab", "model_provider": "openai"}], ids=title)
def test_no_secret_is_seen_in_a_new_project(answers: dict[str, Any], render: Render) -> None:
    project = render(answers)
    files = sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.is_file())
    done = tool("detect-secrets-hook", "--no-verify", "--baseline", ".secrets.baseline", *files, folder=project)
    assert done.returncode == 0, done.stdout
