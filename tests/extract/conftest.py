"""A repository made of texts, observed without a file system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from textwrap import dedent

import pytest

from readiness.extract.observations import Observations
from readiness.extract.observe import observe
from readiness.repository.tree import File, Repository, Role


@pytest.fixture
def observed() -> Callable[[Mapping[str, str | bytes]], Observations]:
    """A function that observes files given as path -> text (dedented) or bytes."""

    def run(files: Mapping[str, str | bytes]) -> Observations:
        entries = []
        for path, content in files.items():
            source = content if isinstance(content, bytes) else dedent(content).encode()
            entries.append(File(path, len(source), Role.SERVING, partial(bytes, source)))
        return observe(Repository("sample", None, False, None, tuple(entries), ()))

    return run
