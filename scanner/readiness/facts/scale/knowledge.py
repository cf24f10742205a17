"""What is known of load: `checks/knowledge/scale.yaml`, loaded and checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from readiness.extract import code
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.facts.sdks.symbols import as_expression

_NAMES, _ANYTHING = as_expression("**"), r"[\w.()\[\]]*"
"""`**` stands for whatever a value was reached by: names, calls, items."""


class Paths:
    """A set of canonical paths written with braces and stars; every answer is remembered."""

    def __init__(self, patterns: list[str]) -> None:
        whole = "|".join(as_expression(p).replace(_NAMES, _ANYTHING) for p in patterns)
        self._expression = re.compile(whole or r"(?!)")
        self._known: dict[str, bool] = {}

    def __contains__(self, path: str) -> bool:
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._expression.fullmatch(path) is not None
        return known


class Lines:
    """Regular expressions of lines in configuration files."""

    def __init__(self, expressions: list[str]) -> None:
        self._expression = re.compile("|".join(f"(?:{e})" for e in expressions) or r"(?!)", re.M)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Where a text has such a line."""
        return self._expression.finditer(text)


@dataclass(frozen=True, slots=True)
class ScaleKnowledge:
    """Everything `scale.yaml` says; each field is described there under its name."""

    loops: frozenset[str]
    loops_of_all: frozenset[str]
    awaiting: frozenset[str]
    light_constructors: frozenset[str]
    lazy_methods: frozenset[str]
    coroutines: Paths
    blocking: Paths
    pools: Paths
    memoizing: Paths
    per_session: Paths
    visitors: Paths
    limiters: Paths
    limit_decorators: Paths
    limit_dependencies: Paths
    limit_calls: Paths
    limit_middlewares: Paths
    per_address: Paths
    address_members: frozenset[str]
    address_headers: frozenset[str]
    identity_members: frozenset[str]
    clocks: Paths
    counters: Paths
    limit_keys: frozenset[str]
    limit_names: frozenset[str]
    limit_lines: Lines
    unbilled: frozenset[str]
    budget_guards: Paths
    budget_settings: Paths
    run_limits: Paths
    run_limit_arguments: frozenset[str]
    budget_keys: frozenset[str]
    budget_alerts: frozenset[str]
    budget_alert_lines: Lines
    budget_pages: Lines
    money_words: frozenset[str]
    usage_words: frozenset[str]
    period_words: frozenset[str]
    other_budget_words: frozenset[str]
    cache_setters: Paths
    cache_members: Paths
    cache_objects: Paths
    shared_caches: frozenset[str]
    embedding_caches: Paths
    cache_times: frozenset[str]
    expiring: frozenset[str]
    stores: Paths
    embedding_methods: frozenset[str]
    cache_reads: frozenset[str]
    cache_writes: frozenset[str]
    prompt_caching: frozenset[str]
    fan_gathering: frozenset[str]
    fan_starting: frozenset[str]
    fan_mapping: frozenset[str]
    fan_batching: frozenset[str]
    worker_pools: Paths
    worker_counts: frozenset[str]
    gates: Paths
    outbound_limits: frozenset[str]
    bounding_arguments: frozenset[str]
    tabular: frozenset[str]
    server_images: frozenset[str]
    hosting_arguments: frozenset[str]
    hosting_calls: Paths
    hosting_options: frozenset[str]
    hosting_variables: frozenset[str]
    metrics: Paths
    scrape_keys: frozenset[str]


_KINDS: dict[str, Callable[[list[str]], object]] = {"Paths": Paths, "Lines": Lines, "frozenset[str]": frozenset}


@cache
def load_scale() -> ScaleKnowledge:
    """Read `scale.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    return read_scale(knowledge_folder() / "scale.yaml")


def read_scale(file: Path) -> ScaleKnowledge:
    """One file of that shape. Raises `KnowledgeError` with the key that is missing or wrong."""
    data: Any = read_yaml(file)
    found: dict[str, Any] = {}
    for field in fields(ScaleKnowledge):
        try:
            given = data[field.name]
            if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
                raise TypeError("a list of names is expected")
            found[field.name] = _KINDS[str(field.type)](given)
        except (KeyError, TypeError, re.error) as error:
            raise KnowledgeError(file.name, field.name, f"is missing or of another shape ({error})") from error
    return ScaleKnowledge(**found)


def paths_of(expression: code.Expression, unit: Unit, resolver: Resolver) -> list[str]:
    """The canonical paths that an expression can stand for, the default first."""
    return [v.path for v in resolver.values(expression, unit) if isinstance(v, External)]
