"""The facts of small repositories made of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from readiness.extract.observe import observe
from readiness.facts.core import Core, link
from readiness.facts.facts import Facts, gather
from readiness.facts.linking.web import WebKnowledge, load_web
from readiness.facts.records.records import Records
from readiness.facts.sdks.knowledge import Knowledge, knowledge_folder, load_knowledge
from readiness.repository.configuration import load_configuration
from readiness.repository.opening import open_repository


@cache
def _knowledge() -> tuple[Knowledge, WebKnowledge]:
    """What ships with the package, read once for all tests."""
    return load_knowledge(), load_web(knowledge_folder() / "web-frameworks.yaml")


@pytest.fixture
def linked(make_repository: Callable[[Mapping[str, str]], Path]) -> Callable[[Mapping[str, str]], Core]:
    """A function that links a repository with these files (path -> text)."""

    def find(files: Mapping[str, str]) -> Core:
        root = make_repository(files)
        repository = open_repository(root, load_configuration(root))
        return link(repository, observe(repository), *_knowledge())

    return find


@pytest.fixture
def facts_of(linked: Callable[[Mapping[str, str]], Core]) -> Callable[[Mapping[str, str]], Facts]:
    """A function that gives the facts of a repository with these files (path -> text)."""
    return lambda files: gather(linked(files), None)


@pytest.fixture
def keep(facts_of: Callable[[Mapping[str, str]], Facts]) -> Callable[[Mapping[str, str]], Records]:
    """A function that gives what a repository with these files keeps of its model calls."""
    return lambda files: facts_of(files).records
