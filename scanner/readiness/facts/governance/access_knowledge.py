"""What is known of authentication: `checks/knowledge/authentication.yaml`, loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.inputs.request_knowledge import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml


@dataclass(frozen=True, slots=True)
class Argument:
    """Arguments of a call by which a framework's application is told whom to let in."""

    framework: str
    function: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutsideSign:
    """A line of a deployment's configuration that says something in front of the service authenticates."""

    files: re.Pattern[str]
    pattern: re.Pattern[str]
    what: str


@dataclass(frozen=True, slots=True)
class AccessKnowledge:
    """Everything `authentication.yaml` says; the names are its keys."""

    schemes: Symbols
    people: Symbols
    raising: Symbols
    answering: Symbols
    decorators: Symbols
    permissions: Symbols
    dependencies: Symbols
    middleware: Symbols
    page_logins: Symbols
    allow_lists: Symbols
    callbacks: dict[str, Symbols]
    arguments: tuple[Argument, ...]
    signed_frameworks: frozenset[str]
    writers: frozenset[str]
    proven: frozenset[str]
    names: re.Pattern[str]
    exceptions: re.Pattern[str]
    outside: tuple[OutsideSign, ...]

    def is_credential(self, name: object) -> bool:
        """Whether a parameter or a key of this name may hold a credential."""
        text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        return isinstance(text, str) and self.names.search(text[:100]) is not None and "tokens" not in text.lower()


@cache
def load_access(file: Path | None = None) -> AccessKnowledge:
    """Read `authentication.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "authentication.yaml"
    try:
        data = read_yaml(path)
        sets = {n: Symbols.of(data[n]) for n, kind in AccessKnowledge.__annotations__.items() if kind == "Symbols"}
        return AccessKnowledge(
            **sets,
            callbacks={framework: Symbols.of(symbols) for framework, symbols in data["callbacks"].items()},
            arguments=tuple(Argument(a["framework"], a["function"], tuple(a["names"])) for a in data["arguments"]),
            signed_frameworks=frozenset(data["signed_frameworks"]),
            writers=frozenset(data["writers"]),
            proven=frozenset(data["proven"]),
            names=re.compile(rf"(?:^|[-_.]|\b)(?:{data['names']})(?:$|[-_.\d]|\b)", re.I),
            exceptions=re.compile(data["exceptions"], re.I),
            outside=tuple(
                OutsideSign(re.compile(o["files"], re.I), re.compile(o["pattern"], re.I | re.M), o["what"])
                for o in data["outside"]
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise KnowledgeError(path.name, "the file", f"{type(error).__name__}: {error}") from error
