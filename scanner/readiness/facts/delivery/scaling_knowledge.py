"""What is known of scaling: `checks/knowledge/scaling.yaml`, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from readiness.facts.failures.resilience import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml


@dataclass(frozen=True, slots=True)
class ScalingCommand:
    """A command that starts copies on a platform: the options that let it scale, and those that bound a copy."""

    words: tuple[str, ...]
    scales: tuple[str, ...]
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScalingInCode:
    """A decorator that declares a deployment: the arguments that let it scale, and those that bound a copy."""

    symbols: Symbols
    scales: tuple[str, ...]
    limits: tuple[str, ...]
    bounded: bool


@dataclass(frozen=True, slots=True)
class ScalingKnowledge:
    """Resource types, commands, servers and memories by name; `limits` and `platforms` map a type to its arguments."""

    autoscaling: frozenset[str]
    platforms: dict[str, tuple[str, ...]]
    limits: dict[str, tuple[str, ...]]
    stack_autoscaling: frozenset[str]
    stack_limits: dict[str, tuple[str, ...]]
    functions: frozenset[str]
    commands: tuple[ScalingCommand, ...]
    in_code: tuple[ScalingInCode, ...]
    workers: dict[str, tuple[str, ...]]
    memories: Symbols
    conversations: frozenset[str]


@cache
def load_scaling(file: Path | None = None) -> ScalingKnowledge:
    """Read `scaling.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "scaling.yaml"
    data: Any = read_yaml(path)
    try:
        terraform, stacks = data["terraform"], data["cloudformation"]
        return ScalingKnowledge(
            autoscaling=frozenset(terraform["autoscaling"]),
            platforms=_tuples(terraform["platforms"]),
            limits=_tuples(terraform["limits"]),
            stack_autoscaling=frozenset(stacks["autoscaling"]),
            stack_limits=_tuples(stacks["limits"]),
            functions=frozenset(stacks["functions"]),
            commands=tuple(
                ScalingCommand(tuple(one["words"]), tuple(one["scales"]), tuple(one["limits"]))
                for one in data["commands"]
            ),
            in_code=tuple(
                ScalingInCode(
                    Symbols(one["symbols"]), tuple(one["scales"]), tuple(one["limits"]), one["bounded"] is True
                )
                for one in data["in_code"]
            ),
            workers=_tuples(data["workers"]),
            memories=Symbols(data["memories"]),
            conversations=frozenset(data["conversations"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KnowledgeError(path.name, "entries", str(error)) from error


def _tuples(entries: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(words) for name, words in entries.items()}
