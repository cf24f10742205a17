"""What is known of evaluation tools and test doubles: `eval-tools.yaml` and `test-doubles.yaml`, loaded."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.facts.sdks.symbols import as_expression

METRIC_KINDS = ("task", "grounded", "retrieval", "prediction")


@dataclass(frozen=True, slots=True)
class CaseShape:
    """A constructor of one evaluation case, and the parameters that hold its input and what is expected."""

    symbols: re.Pattern[str]
    input: tuple[str, ...]
    expectation: tuple[str, ...]
    positional: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remote:
    """A call that reads an evaluation set from elsewhere, or splits one off.

    `version` are the parameters that pin what comes, `data` the one that names the set; `anywhere` counts in any code.
    """

    symbols: re.Pattern[str]
    version: tuple[str, ...]
    data: str
    anywhere: bool = False


@dataclass(frozen=True, slots=True)
class EvalTools:
    """Symbols of evaluation; every pattern is matched against whole canonical paths."""

    metrics: tuple[tuple[str, re.Pattern[str]], ...]
    metric_bases: re.Pattern[str]
    gates: re.Pattern[str]
    regressions: re.Pattern[str]
    cases: tuple[CaseShape, ...]
    remote_sets: tuple[Remote, ...]
    splits: tuple[Remote, ...]
    index_builders: re.Pattern[str]
    builder_methods: frozenset[str]
    input_keys: frozenset[str]
    expectation_keys: frozenset[str]
    expectation_prefixes: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]
    actions: tuple[str, ...]
    runs_without_gate: frozenset[str]

    def metric_kind(self, path: str) -> str:
        """task, grounded, retrieval or prediction; "" for what is no metric."""
        return next((kind for kind, pattern in self.metrics if pattern.fullmatch(path)), "")

    def expects(self, keys: Iterable[str]) -> bool:
        """Whether one of these keys of a record, in lower case, says what is expected."""
        return any(key in self.expectation_keys or key.startswith(self.expectation_prefixes) for key in keys)


@dataclass(frozen=True, slots=True)
class Doubles:
    """Symbols of what stands in for a model, and of what puts it there."""

    fake_models: re.Pattern[str]
    mocks: re.Pattern[str]
    patchers: re.Pattern[str]
    patcher_fixtures: dict[str, tuple[str, ...]]
    http_mocks: re.Pattern[str]
    http_fixtures: frozenset[str]
    http_marks: frozenset[str]
    mock_arguments: frozenset[str]
    app_clients: re.Pattern[str]
    known_fixtures: frozenset[str]


@cache
def load_eval_tools(file: Path | None = None) -> EvalTools:
    """Read `eval-tools.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "eval-tools.yaml"
    data = _read(path)
    try:
        for entry in data["metrics"]:
            if entry["kind"] not in METRIC_KINDS:
                raise ValueError(f"`{entry['kind']}` is none of {', '.join(METRIC_KINDS)}")
        return EvalTools(
            metrics=tuple((entry["kind"], _one_of(entry["symbols"])) for entry in data["metrics"]),
            metric_bases=_one_of(data["metric_bases"]),
            gates=_one_of(data["gates"]),
            regressions=_one_of(data["regressions"]),
            cases=tuple(
                CaseShape(
                    _one_of(entry["symbols"]),
                    tuple(entry["input"]),
                    tuple(entry["expectation"]),
                    tuple(entry.get("positional", (*entry["input"][:1], *entry["expectation"][:1]))),
                )
                for entry in data["cases"]
            ),
            remote_sets=tuple(_remote(entry, "version") for entry in data["remote_sets"]),
            splits=tuple(_remote(entry, "seed") for entry in data["splits"]),
            index_builders=_one_of(data["index_builders"]),
            builder_methods=frozenset(data["builder_methods"]),
            input_keys=frozenset(data["input_keys"]),
            expectation_keys=frozenset(data["expectation_keys"]),
            expectation_prefixes=tuple(data["expectation_prefixes"]),
            commands=tuple(tuple(words) for words in data["commands"]),
            actions=tuple(data["actions"]),
            runs_without_gate=frozenset(data["runs_without_gate"]),
        )
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise KnowledgeError(path.name, "entries", str(error)) from error


@cache
def load_doubles(file: Path | None = None) -> Doubles:
    """Read `test-doubles.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "test-doubles.yaml"
    data = _read(path)
    try:
        return Doubles(
            fake_models=_one_of(data["fake_models"]),
            mocks=_one_of(data["mocks"]),
            patchers=_one_of(data["patchers"]),
            patcher_fixtures={name: tuple(methods) for name, methods in data["patcher_fixtures"].items()},
            http_mocks=_one_of(data["http_mocks"]),
            http_fixtures=frozenset(data["http_fixtures"]),
            http_marks=frozenset(data["http_marks"]),
            mock_arguments=frozenset(data["mock_arguments"]),
            app_clients=_one_of(data["app_clients"]),
            known_fixtures=frozenset(data["known_fixtures"]),
        )
    except (KeyError, TypeError, AttributeError, re.error) as error:
        raise KnowledgeError(path.name, "entries", str(error)) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        data = read_yaml(path)
    except yaml.YAMLError as error:
        raise KnowledgeError(path.name, "file", str(error)) from error
    if not isinstance(data, dict):
        raise KnowledgeError(path.name, "file", "must be a mapping")
    return data


def _remote(entry: dict[str, Any], pins: str) -> Remote:
    return Remote(_one_of(entry["symbols"]), tuple(entry[pins]), entry.get("data", ""), bool(entry.get("anywhere")))


def _one_of(patterns: str | list[str]) -> re.Pattern[str]:
    listed = [patterns] if isinstance(patterns, str) else patterns
    # A comma between top-level braces parts symbols like the commas inside them.
    return re.compile("|".join(f"(?:{as_expression('{' + pattern + '}')})" for pattern in listed))
