"""What is published is what is here: built the way a release is, installed the way a user does."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from readiness import __version__
from readiness.scaffold import Source, generate

DATA = "readiness/_data/"


def run(*command: str | Path, cwd: Path) -> str:
    outcome = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=180)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution: what is dropped on the way to either is missing here."""
    if not (project / ".git").exists() or shutil.which("git") is None:
        pytest.skip("only a git checkout says which files belong to the project")
    target = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", target, project, cwd=target)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def settings(project: Path) -> dict[str, Any]:
    with (project / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


@pytest.fixture(scope="module")
def declared(settings: dict[str, Any]) -> dict[str, Any]:
    project: dict[str, Any] = settings["project"]
    return project


def test_the_wheel_holds_every_data_file_of_the_repository_and_no_other(project: Path, names: list[str]) -> None:
    listed = run(
        "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "copier.yml", "template", "checks",
        cwd=project,
    )  # fmt: skip
    here = {path for path in listed.split("\0") if path and (project / path).exists()}

    assert {name.removeprefix(DATA) for name in names if name.startswith(DATA)} == here


def test_the_wheel_is_typed_licensed_and_puts_nothing_else_at_the_top(names: list[str]) -> None:
    tops = {name.split("/")[0] for name in names}

    assert "readiness/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {top for top in tops if not top.endswith(".dist-info")} == {"readiness"}


def test_the_version_is_the_packages_own(project: Path, wheel: Path) -> None:
    source = (project / "scanner" / "readiness" / "__init__.py").read_text("utf-8")
    version = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)
    assert version
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(path).decode())

    assert metadata["Version"] == version[1]
    assert metadata["License-Expression"] == "MIT"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel into an environment of its own, modules compiled as pip does."""
    home = tmp_path_factory.mktemp("installed") / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home.parent)
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", "--compile",
        wheel, cwd=home.parent)  # fmt: skip
    # The dependencies of this environment, without its own (editable) readiness: nested .pth files are not followed.
    (site,) = home.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return home / "bin" / "readiness"


def command(*arguments: str | Path, cwd: Path | str = "/") -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "READINESS"))}
    return subprocess.run(
        arguments, cwd=cwd, env={**clean, "COLUMNS": "200"}, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_installed_command_finds_its_catalogue_from_anywhere(project: Path, installed: Path) -> None:
    outcome = command(installed, "checks")

    assert outcome.returncode == 0, outcome.stderr
    layers = tuple(path for path in (project / "checks").iterdir() if path.is_dir() and path.name != "knowledge")
    missing = [path.stem for layer in layers for path in layer.glob("*.yaml") if path.stem not in outcome.stdout]
    assert missing == []


def test_the_installed_command_makes_the_project_that_the_checkout_makes(
    project: Path, installed: Path, tmp_path: Path
) -> None:
    """What pip compiled where it installed the template does not come along."""
    (data,) = installed.parents[1].glob("lib/python*/site-packages/readiness/_data")
    assert any((data / "template").rglob("__pycache__")), "pip compiles no more: then this test proves nothing"
    outcome = command(installed, "new", "acme-answers", "--defaults", cwd=tmp_path)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert "--template-source" in outcome.stdout
    generate(tmp_path / "checkout" / "acme-answers", source=Source(str(data), f"v{__version__}"))

    made, wanted = tmp_path / "acme-answers", tmp_path / "checkout" / "acme-answers"
    names = sorted(path.relative_to(wanted) for path in wanted.rglob("*") if path.is_file())
    assert sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file()) == names
    assert not [name for name in names if "__pycache__" in name.parts]
    assert [name for name in names if (made / name).read_bytes() != (wanted / name).read_bytes()] == []


def distributions_imported(package: Path) -> set[str]:
    """The distributions that provide what the package's modules import, beyond the standard library and itself."""
    found: set[str] = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {item.name.split(".")[0] for item in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    providers = packages_distributions()
    return {
        re.sub(r"[-_.]+", "-", providers[name][0]).lower()
        for name in found - set(sys.stdlib_module_names) - {"readiness"}
    }


def test_the_dependencies_are_what_the_package_imports(project: Path, declared: dict[str, Any]) -> None:
    required = {re.match(r"[\w.-]+", line)[0].lower() for line in declared["dependencies"]}  # type: ignore[index]

    assert required == distributions_imported(project / "scanner" / "readiness")


def test_every_pin_has_hashes_and_names_no_place_of_this_machine(project: Path) -> None:
    text = (project / "constraints.txt").read_text("utf-8")
    pins = re.findall(r"^([\w.-]+)==\S+.*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE)

    assert len(pins) == len(re.findall(r"^[^#\s]", text, re.MULTILINE))
    assert not re.search(r"://|^\s*-{1,2}(i|f|index|extra|find|trusted)", text, re.MULTILINE)


def test_everything_the_tests_need_is_pinned(project: Path, declared: dict[str, Any]) -> None:
    text = (project / "constraints.txt").read_text("utf-8")
    pinned = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    needed = [*declared["dependencies"], *declared["optional-dependencies"]["test"]]

    assert [line for line in needed if re.match(r"[\w.-]+", line)[0].lower() not in pinned] == []  # type: ignore[index]


def test_the_extra_and_the_group_for_tests_are_one_list(settings: dict[str, Any]) -> None:
    assert settings["dependency-groups"]["dev"] == settings["project"]["optional-dependencies"]["test"]
