"""Searches in documents that the project wrote itself: functions that embed a question and give what is near it."""

from __future__ import annotations

from functools import cached_property

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import FunctionValue


class OwnSearches:
    """Tells calls of such functions; `words` are the words in the names of functions that search."""

    def __init__(self, core: Core, words: frozenset[str]) -> None:
        self._core, self._words = core, words
        self._known: dict[Unit, bool] = {}

    def searched(self, call: code.Call, unit: Unit) -> Unit | None:
        """The function of the repository that a call searches with, if it does."""
        function = call.function
        name = function.name if isinstance(function, code.Member) else getattr(function, "id", "")
        if not self._embedding or not self._words & set(str(name).lower().split("_")):
            return None
        for value in self._core.resolver.values(function, unit):
            if isinstance(value, FunctionValue) and self._embeds(value.unit):
                return value.unit
        return None

    def _embeds(self, unit: Unit) -> bool:
        """Whether a function has a text embedded and gives something back, and no model writes that: an agent may."""
        if unit not in self._known:
            reach = self._core.graph.reach([unit])
            searches = not self._embedding.isdisjoint(reach) and self._writing.isdisjoint(reach)
            self._known[unit] = bool(unit.returns) and searches
        return self._known[unit]

    @cached_property
    def _embedding(self) -> frozenset[Unit]:
        return frozenset(u for c in self._core.calls if c.kind == "embed" for _, u in c.runs)

    @cached_property
    def _writing(self) -> frozenset[Unit]:
        return frozenset(u for c in self._core.calls if c.generates for _, u in c.runs)
