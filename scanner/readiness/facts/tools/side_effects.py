"""What is known of tools that act on the world: `checks/knowledge/side-effects.yaml`, loaded."""

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
class Effect:
    """A function that changes something outside the program.

    `path`, `mode`, `address` and `statement` are the positions of the arguments that can make it harmless; None where
    it has no such argument.
    """

    what: str
    path: int | None = None
    mode: int | None = None
    address: int | None = None
    statement: int | None = None


@dataclass(frozen=True, slots=True)
class OpenTool:
    """A ready-made tool that reaches further than one job; `limits` are the keywords that fence it in."""

    what: str
    limits: frozenset[str]


@dataclass(slots=True)
class ToolKnowledge:
    """All of `side-effects.yaml`."""

    effects: SymbolTable[Effect] = field(default_factory=SymbolTable)
    open_tools: SymbolTable[OpenTool] = field(default_factory=SymbolTable)
    reaching: SymbolTable[str] = field(default_factory=SymbolTable)
    lists: SymbolTable[str] = field(default_factory=SymbolTable)
    """Where tools come from that only the running program knows: "list" gives them, "call" runs one by its name."""
    asking: SymbolTable[str] = field(default_factory=SymbolTable)
    """Parts that ask a person: by the keyword that names the tools they ask for, or empty for all of them."""
    optional: SymbolTable[str] = field(default_factory=SymbolTable)
    questions: SymbolTable[str] = field(default_factory=SymbolTable)
    exceptions: SymbolTable[str] = field(default_factory=SymbolTable)
    named_tools: SymbolTable[str] = field(default_factory=SymbolTable)
    words: dict[str, frozenset[str]] = field(default_factory=dict)
    modes: dict[str, frozenset[str]] = field(default_factory=dict)


_WORDS = ("unwinding", "own_files", "reading_addresses", "dangerous_switches", "fences")
_OF_LISTS = ("filter_keywords", "filter_methods", "names")
_OF_APPROVALS = ("methods", "keywords", "refusing", "model_nodes", "own_words")


@cache
def load_side_effects(file: Path | None = None) -> ToolKnowledge:
    """Read `side-effects.yaml` (by default the one that comes with the package).

    Raises `KnowledgeError` where it is not of the expected shape.
    """
    path = file or knowledge_folder() / "side-effects.yaml"
    try:
        data = read_yaml(path)
        return _load(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise KnowledgeError(path.name, "side effects", f"{type(error).__name__}: {error}") from error


def _load(data: Mapping[str, Any]) -> ToolKnowledge:
    found = ToolKnowledge()
    for entry in data["effects"]:
        positions = {k: entry.get(k) for k in ("path", "mode", "address", "statement")}
        if any(p is not None and not isinstance(p, int) for p in positions.values()):
            raise TypeError(f"the positions of {entry['what']!r} are no numbers")
        found.effects.add(_texts(entry["symbols"]), Effect(str(entry["what"]), **positions))
    for entry in data["open_tools"]:
        found.open_tools.add(_texts(entry["symbols"]), OpenTool(str(entry["what"]), frozenset(_texts(entry["limits"]))))
    for entry in data["reaching"]:
        found.reaching.add(_texts(entry["symbols"]), str(entry["what"]))
    lists, approvals = data["lists"], data["approvals"]
    found.lists.add(_texts(lists["symbols"]), "list")
    found.lists.add(_texts(lists["calls"]), "call")
    for symbol, keyword in approvals["middleware"].items():
        found.asking.add([symbol], str(keyword))
    found.optional.add(_texts(approvals["optional"]), "optional")
    found.questions.add(_texts(approvals["questions"]), "question")
    found.exceptions.add(_texts(approvals["exceptions"]), "exception")
    found.named_tools.add(_texts(data["named_tools"]["symbols"]), "named")
    found.words = {
        **{k: frozenset(_texts(data[k])) for k in _WORDS},
        **{k: frozenset(_texts(lists[k])) for k in _OF_LISTS},
        **{k: frozenset(_texts(approvals[k])) for k in _OF_APPROVALS},
        "named_tools": frozenset(_texts(data["named_tools"]["names"])),
        "proposal_fields": frozenset(_texts(data["proposals"]["fields"])),
        "proposal_values": frozenset(_texts(data["proposals"]["values"])),
        "launchers": frozenset(_texts(data["server_launchers"]["programs"])),
        "roots": frozenset(_texts(data["server_launchers"]["roots"])),
    }
    found.modes = {k: frozenset(_texts(v)) for k, v in approvals["modes"].items()}
    return found


def _texts(value: Iterable[Any]) -> list[str]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{value!r} is no list of texts")
    return list(value)
