"""How a prompt's version is told: `prompt-binding.yaml`, loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.facts.sdks.symbols import as_expression

_SETS = ("version_keys", "model_keys", "text_keys", "recording_methods", "pins")


@dataclass(frozen=True, slots=True)
class BindingKnowledge:
    """Names of fields, keys and methods; the symbols are matched against whole canonical paths."""

    prompt_fields: re.Pattern[str]
    model_fields: re.Pattern[str]
    version_keys: frozenset[str]
    model_keys: frozenset[str]
    text_keys: frozenset[str]
    recording_methods: frozenset[str]
    pins: frozenset[str]
    linked: re.Pattern[str]
    linked_argument: str
    releases: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]

    def binds(self, names: set[str]) -> bool:
        """Whether these fields together tell a prompt and a model."""
        return any(self.prompt_fields.fullmatch(n) for n in names) and any(
            self.model_fields.fullmatch(n) for n in names
        )


@cache
def load_binding(file: Path | None = None) -> BindingKnowledge:
    """Read `prompt-binding.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "prompt-binding.yaml"
    data = read_yaml(path)
    try:
        return BindingKnowledge(
            prompt_fields=re.compile(data["prompt_fields"]),
            model_fields=re.compile(data["model_fields"]),
            linked=re.compile(as_expression(data["linked"])),
            linked_argument=str(data["linked_argument"]),
            releases=tuple(
                (re.compile(as_expression(one["symbols"])), tuple(one["argument"])) for one in data["releases"]
            ),
            **{name: frozenset(str(key) for key in data[name]) for name in _SETS},
        )
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise KnowledgeError(path.name, "entries", str(error)) from error
