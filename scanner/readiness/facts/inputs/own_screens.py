"""The project's own detectors of attacks: functions that match patterns against a text, or ask a model about it.

A name is no evidence: what counts is a matching line among patterns that speak of attacks, or a model call behind a
function named for the purpose. Patterns find what their author thought of; where the repository holds them against a
labelled set of attacks and harmless texts, their catch rate is known, and they are told apart as `measured`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.inputs.screening_knowledge import ScreeningKnowledge
from readiness.facts.linking.units import ModuleInfo, Unit, last_name
from readiness.repository.tree import Role

HOPS = 3
"""Functions between a detector's own line and the line that matches or asks."""

MIN_CASES = 10
"""Attacks, and harmless texts, that a labelled set must hold at least."""

_MATCHES = frozenset({"search", "match", "fullmatch", "findall", "finditer"})
_DATA = (".yaml", ".yml", ".json", ".jsonl", ".toml", ".txt", ".csv", ".re")
_CASES = (".jsonl", ".csv", ".json", ".yaml", ".yml", ".tsv")

How = Literal["model", "measured", "patterns"]


@dataclass(frozen=True, slots=True, eq=False)
class Detector:
    """A function that looks for attacks in a text it is given.

    `raises`: it stops the request by itself. `skips`: it lets everything pass where it is not configured.
    """

    unit: Unit
    how: How
    raises: bool
    skips: bool = False


class OwnScreens:
    """Finds the detectors of a program; the functions that only hand one's verdict on count as it."""

    def __init__(self, core: Core, known: ScreeningKnowledge) -> None:
        self._core, self._known = core, known

    @cached_property
    def detectors(self) -> dict[Unit, Detector]:
        """The detectors of serving code, by their function."""
        found: dict[Unit, Detector] = {}
        asking = {unit for c in self._core.calls for _, unit in c.runs if c.role is Role.SERVING}
        guards = {u for c in self._core.calls for _, u in c.runs if self._known.is_detector_model(c.model.id)}
        modules = self._modules()
        for unit in self._core.serving_units():
            if unit.function is None:
                continue
            named = self._known.is_named(f"{unit.owner.node.name if unit.owner else ''} {unit.name}")
            if not named and unit.module not in modules and unit not in guards:
                continue
            within = [u for u, hops in self._core.graph.reach([unit]).items() if hops <= HOPS]
            if unit in guards or (named and any(u in asking for u in within)):
                found[unit] = Detector(unit, "model", _raises(within), _skips(unit))
            elif unit.module in modules and any(_matches(u) for u in within) and self._takes_text(unit):
                found[unit] = Detector(unit, "patterns", _raises(within))
        self._hand_on(found)
        if any(d.how == "patterns" for d in found.values()) and self._is_measured(found):
            found = {u: Detector(u, "measured", d.raises) if d.how == "patterns" else d for u, d in found.items()}
        return found

    def _takes_text(self, unit: Unit) -> bool:
        assert unit.function is not None
        return any(p.name not in ("self", "cls") for p in unit.function.parameters)

    def _hand_on(self, found: dict[Unit, Detector]) -> None:
        """Add the functions that return what a detector says."""
        for _ in range(HOPS):
            for unit, detector in list(found.items()):
                for edge in self._core.graph.callers.get(unit, ()):
                    caller = edge.unit
                    if edge.is_call and caller not in found and any(_is_in(edge.node, r) for r in caller.returns):
                        found[caller] = Detector(caller, detector.how, detector.raises, detector.skips)

    def _modules(self) -> set[ModuleInfo]:
        """The serving modules that hold patterns of attacks, or name a tracked file that does."""
        files = {
            path.rpartition("/")[2]
            for path, text in self._core.observations.sources.items()
            if path.endswith(_DATA) and self._is_serving(path) and self._speaks(text)
        }
        named = re.compile("|".join(re.escape(f) for f in sorted(files))) if files else None
        found: set[ModuleInfo] = set()
        for path, info in self._core.program.modules.items():
            text = self._core.observations.sources.get(path, "")
            if info.role is Role.SERVING and (self._has_patterns(text, info) or (named and named.search(text))):
                found.add(info)
        return found

    def _is_serving(self, path: str) -> bool:
        known = self._core.observations.files.get(path)
        return known is not None and known.role not in (Role.TEST, Role.EVAL)

    def _speaks(self, text: str) -> bool:
        return bool(self._known.verbs.search(text) and self._known.objects.search(text)) and any(
            self._known.speaks_of_attacks(line) for line in text.split("\n")
        )

    def _has_patterns(self, text: str, info: ModuleInfo) -> bool:
        """Whether a module has texts, other than docstrings and prompts, with the words of an attack."""
        if not self._speaks(text):
            return False
        units = [info.body, *(u for u in self._core.program.units if u.module is info)]
        return any(
            isinstance(node, code.Constant)
            and isinstance(node.value, str)
            and len(node.value) < 300
            and self._known.speaks_of_attacks(node.value)
            for unit in units
            for node in unit.parents
        )

    def _is_measured(self, found: dict[Unit, Detector]) -> bool:
        """Whether a test or an evaluation holds the detectors against labelled attacks and harmless texts."""
        sets = [path for path in self._core.observations.records if path.endswith(_CASES) and self._is_labelled(path)]
        for path in sets:
            name = path.rpartition("/")[2]
            for module in self._core.program.modules.values():
                if module.role in (Role.TEST, Role.EVAL) and name in self._core.observations.sources.get(
                    module.path, ""
                ):
                    units = [u for u in self._core.program.units if u.module is module]
                    if any(u in found for u in self._core.graph.reach(units)):
                        return True
        return False

    def _is_labelled(self, path: str) -> bool:
        """Whether records are texts of which some are attacks, by their words, and some are not, by their label."""
        lines = self._core.observations.sources.get(path, "").split("\n")[:2_000]
        attacks = [line for line in lines if self._known.speaks_of_attacks(line)]
        others = [line for line in lines if line.strip() and not self._known.speaks_of_attacks(line)]
        return len(attacks) >= MIN_CASES and len(others) >= MIN_CASES


