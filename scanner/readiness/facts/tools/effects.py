"""What a function does to the world outside the program, by itself or through what it calls."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.flows.flow_marks import ToolInput
from readiness.facts.flows.taint import Taint
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Known, Text
from readiness.facts.tools.side_effects import Effect, ToolKnowledge

MAX_HOPS = 3
"""Calls below a tool that are followed to what it does: tool, service, client and one more."""

MAX_UNITS = 60
"""Units looked at below one tool; a tool that runs more is a dispatcher, and its own tools are looked at instead."""

_WRITES_SQL = re.compile(r"\s*(?:insert|update|delete|drop|alter|create|truncate|replace|merge|grant)\b", re.I)
_WRITING_MODE = re.compile(r"[wax+]")
_MODULES = frozenset({"os", "shutil", "io", "aiofiles", "codecs", "send2trash"})
_WORD = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Deed:
    """One call that changes something: the effect, the call, and the unit it stands in."""

    what: str
    call: code.Call
    unit: Unit
    hops: int


class Effects:
    """Finds deeds; what a unit does by itself is worked out once."""

    def __init__(self, core: Core, taint: Taint | None, known: ToolKnowledge) -> None:
        self._core, self._taint, self._known = core, taint, known
        self._own: dict[Unit, list[tuple[str, code.Call]]] = {}

    def below(self, tool: Unit) -> list[Deed]:
        """What a tool does, the nearest first."""
        hops = {tool: 0}
        queue = deque([tool])
        found: list[Deed] = []
        while queue and len(hops) <= MAX_UNITS:
            unit = queue.popleft()
            found.extend(Deed(what, call, unit, hops[unit]) for what, call in self._of(unit))
            if hops[unit] == MAX_HOPS:
                continue
            for edge in self._core.graph.edges.get(unit, ()):
                if edge.is_call and edge.unit not in hops and edge.unit.name not in self._known.words["unwinding"]:
                    hops[edge.unit] = hops[unit] + 1
                    queue.append(edge.unit)
        return found if len(hops) <= MAX_UNITS else [d for d in found if d.hops == 0]

    def _of(self, unit: Unit) -> list[tuple[str, code.Call]]:
        known = self._own.get(unit)
        if known is None:
            known = self._own[unit] = list(self._find(unit))
        return known

    def _find(self, unit: Unit) -> Iterator[tuple[str, code.Call]]:
        models = self._taint.sources.calls if self._taint is not None else {}
        for call in unit.calls:
            if call in models or not isinstance(call.function, code.Name | code.Member):
                continue
            for value in self._core.resolver.values(call.function, unit):
                effect = self._known.effects.find(value.path) if isinstance(value, External) else None
                if effect is not None and not self._is_harmless(effect, call, unit):
                    yield effect.what, call
                    break

    # -- what changes nothing that anybody would miss ------------------------------------------------------------

    def _is_harmless(self, effect: Effect, call: code.Call, unit: Unit) -> bool:
        if effect.mode is not None and not self._opens_for_writing(call, unit, effect.mode):
            return True
        if effect.path is not None and self._is_own_file(call, unit, effect.path):
            return True
        if effect.address is not None and self._only_reads(call, unit, effect.address):
            return True
        if effect.statement is not None and not self._changes_rows(call, unit, effect.statement):
            return True
        return self._is_proposal(call, unit)

    def _opens_for_writing(self, call: code.Call, unit: Unit, position: int) -> bool:
        method = _is_method_of_path(call)
        given = call.keyword("mode") or _at(call, position - 1 if method else position)
        if given is None:
            return False
        texts = [v.value for v in self._core.resolver.values(given, unit) if isinstance(v, Known)]
        return any(isinstance(t, str) and _WRITING_MODE.search(t) for t in texts)

    def _is_own_file(self, call: code.Call, unit: Unit, position: int) -> bool:
        """A temporary file, or one whose fixed path says that the tool keeps it for itself."""
        first = call.function.base if _is_method_of_path(call) and isinstance(call.function, code.Member) else None
        given = first or _at(call, position)
        if given is None:
            return False
        for node in self._widened(given, unit, 3):
            if not isinstance(node, code.Name | code.Member | code.Call | code.Constant):
                continue
            values = self._core.resolver.values(node, unit) if not isinstance(node, code.Constant) else ()
            if any(isinstance(v, External) and v.path.startswith("tempfile.") for v in values):
                return True
            texts = [v.value for v in values if isinstance(v, Known)]
            texts += [node.value] if isinstance(node, code.Constant) else []
            for text in texts:
                if isinstance(text, str) and not self._known.words["own_files"].isdisjoint(_words(text)):
                    return True
        return False

    def _widened(self, expression: code.Expression, unit: Unit, depth: int) -> Iterator[code.Node]:
        """The nodes of an expression, and of what its local names were made from."""
        for node in code.walk(expression):
            yield node
            if depth and isinstance(node, code.Name):
                for made in self._made(node, unit):
                    yield from self._widened(made, unit, depth - 1)

    def _only_reads(self, call: code.Call, unit: Unit, position: int) -> bool:
        """Whether a request is sent to an address that answers and changes nothing."""
        given = call.keyword("url") or _at(call, position)
        text = self._text(given, unit) if given is not None else ""
        words = _words(text.partition("?")[0].rstrip("/").rpartition("/")[2])
        return not self._known.words["reading_addresses"].isdisjoint(words)

    def _changes_rows(self, call: code.Call, unit: Unit, position: int) -> bool:
        """Whether a statement writes, or is the model's from its first word on."""
        given = _at(call, position) or call.keyword("statement") or call.keyword("query")
        if given is None:
            return False
        if _WRITES_SQL.match(self._text(given, unit)[:4_000]):
            return True
        for value in self._core.resolver.values(given, unit):
            if isinstance(value, External) and value.path.startswith("sqlalchemy") and value.steps:
                if value.path.partition("(")[0].rpartition(".")[2] in ("insert", "update", "delete"):
                    return True
                inner = value.steps[0]
                if inner.call.arguments and _WRITES_SQL.match(self._text(inner.call.arguments[0], inner.unit)[:4_000]):
                    return True
        marks = self._taint.found(given, unit) if self._taint is not None else ()
        return any(isinstance(m.origin, ToolInput) and not m.path and not m.through for m in marks)

    def _is_proposal(self, call: code.Call, unit: Unit) -> bool:
        """Whether what is written is marked as waiting for a person."""
        given = [*call.arguments, *(k.value for k in call.keywords)]
        texts: list[tuple[str, object]] = []
        for argument in given:
            for value in (argument, *self._made(argument, unit)):
                for node in code.walk(value):
                    if isinstance(node, code.Call):
                        texts += [(k.name or "", _constant(k.value)) for k in node.keywords]
                    elif isinstance(node, code.Mapping):
                        texts += [(str(_constant(k)), _constant(v)) for k, v in node.items if k is not None]
        fields, values = self._known.words["proposal_fields"], self._known.words["proposal_values"]
        return any(name in fields and str(text).lower() in values for name, text in texts)

    def _made(self, argument: code.Expression, unit: Unit) -> Iterator[code.Expression]:
        """The expressions a name stands for in the same unit."""
        if isinstance(argument, code.Name):
            yield from (b.value for b in unit.bindings.get(argument.id, ()) if b.value is not None)

    def _text(self, expression: code.Expression, unit: Unit) -> str:
        """A text as far as it is written in the repository; holes are blanks."""
        for value in self._core.resolver.values(expression, unit):
            if isinstance(value, Known) and isinstance(value.value, str):
                return value.value
            if isinstance(value, Text) and isinstance(value.template, code.Template):
                return "".join(str(p.value) if isinstance(p, code.Constant) else " " for p in value.template.parts)
        return ""


def _at(call: code.Call, position: int) -> code.Expression | None:
    return call.arguments[position] if 0 <= position < len(call.arguments) else None


def _is_method_of_path(call: code.Call) -> bool:
    """Whether the file is what the method belongs to (`path.unlink()`), not an argument."""
    return isinstance(call.function, code.Member) and last_name(call.function.base) not in _MODULES


def _constant(expression: code.Expression) -> object:
    if isinstance(expression, code.Member):  # a member of an enumeration: `Status.PENDING`
        return expression.name.lower()
    return expression.value if isinstance(expression, code.Constant) else None


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}
