"""What is known of errors in reading model text: `checks/knowledge/parsing.yaml`, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.flows.sinks import SymbolTable
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk_files import Fields, read_yaml


@dataclass(frozen=True, slots=True)
class ParsingKnowledge:
    """The errors a parse raises, and the parsers and SDKs that need no handler for them."""

    errors: frozenset[str]
    forgiving: SymbolTable[bool]
    asking_again: SymbolTable[bool]
    typed_and_asking_again: frozenset[str]


@cache
def load_parsing(file: Path | None = None) -> ParsingKnowledge:
    """Read `parsing.yaml` (by default the one that comes with the package).

    Raises `KnowledgeError` where it is not of the expected shape.
    """
    path = file or knowledge_folder() / "parsing.yaml"
    fields = Fields(path.name, "", read_yaml(path))
    fields.text("checked", None)
    fields.get("notes")
    known = ParsingKnowledge(
        errors=frozenset(fields.texts("errors")),
        forgiving=_table(fields.symbols("forgiving")),
        asking_again=_table(fields.symbols("asking_again")),
        typed_and_asking_again=frozenset(fields.texts("typed_and_asking_again")),
    )
    fields.done()
    return known


def _table(symbols: tuple[str, ...]) -> SymbolTable[bool]:
    table: SymbolTable[bool] = SymbolTable()
    table.add(symbols, True)
    return table
