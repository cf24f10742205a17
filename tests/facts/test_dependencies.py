"""What is declared, what is locked, what is installed from the lock, and which version therefore runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from textwrap import dedent

import pytest

from readiness.extract.observe import observe
from readiness.facts.packages.dependencies import Dependencies, dependencies
from readiness.facts.packages.installs import InstallCommand, Where
from readiness.facts.packages.versions import Installed
from readiness.facts.place import Place
from readiness.repository.tree import File, Repository, Role

PYPROJECT = """\
[project]
name = "app"
version = "1"
dependencies = ["openai>=1.50,<3"]
"""
UV_LOCK = """\
version = 1

[[package]]
name = "app"
version = "1"
source = { virtual = "." }

[[package]]
name = "openai"
version = "1.59.3"
"""


def facts(files: Mapping[str, str], *commands: tuple[Where, str]) -> Dependencies:
    """The facts about files, with commands that run in an image (of `Dockerfile`), in CI or stand in documents."""
    entries = []
    for path, text in files.items():
        source = dedent(text).encode()
        entries.append(File(path, len(source), Role.SERVING, partial(bytes, source)))
    paths = {"image": "Dockerfile", "ci": ".github/workflows/ci.yml", "docs": "README.md"}
    given = [InstallCommand(Place(paths[where], 9, 9), where, command) for where, command in commands]
    return dependencies(observe(Repository("s", None, False, None, tuple(entries), ())), given)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "OpenAI[datalib]>=1,<2\n"),
        ("pyproject.toml", '[project]\ndependencies = ["openai>=1,<2"]\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.11"\nopenai = "^1.0"\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\nopenai = {version = "~1", extras = ["x"]}\n'),
        ("Pipfile", '[packages]\nopenai = ">=1,<2"\n'),
        ("setup.cfg", "[options]\ninstall_requires =\n  openai>=1,<2\n"),
        ("setup.py", 'from setuptools import setup\nneeds = ["openai>=1,<2"]\nsetup(install_requires=needs)\n'),
        ("environment.yml", "dependencies:\n  - python=3.11\n  - pip:\n    - openai>=1,<2\n"),
    ],
)
def test_every_manifest_declares(path: str, text: str) -> None:
    (found,) = facts({path: text}).declared
    assert (found.name, found.manifest, found.runtime, found.exact) == ("openai", path, True, False)
    used = facts({path: text}).version_of("openai")
    assert used.admits(">=1,<2") and not used.admits("<1") and not used.admits(">=2")


def test_development_groups_and_lists_are_not_run_time() -> None:
    found = facts(
        {
            "pyproject.toml": '[project]\ndependencies = []\n[project.optional-dependencies]\ndev = ["pytest"]\n'
            'server = ["uvicorn"]\n[dependency-groups]\nlint = ["ruff"]\n',
            "requirements-dev.txt": "mypy\n",
            "requirements.in": "openai\n",
            "requirements.txt": "openai==1.0\n",
        }
    )
    assert [item.name for item in found.declared if item.runtime] == ["uvicorn", "openai"]


@pytest.mark.parametrize("command", ["uv sync --frozen", "pip install uv && uv sync --locked", "uv run pytest"])
def test_an_image_installs_from_the_lock(command: str) -> None:
    files = {"pyproject.toml": PYPROJECT, "uv.lock": UV_LOCK, "Dockerfile": f"FROM python\nCOPY . .\nRUN {command}\n"}
    found = facts(files, ("image", command))
    assert found.locked_installs and not found.unlocked_installs
    assert found.version_of("openai").version == "1.59.3"


@pytest.mark.parametrize(
    "copied", ["COPY pyproject.toml uv.lock ./", "COPY *.lock ./", "COPY . .", "ADD --chown=1:1 . /app"]
)
def test_the_lock_has_to_be_in_the_image(copied: str) -> None:
    files = {"pyproject.toml": PYPROJECT, "uv.lock": UV_LOCK}
    with_lock = files | {"Dockerfile": f"FROM python\n{copied}\nRUN uv sync\n"}
    without = files | {"Dockerfile": "FROM python\nCOPY pyproject.toml .\nRUN uv sync\n"}
    assert facts(with_lock, ("image", "uv sync")).locked_installs
    assert not facts(without, ("image", "uv sync")).locked_installs


@pytest.mark.parametrize(
    ("command", "unlocked"),
    [
        ("uv sync --frozen && uv pip install torch", "torch without a lock"),
        ("uv sync --frozen && pip install 'x @ git+https://example.org/x.git@main'", "x without a commit"),
        ("uv sync --frozen && pip install --no-deps .", ""),
        ("uv sync --frozen && uv pip install -e .", ""),
        ("pip install --upgrade pip wheel && uv sync --frozen", ""),
        ("uv sync --frozen && pip install torch==2.6.0", ""),
        ("uv pip install --system .", "the project's own ranges"),
        ("pip install -r requirements-dev.txt && uv sync --frozen", ""),
    ],
)
def test_what_is_resolved_anew_beside_a_lock(command: str, unlocked: str) -> None:
    files = {"pyproject.toml": PYPROJECT, "uv.lock": UV_LOCK, "Dockerfile": "FROM python\nCOPY . .\n"}
    assert [item.unlocked for item in facts(files, ("image", command)).unlocked_installs] == [unlocked] * bool(unlocked)


def test_a_list_is_a_lock_when_it_is_transitive() -> None:
    direct = "openai==1.59.3\nhttpx==0.28.1\n"
    assert not facts({"requirements.txt": direct}).locks
    for complete in (
        "openai==1.59.3\nhttpx==0.28.1\n    # via openai\n",
        "openai==1.59.3 --hash=sha256:a\nhttpx==0.28.1 --hash=sha256:b\n",
        direct + "anyio==4\ncertifi==2024.1\nh11==0.14\nidna==3.1\nsniffio==1.3\n",
    ):
        found = facts({"requirements.txt": complete}, ("ci", "pip install -r requirements.txt"))
        assert found.locked_installs and found.version_of("openai").version == "1.59.3"
    assert not facts({"requirements.txt": complete + "numpy>=1\n"}).locks


def test_a_lock_out_of_date_says_what_does_not_fit() -> None:
    missing = facts({"pyproject.toml": PYPROJECT.replace('"]', '", "tenacity"]'), "uv.lock": UV_LOCK})
    assert [lock.why for lock in missing.stale_locks] == ["tenacity is not in it"]
    newer = facts({"pyproject.toml": PYPROJECT.replace(">=1.50", ">=2.0"), "uv.lock": UV_LOCK})
    assert [lock.why for lock in newer.stale_locks] == ["openai >=2.0,<3 is asked for, 1.59.3 is locked"]


def test_poetry_s_content_hash_is_recomputed() -> None:
    hashed = {"dependencies": {"openai": "^1.0"}, "source": None, "extras": None, "dev-dependencies": None}
    digest = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
    lock = f'[[package]]\nname = "openai"\nversion = "1.2"\n\n[metadata]\ncontent-hash = "{digest}"\n'
    manifest = '[tool.poetry.dependencies]\nopenai = "^1.0"\n'
    assert [item.in_sync for item in facts({"pyproject.toml": manifest, "poetry.lock": lock}).locks] == [True]
    changed = manifest.replace("^1.0", "^1.1")
    assert [item.in_sync for item in facts({"pyproject.toml": changed, "poetry.lock": lock}).locks] == [False]


def test_a_lock_that_nothing_installs_is_not_used() -> None:
    files = {"pyproject.toml": PYPROJECT, "uv.lock": UV_LOCK, "Dockerfile": "FROM python\nCOPY . .\n"}
    documented = facts(files, ("docs", "uv sync"))
    assert documented.version_of("openai").version == "1.59.3" and not documented.locked_installs
    image = facts(files, ("image", "pip install ."), ("docs", "uv sync"))
    assert image.version_of("openai") == Installed(None, ">=1.50,<3")


def test_a_platform_export_proves_nothing_unless_it_is_installed() -> None:
    archive = "https://example.org/noarch/openai-1.2-py_0.conda"
    export = {"env.txt": f"@EXPLICIT\n{archive}\n", "requirements.txt": "openai\n"}
    assert not facts(export).locks
    assert facts(export, ("ci", "conda create --name x --file env.txt")).locked_installs


@pytest.mark.parametrize(
    ("range_", "specifier", "forced", "expected"),
    [
        ("", ">=5", "", True),
        ("", "<1", "", False),
        ("<2", ">=1.9", "", True),
        ("<2", ">=2", "", False),
        ("<=1.5", "<1.6", "", True),
        ("~=1.4", ">=1.9,<2", "", True),
        ("~=1.4.2", "<1.5", "", True),
        ("==1.*", "<2", "", True),
        ("!=2.0", ">=5", "", True),
        ("", "<1", "<1", True),
        (">=1", "<1", "<1", None),
        ("nonsense", "<1", "", None),
    ],
)
def test_the_newest_version_of_a_range_stands_for_it(
    range_: str, specifier: str, forced: str, expected: bool | None
) -> None:
    assert Installed(None, range_).admits(specifier, forced) is expected


def test_an_undeclared_distribution_is_taken_as_the_newest() -> None:
    found = facts({"requirements.txt": "langchain-openai==0.3.0\n"}).version_of("openai")
    assert (found.declared, found.version, found.admits("<1")) == (False, None, False)
