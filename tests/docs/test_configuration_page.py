"""The page about the configuration: its example is valid, and it names every key and role."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from readiness.repository.configuration import Configuration, load_configuration
from readiness.repository.tree import Role


@pytest.fixture
def page(project: Path) -> str:
    return (project / "docs" / "reference" / "configuration.md").read_text("utf-8")


def test_its_example_sets_every_key(page: str, tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example
    (tmp_path / "readiness.toml").write_text(example[1], "utf-8")

    loaded = load_configuration(tmp_path)

    defaults = Configuration()
    unset = [item.name for item in fields(loaded) if getattr(loaded, item.name) == getattr(defaults, item.name)]
    assert unset == []


def test_it_names_every_role(page: str) -> None:
    assert [role.value for role in Role if f"`{role.value}`" not in page] == []
