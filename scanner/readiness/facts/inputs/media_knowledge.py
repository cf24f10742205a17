"""What is known of media on their way to a model: `media.yaml`, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.inputs.request_knowledge import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml


@dataclass(frozen=True, slots=True)
class MediaWidget:
    """A widget that takes files. `types` and `limit` are arguments that say which and how large; `fixed`: one kind."""

    symbols: Symbols
    types: str
    limit: str
    fixed: bool


@dataclass(frozen=True, slots=True)
class BesideText:
    """An argument of a text box that lets files in beside the text."""

    argument: str
    types: str
    fixed: bool


@dataclass(frozen=True, slots=True)
class MediaKnowledge:
    """What `media.yaml` says; the names are its keys."""

    widgets: tuple[MediaWidget, ...]
    inputs_beside_text: tuple[BesideText, ...]
    type_checkers: Symbols
    type_names: frozenset[str]
    shrinkers: frozenset[str]
    unpackers: frozenset[str]
    part_kinds: frozenset[str]
    part_keys: frozenset[str]
    result_kinds: frozenset[str]


@cache
def load_media(file: Path | None = None) -> MediaKnowledge:
    """Read `media.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "media.yaml"
    try:
        data = read_yaml(path)
        return MediaKnowledge(
            tuple(
                MediaWidget(Symbols.of(w["symbols"]), w["types"], w["limit"], bool(w["fixed"])) for w in data["widgets"]
            ),
            tuple(BesideText(b["argument"], b["types"], bool(b["fixed"])) for b in data["inputs_beside_text"]),
            Symbols.of(data["type_checkers"]),
            *(
                frozenset(data[key])
                for key in ("type_names", "shrinkers", "unpackers", "part_kinds", "part_keys", "result_kinds")
            ),
        )
    except (KeyError, TypeError) as error:
        raise KnowledgeError(path.name, "the file", str(error)) from error
