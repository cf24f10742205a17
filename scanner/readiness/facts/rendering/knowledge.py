"""What is known of rendering: `checks/knowledge/rendering.yaml`, loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from readiness.facts.flows.sinks import SymbolTable
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml


@dataclass(frozen=True, slots=True)
class Sink:
    """A function that takes markup: always, or where `keyword` is true (`off`: false). `parameter` names the text."""

    keyword: str = ""
    off: bool = False
    parameter: str = ""


@dataclass(slots=True)
class RenderingKnowledge:
    """All of `rendering.yaml`."""

    sinks: SymbolTable[Sink] = field(default_factory=SymbolTable)
    pages: SymbolTable[str] = field(default_factory=SymbolTable)
    sanitisers: SymbolTable[str] = field(default_factory=SymbolTable)
    frontend_sanitisers: tuple[str, ...] = ()
    talking: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()


@cache
def load_rendering(file: Path | None = None) -> RenderingKnowledge:
    """Read `rendering.yaml` (by default the one that comes with the package).

    Raises `KnowledgeError` where it is not of the expected shape.
    """
    path = file or knowledge_folder() / "rendering.yaml"
    try:
        data = read_yaml(path)
        return _load(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise KnowledgeError(path.name, "rendering", f"{type(error).__name__}: {error}") from error


def _load(data: Mapping[str, Any]) -> RenderingKnowledge:
    frontend = data["frontend"]
    found = RenderingKnowledge(
        frontend_sanitisers=tuple(_texts(frontend["sanitisers"])),
        talking=tuple(_texts(frontend["talking"])),
        answers=tuple(_texts(frontend["answers"])),
        own=frozenset(_texts(frontend["own"])),
    )
    for entry in data["sinks"]:
        sink = Sink(str(entry.get("keyword", "")), bool(entry.get("off")), str(entry.get("parameter", "")))
        found.sinks.add(_texts(entry["symbols"]), sink)
    found.pages.add(_texts(data["pages"]), "page")
    found.sanitisers.add(_texts(data["sanitisers"]), "sanitiser")
    return found


def _texts(value: Iterable[Any]) -> list[str]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{value!r} is no list of texts")
    return list(value)
