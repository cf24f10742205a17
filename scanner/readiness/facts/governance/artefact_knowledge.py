"""What is known of loading models: `checks/knowledge/artefacts.yaml`, loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.inputs.request_knowledge import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.facts.sdks.symbols import expand

_LOADING = ("pickles", "pickled_texts", "hub", "code_hubs", "registry", "plain")


@dataclass(frozen=True, slots=True)
class FetchCommand:
    """A shell command that fetches weights; the first group of its pattern names them."""

    pattern: re.Pattern[str]
    what: str


@dataclass(frozen=True, slots=True)
class ArtefactKnowledge:
    """Everything `artefacts.yaml` says; `last_names` are the last names of all symbols that load."""

    pickles: Symbols
    pickled_texts: Symbols
    hub: Symbols
    code_hubs: Symbols
    registry: Symbols
    plain: Symbols
    harmless_symbol: Symbols
    harmless_keyword: str
    harmless_distribution: str
    harmless_since: str
    consent_symbol: Symbols
    consent_keyword: str
    last_names: frozenset[str]
    no_weights: frozenset[str]
    writers: frozenset[str]
    fetchers: frozenset[str]
    names: frozenset[str]
    revisions: frozenset[str]
    remote_code: frozenset[str]
    commands: tuple[FetchCommand, ...]


@cache
def load_artefacts(file: Path | None = None) -> ArtefactKnowledge:
    """Read `artefacts.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "artefacts.yaml"
    try:
        data = read_yaml(path)
        harmless, consent = data["harmless"], data["consent"]
        return ArtefactKnowledge(
            **{name: Symbols.of(data[name]) for name in _LOADING},
            harmless_symbol=Symbols.of([harmless["symbol"]]),
            harmless_keyword=str(harmless["keyword"]),
            harmless_distribution=str(harmless["distribution"]),
            harmless_since=str(harmless["since"]),
            consent_symbol=Symbols.of([consent["symbol"]]),
            consent_keyword=str(consent["keyword"]),
            last_names=frozenset(
                symbol.rpartition(".")[2] for name in _LOADING for pattern in data[name] for symbol in expand(pattern)
            ),
            no_weights=frozenset(data["no_weights"]),
            writers=frozenset(data["writers"]),
            fetchers=frozenset(data["fetchers"]),
            names=frozenset(data["names"]),
            revisions=frozenset(data["revisions"]),
            remote_code=frozenset(data["remote_code"]),
            commands=tuple(FetchCommand(re.compile(c["pattern"]), c["what"]) for c in data["commands"]),
        )
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise KnowledgeError(path.name, "the file", f"{type(error).__name__}: {error}") from error
