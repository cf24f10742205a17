"""What is known of web, UI, bot and queue frameworks: `checks/knowledge/web-frameworks.yaml`, loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.facts.sdks.symbols import expand


@dataclass(frozen=True, slots=True)
class Framework:
    """How one framework names its entry points; symbols are canonical paths."""

    name: str
    kind: str
    apps: frozenset[str] = frozenset()
    decorators: frozenset[str] = frozenset()
    websockets: frozenset[str] = frozenset()
    registrations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    constructors: dict[str, tuple[str, ...]] = field(default_factory=dict)
    decorators_of_symbols: frozenset[str] = frozenset()
    class_decorators: frozenset[str] = frozenset()
    base_classes: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    """The methods that the framework calls on such classes (`base_classes`, `class_decorators`); all public ones where
    none is named."""
    specifications: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    package: str = ""
    """The package whose components have the `events`."""
    deployed: frozenset[str] = frozenset()
    """Constructors of agents that a platform serves over HTTP without a route in the code."""
    page_calls: str = ""
    """The package whose calls draw a page when a file runs."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that a platform finds by its name and parameters."""

    name: str
    kind: str
    functions: frozenset[str]
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WebKnowledge:
    """All frameworks and platform handlers."""

    frameworks: tuple[Framework, ...]
    handlers: tuple[Handler, ...]

    @property
    def applications(self) -> frozenset[str]:
        """The paths of the applications and routers whose handlers answer HTTP requests (`flask.Flask()`)."""
        return frozenset(a if "()" in a else f"{a}()" for f in self.frameworks if f.kind == "http" for a in f.apps)


_SETS = ("decorators", "websockets", "class_decorators", "specifications", "events", "verbs")
_SYMBOLS = ("apps", "decorators_of_symbols", "base_classes", "deployed")


@cache
def load_web(file: Path) -> WebKnowledge:
    """Read `web-frameworks.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    try:
        data: Any = read_yaml(file)
        frameworks = tuple(_framework(entry) for entry in data["frameworks"])
        handlers = tuple(
            Handler(h["name"], h["kind"], frozenset(h["functions"]), tuple(h["parameters"])) for h in data["handlers"]
        )
    except (KeyError, TypeError) as error:
        raise KnowledgeError(file.name, "frameworks", str(error)) from error
    return WebKnowledge(frameworks, handlers)


def _framework(entry: dict[str, Any]) -> Framework:
    values: dict[str, Any] = {k: v for k, v in entry.items() if k not in (*_SETS, *_SYMBOLS, "constructors")}
    for name in _SETS:
        values[name] = frozenset(entry.get(name, ()))
    for name in _SYMBOLS:
        values[name] = frozenset(s for symbol in entry.get(name, ()) for s in expand(symbol))
    values["registrations"] = {k: tuple(v) for k, v in entry.get("registrations", {}).items()}
    values["constructors"] = {s: tuple(v) for k, v in entry.get("constructors", {}).items() for s in expand(k)}
    return Framework(**values)
