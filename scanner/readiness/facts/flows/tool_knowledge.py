"""What is known of tools: `checks/knowledge/tools.yaml`, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk_files import Fields, read_yaml


@dataclass(frozen=True, slots=True)
class ToolKnowledge:
    """Everything `tools.yaml` says; the names are its keys."""

    injected_types: frozenset[str]
    injected_names: frozenset[str]
    loose: frozenset[str]
    degrading: dict[str, frozenset[str]]
    schema_members: frozenset[str]
    description_members: frozenset[str]
    schema_arguments: frozenset[str]
    description_arguments: frozenset[str]
    given_as: frozenset[str]
    schema_keys: frozenset[str]
    schema_methods: frozenset[str]
    own_bases: frozenset[str]
    own_runs: frozenset[str]


@cache
def load_tools(file: Path | None = None) -> ToolKnowledge:
    """Read `tools.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "tools.yaml"
    fields = Fields(path.name, "", read_yaml(path))
    fields.text("checked", None)
    fields.get("notes")
    degrading = {}
    for package, names in fields.mapping("degrading").items():
        if not isinstance(names, list):
            raise fields.wrong(f"degrading.{package}", "must be a list of annotations")
        degrading[package] = frozenset(map(str, names))
    sets = {name: frozenset(fields.texts(name)) for name in ToolKnowledge.__annotations__ if name != "degrading"}
    fields.done()
    return ToolKnowledge(degrading=degrading, **sets)
