"""What is left of a list of tools before a model sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import Items, Known, Unknown
from readiness.facts.place import Place
from readiness.facts.tools.side_effects import ToolKnowledge

UP = 4
"""Callers above the fetching of a list in which it is filtered."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What goes through: "named" (tools that are named), "some" (that, on some ways only), "all" (whatever comes)."""

    keeps: Literal["named", "some", "all"]
    place: Place | None = None


class Filters:
    """Looks for allow-lists of tools: a keyword, a method, a comprehension that keeps what is named."""

    def __init__(self, core: Core, known: ToolKnowledge) -> None:
        self._core, self._known = core, known

    def of(self, call: code.Call, unit: Unit, is_call: bool) -> Filter:
        """The filter of one list, or of the one tool that is called by a name that is not known here."""
        for keyword in call.keywords:
            if keyword.name in self._known.words["filter_keywords"] and not is_call:
                return self._by_keyword(keyword, unit)
        for above in unit.enclosing(call):
            if isinstance(above, code.Member) and above.name in self._known.words["filter_methods"]:
                return Filter("named", unit.at(above))
        if is_call:
            return self._of_module(unit)
        return self._near(unit)

    def _by_keyword(self, keyword: code.Keyword, unit: Unit) -> Filter:
        values = self._core.resolver.values(keyword.value, unit)
        empty = [isinstance(v, Known) and not v.value for v in values]
        if all(empty) and values:
            return Filter("all")
        written = any(isinstance(v, Items) or not isinstance(v, Known | Unknown) for v in values)
        return Filter("some" if any(empty) and written else "named", unit.at(keyword))

    def _near(self, unit: Unit) -> Filter:
        """A filter in the unit that fetches a list, or in those that are handed it."""
        seen, layer = {unit}, [unit]
        for _ in range(UP):
            for here in layer:
                found = next(self._in(here), None)
                if found is not None:
                    return found
            edges = [e for here in layer for e in self._core.graph.callers.get(here, ())[:20] if e.is_call]
            layer = [u for u in dict.fromkeys(e.unit for e in edges) if u not in seen]
            seen.update(layer)
        return Filter("all")

    def _of_module(self, unit: Unit) -> Filter:
        """A filter beside the code that calls a tool by its name: where the tools are discovered."""
        for other in self._core.program.units:
            if other.module is unit.module:
                found = next(self._in(other), None)
                if found is not None:
                    return found
        return Filter("all")

    def _in(self, unit: Unit) -> Iterator[Filter]:
        for node in unit.parents:
            if isinstance(node, code.Comprehension) and self._keeps_named(node):
                yield Filter("some" if self._is_optional(node, unit) else "named", unit.at(node))
            elif isinstance(node, code.If) and self._skips_others(node, unit):
                yield Filter("named", unit.at(node))

    def _skips_others(self, node: code.If, unit: Unit) -> bool:
        """A loop over tools with `if tool.name not in allowed: continue`, or `if …in allowed: kept.append(tool)`."""
        loop = next((above for above in unit.enclosing(node) if isinstance(above, code.Loop)), None)
        if loop is None or node not in loop.body or not isinstance(loop.target, code.Name):
            return False
        match node.test:
            case code.Operation(
                operator="in" | "not in" as how, operands=[code.Member(base=code.Name(id=one), name=name), _]
            ):
                if one != loop.target.id or name not in self._known.words["names"]:
                    return False
                if how == "not in":
                    return any(isinstance(s, code.Jump) and s.kind == "continue" for s in node.body)
                calls = [n for s in node.body for n in code.walk(s) if isinstance(n, code.Call)]
                return any(last_name(c.function) == "append" for c in calls) and not node.otherwise
        return False

    def _keeps_named(self, node: code.Comprehension) -> bool:
        """`[tool for tool in tools if tool.name in allowed]`."""
        match node:
            case code.Comprehension(element=code.Name(id=kept), sources=[source, *_]):
                same = isinstance(source.target, code.Name) and source.target.id == kept
                return same and any(self._names(c) for c in source.conditions)
        return False

    def _names(self, condition: code.Expression) -> bool:
        """`tool.name in ALLOWED`, and not the same the other way round."""
        match condition:
            case code.Operation(operator="in", operands=[code.Member(name=name), *_]):
                return name in self._known.words["names"]
            case code.Operation(operator="==", operands=[code.Member(name=name), code.Constant()]):
                return name in self._known.words["names"]
            case code.Operation(operator="and" | "or", operands=operands):
                return any(self._names(o) for o in operands)
            case code.Member(name=name):
                return name in ("readOnlyHint", "read_only_hint", "read_only")
        return False

    def _is_optional(self, node: code.Comprehension, unit: Unit) -> bool:
        """Whether an empty allow-list lets everything through: `if allowed: tools = [… in allowed]`."""
        names = {n.id for s in node.sources for c in s.conditions for n in code.walk(c) if isinstance(n, code.Name)}
        for above in unit.enclosing(node):
            test = above.test if isinstance(above, code.If | code.Choice) else None
            if test is not None and any(isinstance(n, code.Name) and n.id in names for n in code.walk(test)):
                return True
            if test is not None and names & {last_name(n) for n in code.walk(test) if isinstance(n, code.Member)}:
                return True
        return False
