"""Our own scanner notices when a generated project loses a practice: that one, and what rests on the same line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from readiness import scan

from .answer_sets import Answers
from .conftest import Render
from .environments import demanded, lock
from .mutants import MUTANTS, Mutant

# A real provider's model, so that its name can be an alias; every way of deployment and owners who can be reached, so
# that nothing is declined.
ANSWERS: Answers = {
    "model_provider": "openai",
    "deploy": ["compose", "kubernetes"],
    "actions": True,
    "business_owner": "Head of support <head-of-support@northwind.care>",
    "technical_owner": "Answers team <answers@northwind.care>",
    "on_call": "Night desk <night-desk@northwind.care>",
    "risk_owner": "Head of risk <risk@northwind.care>",
    "data_steward": "Library <library@northwind.care>",
}

pytestmark = demanded


@pytest.fixture(scope="module")
def whole(render: Render) -> Path:
    """A project in which nothing is left to satisfy."""
    project = render(ANSWERS, again=True)
    lock(project)
    return project


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.check)
def test_what_breaks_is_noticed(mutant: Mutant, whole: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(whole, tmp_path / "project")
    for edit in mutant.edits:
        edit.apply(broken)

    lost = {found.name for found in scan(broken).checks if found.verdict not in {"pass", "not-applicable"}}

    assert lost == {mutant.check} | mutant.takes
