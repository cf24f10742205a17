"""What is known of published contracts: `checks/knowledge/contracts.yaml`, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from readiness.facts.failures.resilience import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml

_NAMES = ("declaring", "decorators", "protocols", "dumps", "bodies")


@dataclass(frozen=True, slots=True)
class ContractKnowledge:
    """Symbols of pages and testers, and the names by which routes, events and tests speak of an answer."""

    pages: Symbols
    testers: Symbols
    packages: frozenset[str]
    """The packages of the testers."""
    commands: tuple[tuple[str, ...], ...]
    declaring: frozenset[str]
    decorators: frozenset[str]
    protocols: frozenset[str]
    dumps: frozenset[str]
    bodies: frozenset[str]


@cache
def load_contracts(file: Path | None = None) -> ContractKnowledge:
    """Read `contracts.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "contracts.yaml"
    data: Any = read_yaml(path)
    try:
        return ContractKnowledge(
            pages=Symbols(data["pages"]),
            testers=Symbols(data["testers"]),
            packages=frozenset(symbol.partition(".")[0] for symbol in data["testers"]),
            commands=tuple(tuple(words) for words in data["commands"]),
            **{name: frozenset(data[name]) for name in _NAMES},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KnowledgeError(path.name, "entries", str(error)) from error
