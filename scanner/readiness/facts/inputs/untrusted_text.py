"""Text of others where only instructions of the team should stand. check untrusted-text-kept-out-of-system-role."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from readiness.extract import code
from readiness.facts.inputs.graph_nodes import graph_nodes
from readiness.facts.inputs.input_flow import Flow
from readiness.facts.inputs.request_knowledge import Symbols
from readiness.facts.inputs.requests import RequestFamily
from readiness.facts.inputs.system_texts import Hole, SystemTexts
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External, Instance, Known
from readiness.facts.place import Place
from readiness.facts.prompts.instructions import InstructedCall
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml
from readiness.repository.tree import Role

_ORDERING = frozenset({"*", "system", "developer"})
"""The roles whose messages a model takes for orders."""
How = Literal["system", "delimited", "profile", "editable", "offline", "chain", "role", "one-string"]


@dataclass(frozen=True, slots=True, order=True)
class MixedText:
    """A place where text of others stands among instructions.

    `how`: "system" (in a system text, with nothing around it), "delimited" (there, between marks that open and close),
    "profile" (only a short field such as a name), "editable" (the caller may write the whole system text), "offline" (a
    script's), "chain" (a prebuilt chain puts it there), "role" (the caller chooses the role of a message), "one-string"
    (instructions and text are one message of the user's).
    """

    place: Place
    text: str
    how: How


@dataclass(frozen=True, slots=True)
class UntrustedKnowledge:
    """What `untrusted-text.yaml` says; the names are its keys."""

    sources: Symbols
    variables: frozenset[str]
    profile: frozenset[str]
    template_makers: frozenset[str]
    keeps_apart: Symbols


@cache
def load_untrusted(file: Path | None = None) -> UntrustedKnowledge:
    """Read `untrusted-text.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    path = file or knowledge_folder() / "untrusted-text.yaml"
    try:
        data = read_yaml(path)
        return UntrustedKnowledge(Symbols.of(data["sources"]), frozenset(data["variables"]), frozenset(data["profile"]),
                                  frozenset(data["template_makers"]), Symbols.of(data["keeps_apart"]))  # fmt: skip
    except (KeyError, TypeError) as error:
        raise KnowledgeError(path.name, "the file", str(error)) from error


def find_mixed_texts(family: RequestFamily, instructed: Iterable[InstructedCall]) -> list[MixedText]:
    """Every such place in code that can run, by place."""
    return sorted(set(_Finder(family).find(instructed)))


MAX_FIELDS = 4
"""Objects in objects in which a field is looked up."""

MAX_VISITS = 1_200
"""Units that are looked at (again) to follow all text of others at once."""

_FILLING = ("format", "format_messages", "format_prompt", "aformat_messages", "partial", "invoke", "ainvoke", "stream")


def _is_of_graph(unit: Unit) -> bool:
    """Whether a module builds graphs whose nodes share a state."""
    return any(statement.module.startswith("langgraph") for statement in unit.module.body.imports.values())


class _Finder:
    def __init__(self, family: RequestFamily) -> None:
        self._family, self._core, self._known = family, family.core, load_untrusted()
        self._texts = SystemTexts(self._core, self._known.template_makers)
        self._nodes = graph_nodes(self._core)
        self._flow: Flow | None = None
        self._filled: defaultdict[str, list[tuple[code.Expression, Unit]]] | None = None

    def find(self, instructed: Iterable[InstructedCall]) -> Iterator[MixedText]:
        for text in self._texts.find():
            if not self._runs(text.unit):
                continue
            for hole in self._texts.holes(text):
                how = self._how(hole, text.unit)
                if how is not None:
                    label = hole.name or "text of others"
                    path = hole.unit.module.path
                    yield MixedText(Place(path, hole.line, hole.line), f"{label} in a system text", how)
        for request in self._family.entries:
            if (
                not _ORDERING.isdisjoint(request.roles)
                and request.importable
                and any(c.generates for c in request.calls)
            ):
                yield MixedText(request.place, f"the role of a message of {request.text}", "role")
        yield from self._of_calls(instructed)

    def _of_calls(self, instructed: Iterable[InstructedCall]) -> Iterator[MixedText]:
        for call in self._core.calls:
            if any(path in self._known.keeps_apart for path in (call.value.path, *(s.path for s in call.value.steps))):
                continue
            if call.is_chain and call.generates and call.role is Role.SERVING and call.reachable:
                yield MixedText(call.place, f"{call.name}: what it is given", "chain")
        for told in instructed:
            if told.told == "opening" and told.reachable:
                yield MixedText(told.place, f"{told.name}: the instructions and what they are about", "one-string")

    def _runs(self, unit: Unit) -> bool:
        if not self._core.imports.importable(unit):
            return False
        return unit.module.role is Role.SCRIPT or unit.is_module or unit.function is None or (
            unit in self._core.started or not self._core.started
        )  # fmt: skip

    def _how(self, hole: Hole, unit: Unit) -> How | None:
        offline = unit.module.role is Role.SCRIPT
        if hole.expression is None:
            given = self._fillings().get(hole.name, [])
            if not any(self._is_untrusted(value, where) for value, where in given) and (
                hole.name.lower() not in self._known.variables or self._is_own(given)
            ):
                return None
        elif not self._is_untrusted(hole.expression, hole.unit):
            return None
        if hole.delimited:
            return "delimited"
        if hole.name.lower() in self._known.profile:
            return "profile"
        if hole.whole:
            return "editable"
        return "offline" if offline else "system"

    def _fillings(self) -> dict[str, list[tuple[code.Expression, Unit]]]:
        """What the variables of templates are filled with, by their names."""
        if self._filled is None:
            self._filled = defaultdict(list)
            for method in _FILLING:
                for call, unit in self._core.program.calls_by_name.get(method, ()):
                    for keyword in call.keywords:
                        if keyword.name is not None:
                            self._filled[keyword.name].append((keyword.value, unit))
                    for argument in call.arguments[:1]:
                        for key, value in argument.items if isinstance(argument, code.Mapping) else ():
                            if isinstance(key, code.Constant) and isinstance(key.value, str):
                                self._filled[key.value].append((value, unit))
        return self._filled

    def _is_own(self, given: list[tuple[code.Expression, Unit]]) -> bool:
        """Whether all that fills a variable is written in the repository."""
        return bool(given) and all(
            isinstance(value, Known) for e, unit in given for value in self._core.resolver.values(e, unit)
        )

    def _is_untrusted(self, expression: code.Expression, unit: Unit, depth: int = MAX_FIELDS) -> bool:
        if self._flow is None:
            self._flow = self._all()
        if not self._flow.holds(expression, unit):
            return False
        if isinstance(expression, code.Member) and depth > 0:
            given = list(self._of_field(expression, unit))
            if given:
                return any(self._is_untrusted(value, where, depth - 1) for value, where in given)
        return True

    def _of_field(self, member: code.Member, unit: Unit) -> Iterator[tuple[code.Expression, Unit]]:
        """What a field of an object of the repository is made of, wherever such an object is made with it."""
        for value in self._core.resolver.values(member.base, unit):
            if isinstance(value, Instance):
                fields = [name for name, known in value.info.attributes.items() if known[0][0].annotation is not None]
                if member.name not in fields:
                    continue
                for call, where in self._core.program.calls_by_name.get(value.info.node.name, ()):
                    if where.module.role is Role.TEST:
                        continue
                    given = call.keyword(member.name)
                    position = fields.index(member.name)
                    if given is None and position < len(call.arguments):
                        given = call.arguments[position]
                    if given is not None:
                        yield given, where

    def _all(self) -> Flow:
        """Where text of others goes: of requests, of searches, of pages, of the state that a graph's nodes share."""
        starts: dict[Unit, set[str]] = {}
        nodes: set[code.Node] = set()
        units: list[Unit] = []
        for request in self._family.entries:
            if not any(c.generates for c in request.calls):
                continue
            for one, shape in request.shapes.items():
                if shape.form == "scalar":
                    continue
                if one.is_parameter:
                    starts.setdefault(one.unit, set()).add(one.name)
                nodes |= one.nodes
                units += one.nodes_in
        for unit in self._core.program.units:
            if unit.function is not None and unit.module.role is Role.SERVING:
                own = [p.name for p in unit.function.parameters if p.name not in ("self", "cls")][:1]
                if unit in self._nodes or (own == ["state"] and _is_of_graph(unit)):
                    starts.setdefault(unit, set()).update(own)
        within = {
            u: 0 for u in self._core.program.units if u.module.role in (Role.SERVING, Role.SCRIPT) and self._runs(u)
        }
        for unit in within:
            for call in unit.calls:
                if any(isinstance(v, External) and v.path in self._known.sources
                       for v in self._core.resolver.values(call.function, unit)):  # fmt: skip
                    nodes.add(call)
                    units.append(unit)
        return Flow(self._core, within, starts, lambda node, _: True if node in nodes else None,
                    dict.fromkeys(units), direct=True, visits=MAX_VISITS)  # fmt: skip
