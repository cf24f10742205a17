"""What is known of requests: `checks/knowledge/requests.yaml`, loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.facts.sdks.symbols import as_expression


@dataclass(frozen=True, slots=True)
class Symbols:
    """A set of canonical paths, written with braces and stars."""

    expression: re.Pattern[str]

    def __contains__(self, path: str) -> bool:
        return self.expression.fullmatch(path) is not None

    @classmethod
    def of(cls, patterns: list[str]) -> Symbols:
        """The set that these patterns describe."""
        whole = "|".join(as_expression(p).replace(_NAMES, _ANYTHING) for p in patterns)
        return cls(re.compile(whole or r"(?!)"))


_NAMES, _ANYTHING = as_expression("**"), r"[\w.()\[\]]+"
"""`**` stands for whatever a value was reached by here: names, calls, items."""


@dataclass(frozen=True, slots=True)
class Validating:
    """Methods that check a value against the class they are called on, when it derives from one of `bases`."""

    bases: Symbols
    methods: frozenset[str]


@dataclass(frozen=True, slots=True)
class Widget:
    """Widgets of a UI framework by which somebody sends text or files; `limit` is the argument that bounds them."""

    package: str
    names: frozenset[str]
    channel: str
    limit: str

    def draws(self, path: str) -> bool:
        """Whether a canonical path is one of these widgets, drawn anywhere on the page."""
        return path.startswith(f"{self.package}.") and path.rpartition(".")[2] in self.names


@dataclass(frozen=True, slots=True)
class RequestKnowledge:
    """Everything `requests.yaml` says; the names are its keys."""

    raw: Symbols
    texts: Symbols
    files: Symbols
    ambient: Symbols
    uploads: Symbols
    models: Symbols
    schemas: Symbols
    dataclasses: Symbols
    validators: Symbols
    decorators: Symbols
    adapters: Symbols
    verifiers: Symbols
    scalars: Symbols
    texts_types: Symbols
    bytes_types: Symbols
    trimmers: Symbols
    limiters: Symbols
    counters: Symbols
    validating: tuple[Validating, ...]
    widgets: tuple[Widget, ...]
    raw_members: dict[str, frozenset[str]]
    body_limit_keys: frozenset[str]
    body_limit_arguments: tuple[tuple[Symbols, str], ...]


@cache
def load_requests() -> RequestKnowledge:
    """Read `requests.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    file: Path = knowledge_folder() / "requests.yaml"
    try:
        data = read_yaml(file)
        validating = tuple(
            Validating(Symbols.of(entry["bases"]), frozenset(entry["methods"])) for entry in data["validating_methods"]
        )
        widgets = tuple(Widget(w["package"], frozenset(w["names"]), w["channel"], w["limit"]) for w in data["widgets"])
        members = {framework: frozenset(names) for framework, names in data["raw_members"].items()}
        arguments = tuple((Symbols.of([a["symbol"]]), a["argument"]) for a in data["body_limit_arguments"])
        sets = {
            name: Symbols.of(data[name]) for name, kind in RequestKnowledge.__annotations__.items() if kind == "Symbols"
        }
    except (KeyError, TypeError) as error:
        raise KnowledgeError(file.name, "the file", str(error)) from error
    return RequestKnowledge(
        **sets,
        validating=validating,
        widgets=widgets,
        raw_members=members,
        body_limit_keys=frozenset(data["body_limit_keys"]),
        body_limit_arguments=arguments,
    )
