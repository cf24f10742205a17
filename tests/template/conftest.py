"""Projects made from the template of this work tree, once each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from readiness._resources import data_root
from readiness.scaffold import Source, generate

from .answer_sets import title

HERE = Source("/the/template", "v0.0.1")

Render = Callable[..., Path]


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """A function that makes a project with the answers given, in a folder called `support-answers`, and returns it."""
    made: dict[str, Path] = {}

    def make(answers: dict[str, Any], again: bool = False) -> Path:
        name = title(answers)
        if again or name not in made:
            folder = tmp_path_factory.mktemp("project") / "support-answers"
            generate(folder, answers, source=HERE)
            if again:
                return folder
            made[name] = folder
        return made[name]

    return make


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the template and its questions as they are now, and nothing else: no git repository."""
    folder = tmp_path_factory.mktemp("template")
    shutil.copy(data_root() / "copier.yml", folder)
    shutil.copytree(data_root() / "template", folder / "template", ignore=shutil.ignore_patterns("__pycache__"))
    return folder
