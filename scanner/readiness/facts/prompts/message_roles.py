"""What is known of the roles of messages: `message-roles.yaml`, loaded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.facts.sdks.symbols import as_expression

_KEYS = frozenset({"checked", "roles", "system_makers", "user_makers", "text_keys", "own_prompts", "completion_models",
                   "answering_roles"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class MessageRoles:
    """The roles above the user's, and what makes messages of each kind; patterns match whole canonical paths."""

    roles: frozenset[str]
    system_makers: re.Pattern[str]
    user_makers: re.Pattern[str]
    text_keys: tuple[str, ...]
    own_prompts: re.Pattern[str]
    completion_models: re.Pattern[str]
    answering_roles: frozenset[str]

    def makes_system(self, path: str) -> bool:
        """Whether a constructor's path makes a message of the system."""
        return self.system_makers.fullmatch(path.removesuffix("()")) is not None

    def makes_user(self, path: str) -> bool:
        """Whether a constructor's path makes a message of the user, or a template of one."""
        return self.user_makers.fullmatch(path.removesuffix("()")) is not None

    def completes(self, path: str) -> bool:
        """Whether a model knows no roles."""
        return self.completion_models.fullmatch(path.removesuffix("()")) is not None

    def brings_prompt(self, path: str) -> bool:
        """Whether what is built there brings instructions of its own."""
        return self.own_prompts.fullmatch(path.removesuffix("()")) is not None


@cache
def load_message_roles(file: Path | None = None) -> MessageRoles:
    """Read `message-roles.yaml`. Raises `KnowledgeError` with the field that is wrong."""
    path = file or knowledge_folder() / "message-roles.yaml"
    data = read_yaml(path)
    if not isinstance(data, dict) or set(data) != _KEYS:
        raise KnowledgeError(path.name, "", f"must have exactly the keys {', '.join(sorted(_KEYS))}")
    texts = {key: _texts(path.name, key, data[key]) for key in _KEYS - {"checked"}}
    return MessageRoles(
        frozenset(texts["roles"]), _one(texts["system_makers"]), _one(texts["user_makers"]),
        tuple(texts["text_keys"]), _one(texts["own_prompts"]), _one(texts["completion_models"]),
        frozenset(texts["answering_roles"]),
    )  # fmt: skip


def _texts(file: str, key: str, value: object) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) and v for v in value):
        raise KnowledgeError(file, key, "must be a list of texts")
    return value


def _one(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(as_expression(p) for p in patterns))
