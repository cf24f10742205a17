"""What is known of personal data and of logs: `checks/knowledge/personal-data.yaml`, loaded."""

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
class Wired:
    """A part of an agent that masks by itself; `off` is the keyword that takes the input out of its care."""

    off: str = ""
    one_kind: bool = False


@dataclass(frozen=True, slots=True)
class Switch:
    """A setting of a library that has it log whole requests; `value`: what it is set to, empty for anything true."""

    what: str
    value: str = ""


@dataclass(slots=True)
class PrivacyKnowledge:
    """All of `personal-data.yaml`."""

    detectors: SymbolTable[str] = field(default_factory=SymbolTable)
    detector_models: tuple[str, ...] = ()
    wired: SymbolTable[Wired] = field(default_factory=SymbolTable)
    records: list[tuple[SymbolTable[str], str]] = field(default_factory=list)
    policy_keywords: frozenset[str] = frozenset()
    hiding: frozenset[str] = frozenset()
    switched_off: frozenset[str] = frozenset()
    loggers: SymbolTable[str] = field(default_factory=SymbolTable)
    printing: SymbolTable[str] = field(default_factory=SymbolTable)
    loud: frozenset[str] = frozenset()
    quiet: frozenset[str] = frozenset()
    harmless: frozenset[str] = frozenset()
    calls: SymbolTable[Switch] = field(default_factory=SymbolTable)
    attributes: dict[str, Switch] = field(default_factory=dict)
    echoing: SymbolTable[str] = field(default_factory=SymbolTable)
    verbose: frozenset[str] = frozenset()


@cache
def load_privacy(file: Path | None = None) -> PrivacyKnowledge:
    """Read `personal-data.yaml` (by default the one that comes with the package).

    Raises `KnowledgeError` where it is not of the expected shape.
    """
    path = file or knowledge_folder() / "personal-data.yaml"
    try:
        data = read_yaml(path)
        return _load(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise KnowledgeError(path.name, "personal data", f"{type(error).__name__}: {error}") from error


def _load(data: Mapping[str, Any]) -> PrivacyKnowledge:
    logging, unmasked = data["logging"], data["unmasked"]
    found = PrivacyKnowledge(
        detector_models=tuple(_texts(data["detector_models"])),
        policy_keywords=frozenset(_texts(data["policy_keywords"])),
        hiding=frozenset(_texts(unmasked["hiding"])),
        switched_off=frozenset(_texts(unmasked["switched_off"])),
        loud=frozenset(_texts(logging["loud"])),
        quiet=frozenset(_texts(logging["quiet"])),
        harmless=frozenset(_texts(logging["harmless"])),
        verbose=frozenset(_texts(data["verbose_keywords"])),
    )
    found.detectors.add(_texts(data["detectors"]), "detector")
    for entry in data["wired"]:
        found.wired.add(_texts(entry["symbols"]), Wired(str(entry.get("off", "")), bool(entry.get("one_kind"))))
    for entry in data["records"]:
        table: SymbolTable[str] = SymbolTable()
        table.add(_texts(entry["symbols"]), "records")
        found.records.append((table, str(entry["keyword"])))
    found.loggers.add(_texts(logging["loggers"]), "logger")
    found.printing.add(_texts(logging["printing"]), "print")
    found.echoing.add(_texts(data["echoing"]), "engine")
    for entry in data["switches"]:
        switch = Switch(str(entry["what"]), str(entry.get("value", "")))
        if "call" in entry:
            found.calls.add([str(entry["call"])], switch)
        else:
            found.attributes[str(entry["attribute"])] = switch
    return found


def _texts(value: Iterable[Any]) -> list[str]:
    if isinstance(value, str) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"{value!r} is no list of texts")
    return list(value)