def _matches(unit: Unit) -> bool:
    """Whether a function looks for patterns, or for one of several phrases, in a text."""
    return any(last_name(call.function) in _MATCHES for call in unit.calls) or any(
        isinstance(node, code.Comprehension | code.Loop) and _looks_in(node) for node in (*unit.parents, *unit.body)
    )


def _looks_in(node: code.Comprehension | code.Loop) -> bool:
    """`any(phrase in text for phrase in PHRASES)`."""
    parts: Iterable[code.Node] = [node.element] if isinstance(node, code.Comprehension) else code.walk(node.body)
    return any(isinstance(n, code.Operation) and n.operator == "in" for n in parts)


def _raises(units: Iterable[Unit]) -> bool:
    return any(isinstance(node, code.Raise) for unit in list(units)[:1] for node in (*unit.parents, *unit.body))


def _skips(unit: Unit) -> bool:
    """Whether a function answers without asking where something is not set up: `if self.model is None: return`."""
    return any(
        isinstance(node, code.If)
        and any(isinstance(s, code.Return) for s in node.body)
        and any(_is_nothing(test) for test in code.walk(node.test))
        for node in unit.body
    )


def _is_nothing(test: code.Node) -> bool:
    """`x is None`, `not settings.key`, of something that is no plain parameter."""
    if not isinstance(test, code.Operation) or test.operator not in ("is", "==", "not"):
        return False
    return isinstance(test.operands[0], code.Member | code.Call) and (
        test.operator == "not" or any(isinstance(o, code.Constant) and o.value is None for o in test.operands)
    )


def _is_in(node: code.Node, expression: code.Expression) -> bool:
    return any(inner is node for inner in code.walk(expression))
