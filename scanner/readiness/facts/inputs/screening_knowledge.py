"""What is known of screens of untrusted text: `screening.yaml`, loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.inputs.request_knowledge import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml

MAX_LINE = 2_000
"""Characters of one line that are searched for the words of an attack."""


@dataclass(frozen=True, slots=True)
class ScreeningKnowledge:
    """What `screening.yaml` says; `attack` finds the words of an attack, or of a pattern against one, in a line."""

    detectors: Symbols
    enforcers: Symbols
    enforcer_keywords: frozenset[str]
    policy_keywords: frozenset[str]
    filter_keywords: frozenset[str]
    detector_models: tuple[str, ...]
    hosts: tuple[str, ...]
    names: tuple[str, ...]
    verbs: re.Pattern[str]
    objects: re.Pattern[str]
    phrases: re.Pattern[str]

    def speaks_of_attacks(self, line: str) -> bool:
        """Whether a line holds the words of an attack."""
        line = line[:MAX_LINE]
        return bool(self.phrases.search(line) or (self.verbs.search(line) and self.objects.search(line)))

    def is_detector_model(self, model: str | None) -> bool:
        """Whether a model is made to tell attacks."""
        return model is not None and any(part in model.lower() for part in self.detector_models)

    def is_named(self, name: str) -> bool:
        """Whether a function's name says that it looks for attacks."""
        return any(part in name.lower() for part in self.names)


@cache
def load_screening(file: Path | None = None) -> ScreeningKnowledge:
    """Read `screening.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "screening.yaml"
    try:
        data = read_yaml(path)
        return ScreeningKnowledge(
            Symbols.of(data["detectors"]), Symbols.of(data["enforcers"]),
            frozenset(data["enforcer_keywords"]), frozenset(data["policy_keywords"]),
            frozenset(data["filter_keywords"]),
            tuple(data["detector_models"]), tuple(data["hosts"]), tuple(data["names"]),
            _any(data["verbs"]), _any(data["objects"]), _any(data["phrases"]),
        )  # fmt: skip
    except (KeyError, TypeError) as error:
        raise KnowledgeError(path.name, "the file", str(error)) from error


def _any(words: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)
