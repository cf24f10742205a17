"""Is quality measured for groups of people, and does this system meet people at all? (bias-evaluated)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.evals.evals import Evals
from readiness.facts.gates import Gates
from readiness.facts.inputs.request_knowledge import Symbols
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External
from readiness.facts.place import Place
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.facts.sdks.symbols import roots
from readiness.repository.tree import Role

Sign = Literal["gated", "computed", "half"]

_MEASURING = frozenset({Role.EVAL, Role.TEST, Role.SCRIPT, Role.SERVING})
_PROMPTS = re.compile(
    r"(?:^|[/_.-])(?:bias|fairness|toxicity|stereotypes?|discrimination)[\w.-]*\.(?:md|txt|jinja2?|prompt|ya?ml)$", re.I
)


@dataclass(frozen=True, slots=True)
class BiasMeasure:
    """One measurement: a bad result fails something ("gated"), or it is only computed, or asks half the question."""

    place: Place
    text: str
    sign: Sign


@dataclass(frozen=True, slots=True)
class Fairness:
    """`people`: the system talks to people outside of the team, or decides about them."""

    people: bool
    measures: tuple[BiasMeasure, ...] = ()


@dataclass(frozen=True, slots=True)
class _Knowledge:
    metrics: Symbols
    half_metrics: Symbols
    categories: Symbols
    packages: frozenset[str]
    """The top-level names of the libraries whose metrics these are."""
    names: re.Pattern[str]
    half_names: re.Pattern[str]
    groups: frozenset[str]
    slicing: frozenset[str]
    scores: re.Pattern[str]
    protected: frozenset[str]
    developer_tools: tuple[str, ...]


@cache
def _knowledge() -> _Knowledge:
    path = knowledge_folder() / "fairness.yaml"
    try:
        data = read_yaml(path)
        return _Knowledge(
            metrics=Symbols.of(data["metrics"]),
            half_metrics=Symbols.of(data["half_metrics"]),
            categories=Symbols.of(data["categories"]),
            packages=frozenset(r for p in (*data["metrics"], *data["half_metrics"]) for r in roots(p)),
            names=re.compile(data["names"], re.I),
            half_names=re.compile(data["half_names"], re.I),
            groups=frozenset(data["groups"]),
            slicing=frozenset(data["slicing"]),
            scores=re.compile(data["scores"], re.I),
            protected=frozenset(data["protected"]),
            developer_tools=tuple(data["developer_tools"]),
        )
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise KnowledgeError(path.name, "the file", f"{type(error).__name__}: {error}") from error


def find_fairness(core: Core, gates: Gates, evals: Evals) -> Fairness:
    """Whether people meet the system, and what measures how it treats them."""
    known = _knowledge()
    chat = gates.chat and not _is_developer_tool(core, known)
    if not (chat or (gates.predict and _decides_about_people(core, known))):
        return Fairness(False)
    found = [
        *_named(evals, known),
        *_homemade(core, evals, known),
        *_called(core, known),
        *_sliced(core, known),
        *_looped(core, known),
        *_asked(core),
    ]
    return Fairness(True, tuple(sorted(dict.fromkeys(found), key=lambda m: (m.place, m.text))))


def _is_developer_tool(core: Core, known: _Knowledge) -> bool:
    """Whether every entry point that asks a model also speaks to a forge of code."""
    asking = {
        u for c in core.calls if c.generates and c.role is Role.SERVING for u in (c.unit, *(r for _, r in c.runs))
    }
    entries = [e for e in core.entry_points if e.is_network and e.unit.module.role is Role.SERVING]
    reaching = [r for r in (core.reached_from(e) for e in entries) if not r.keys().isdisjoint(asking)]
    return bool(reaching) and all(_speaks_to_forge(r, known) for r in reaching)


def _speaks_to_forge(reached: dict[Unit, int], known: _Knowledge) -> bool:
    return any(
        f"{statement.module}.".startswith(f"{tool}.") and not statement.level
        for unit in reached
        for statement in unit.module.body.imports.values()
        for tool in known.developer_tools
    )


def _decides_about_people(core: Core, known: _Knowledge) -> bool:
    """Whether the data of a prediction has columns that only people have."""
    for unit in core.program.units:
        if unit.module.role not in (Role.SERVING, Role.SCRIPT):
            continue
        if (
            unit.owner is not None
            and unit.function is None
            and any(_plain(n) in known.protected for n in unit.bindings)
        ):
            return True
        for node in unit.parents:
            if (
                isinstance(node, code.Constant)
                and isinstance(node.value, str)
                and _plain(node.value) in known.protected
            ):
                return True
    return False


def _plain(name: str) -> str:
    return name.strip().lower()


def _named(evals: Evals, known: _Knowledge) -> Iterator[BiasMeasure]:
    """Metrics of evaluation suites that are named for it."""
    for suite in evals.suites:
        for metric in suite.metrics:
            if known.names.search(metric.name):
                gated = suite.gated and bool(suite.reached_by)
                yield BiasMeasure(metric.place, metric.text, "gated" if gated else "computed")
            elif known.half_names.search(metric.name):
                yield BiasMeasure(metric.place, metric.text, "half")


def _homemade(core: Core, evals: Evals, known: _Knowledge) -> Iterator[BiasMeasure]:
    """Scores of the project's own, given such a name in evaluation code: `scores["equal_treatment"] = …`.

    A bad one fails something where a suite that something runs has a threshold of that name.
    """
    bounded = {
        str(key)
        for path, documents in core.observations.documents.items()
        if core.observations.files[path].role is Role.EVAL or "threshold" in path
        for document in documents
        for key, _ in document.walk()
        if isinstance(key, str) and known.names.search(key)
    }
    for unit in core.program.units:
        if unit.module.role is not Role.EVAL:
            continue
        for key, value in (pair for stored in unit.items.values() for pair in stored):
            name = key.value if isinstance(key, code.Constant) else None
            if isinstance(name, str) and known.names.search(name):
                yield BiasMeasure(unit.at(value), name, "gated" if name in bounded and evals.gated else "computed")


def _called(core: Core, known: _Knowledge) -> Iterator[BiasMeasure]:
    """Metrics that libraries bring."""
    for unit in core.program.units:
        if unit.module.role not in _MEASURING or not _imports(unit, known.packages):
            continue
        for call in unit.calls:
            for value in core.resolver.values(call.function, unit):
                path = value.path if isinstance(value, External) else ""
                if path and path in known.metrics:
                    gated = call.keyword("threshold") is not None or _decides(unit)
                    yield BiasMeasure(unit.at(call), last_name(call.function), "gated" if gated else "computed")
                elif path and path in known.half_metrics:
                    yield BiasMeasure(unit.at(call), last_name(call.function), "half")
        for node in unit.parents:
            if isinstance(node, code.Member) and any(
                isinstance(v, External) and v.path in known.categories for v in core.resolver.values(node, unit)
            ):
                yield BiasMeasure(unit.at(node), node.name, "computed")


def _imports(unit: Unit, packages: frozenset[str]) -> bool:
    statements = (*unit.module.body.imports.values(), *unit.imports.values())
    return any(s.module.partition(".")[0] in packages for s in statements if not s.level)


def _sliced(core: Core, known: _Knowledge) -> Iterator[BiasMeasure]:
    """Results that are worked out group by group: `scores.groupby("language").mean()`."""
    for name in sorted(known.slicing):
        for call, unit in core.program.calls_by_name.get(name, ()):
            if unit.module.role not in (Role.EVAL, Role.TEST, Role.SCRIPT):
                continue
            given = [n for a in (*call.arguments, *(k.value for k in call.keywords)) for n in code.walk(a)]
            words = {_plain(n.value) for n in given if isinstance(n, code.Constant) and isinstance(n.value, str)}
            if words & known.groups:
                sign: Sign = "gated" if _decides(unit) else "computed"
                yield BiasMeasure(unit.at(call), f"{name}({', '.join(sorted(words & known.groups))})", sign)


def _looped(core: Core, known: _Knowledge) -> Iterator[BiasMeasure]:
    """Scores that a loop works out for each value of such a column: `for value in data["sex"].unique(): …`."""
    for call, unit in core.program.calls_by_name.get("unique", ()):
        if unit.module.role not in _MEASURING or not any(
            known.scores.search(last_name(c.function)) for c in unit.calls
        ):
            continue
        loops = [n for n in unit.enclosing(call) if isinstance(n, code.Loop)]
        if any(n is call for loop in loops for n in code.walk(loop.subject)):
            words = sorted(_texts_of(core, unit) & known.protected)
            if words:
                sign: Sign = "gated" if _decides(unit) else "computed"
                yield BiasMeasure(unit.at(call), f"scores by {', '.join(words)}", sign)


def _texts_of(core: Core, unit: Unit) -> set[str]:
    """The texts that stand in a function, in what it names of its module, and in what it is handed."""
    body = unit.module.body
    named = {n.id for n in unit.parents if isinstance(n, code.Name)}
    nodes: list[code.Node] = list(unit.parents)
    for name in sorted(named & body.bindings.keys()):
        nodes += [n for b in body.bindings[name] if b.value is not None for n in code.walk(b.value)]
    for edge in core.graph.callers.get(unit, ()):
        nodes += [n for n in code.walk(edge.node) if edge.is_call]
    return {_plain(n.value) for n in nodes if isinstance(n, code.Constant) and isinstance(n.value, str)}


def _decides(unit: Unit) -> bool:
    """Whether a unit fails when something is not as it must be."""
    return any(isinstance(n, code.Assert | code.Raise) for n in (*unit.body, *unit.parents)) or any(
        last_name(c.function) in ("assert_test", "exit", "fail") for c in unit.calls
    )


def _asked(core: Core) -> Iterator[BiasMeasure]:
    """Prompts of a judge in the evaluation's folder that are called so."""
    for path, file in core.observations.files.items():
        if file.role is Role.EVAL and _PROMPTS.search(path):
            yield BiasMeasure(Place(path, 1, 1), path.rpartition("/")[2], "half")
