"""The house rules: rooms import only from earlier rooms, nothing reaches the network, scoring has no clock."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LONGEST_MODULE = 400
SCORING_ROOMS = ("repository", "extract", "facts", "assess", "report")
# What would make two scans of one commit differ, or would run what was scanned.
FORBIDDEN_CALLS = {
    "datetime.datetime.now": "a clock",
    "datetime.datetime.today": "a clock",
    "datetime.datetime.utcnow": "a clock",
    "datetime.date.today": "a clock",
    "time.time": "a clock",
    "time.localtime": "a clock",
    "locale.setlocale": "the locale",
    "importlib.import_module": "importing what is scanned",
    "runpy.run_path": "running what is scanned",
    "eval": "running what is scanned",
    "exec": "running what is scanned",
    "__import__": "importing what is scanned",
}


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--config", "pyproject.toml", "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "scanner")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def copy_house(project: Path, to: Path) -> Path:
    shutil.copytree(project / "scanner", to / "scanner", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project / "pyproject.toml", to)
    return to / "scanner" / "readiness"


def test_every_contract_of_the_house_is_kept(project: Path) -> None:
    outcome = lint_imports(project)

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_an_extractor_that_asks_the_assessment_breaks_the_contract(project: Path, tmp_path: Path) -> None:
    package = copy_house(project, tmp_path)
    with (package / "extract" / "__init__.py").open("a", encoding="utf-8") as module:
        module.write("\nfrom readiness.assess import check\n")

    outcome = lint_imports(tmp_path)

    assert outcome.returncode != 0
    assert "readiness.extract is not allowed to import readiness.assess" in outcome.stdout


def test_a_room_without_a_place_in_the_order_breaks_the_contract(project: Path, tmp_path: Path) -> None:
    package = copy_house(project, tmp_path)
    (package / "attic").mkdir()
    (package / "attic" / "__init__.py").write_text('"""A room nobody planned."""\n', encoding="utf-8")

    outcome = lint_imports(tmp_path)

    assert outcome.returncode != 0
    assert "readiness.attic" in outcome.stdout


def modules(project: Path) -> Iterator[Path]:
    yield from sorted((project / "scanner" / "readiness").rglob("*.py"))


def test_no_module_outgrows_one_idea(project: Path) -> None:
    lengths = {str(path.relative_to(project)): len(path.read_text("utf-8").splitlines()) for path in modules(project)}

    assert {path: length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def forbidden_calls(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    """Calls of FORBIDDEN_CALLS, names resolved through the module's imports."""
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update({(item.asname or item.name): item.name for item in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.update({(item.asname or item.name): f"{node.module}.{item.name}" for item in node.names})
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, _, rest = ast.unparse(node.func).partition(".")
            name = ".".join(filter(None, (imported.get(first, first), rest)))
            if name in FORBIDDEN_CALLS:
                yield node.lineno, name, FORBIDDEN_CALLS[name]


@pytest.mark.parametrize("room", SCORING_ROOMS)
def test_scoring_has_no_clock_no_locale_and_runs_nothing(project: Path, room: str) -> None:
    found = [
        f"{path.relative_to(project)}:{line}: {name} is {what}"
        for path in sorted((project / "scanner" / "readiness" / room).rglob("*.py"))
        for line, name, what in forbidden_calls(ast.parse(path.read_text("utf-8")))
    ]

    assert found == []


def test_a_clock_behind_an_alias_is_still_seen() -> None:
    tree = ast.parse("from datetime import datetime as d\n\ndef age():\n    return d.now()\n")

    assert list(forbidden_calls(tree)) == [(4, "datetime.datetime.now", "a clock")]
