"""Who is asked before a tool runs: what the framework was told, and the code around the deed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import Bound, External, FunctionValue, Items, Known
from readiness.facts.place import Place
from readiness.facts.tools.side_effects import ToolKnowledge

UP = 3
"""Callers above a deed in which a question to a person is looked for: the tool, its dispatcher and one more."""

Asking = Literal["always", "optional", "none"]
_WORD = re.compile(r"[a-z]+")
_APPROVED = ("approved", "approve", "confirmed")


@dataclass(frozen=True, slots=True)
class Approval:
    """A question to a person before tools run. `names` are the tools or nodes it is for; None for all of them."""

    place: Place
    text: str
    asking: Asking
    names: frozenset[str] | None = None

    def covers(self, name: str) -> bool:
        """Whether it is asked before the tool of this name runs."""
        return self.names is None or name in self.names


class Approvals:
    """Finds approvals of agents, of single tools, and in the code that runs them."""

    def __init__(self, core: Core, known: ToolKnowledge) -> None:
        self._core, self._known = core, known
        self._words = known.words["own_words"]
        self._of_call: dict[code.Call, tuple[Approval, ...]] = {}

    # -- of agents -------------------------------------------------------------------------------------------------

    def of_agent(self, agent: ModelCall) -> list[Approval]:
        """What an agent, the graph it stands in and their constructors ask."""
        found: dict[Approval, None] = {}
        for site in (agent, agent.inside):
            if site is None:
                continue
            for node, unit in (*((s.call, s.unit) for s in site.value.steps), *site.runs, (site.call, site.unit)):
                found.update(dict.fromkeys(self.of_call(node, unit)))
        return list(found)

    def of_call(self, call: code.Call, unit: Unit) -> tuple[Approval, ...]:
        """What the keywords of one constructor or decorator ask."""
        known = self._of_call.get(call)
        if known is None:
            known = self._of_call[call] = tuple(self._keywords(call, unit))
        return known

    def _keywords(self, call: code.Call, unit: Unit) -> Iterator[Approval]:
        for keyword in call.keywords:
            if keyword.name is None:
                continue
            if keyword.name in self._known.modes:
                if self._is_mode(keyword, unit):
                    yield Approval(unit.at(keyword), keyword.name, "always")
            elif keyword.name in self._known.words["keywords"]:
                approval = self._switch(keyword.name, keyword.value, unit, unit.at(keyword))
                if approval is not None:
                    yield approval
            else:
                yield from self._parts(keyword.value, unit)

    def _is_mode(self, keyword: code.Keyword, unit: Unit) -> bool:
        values = [v.value for v in self._core.resolver.values(keyword.value, unit) if isinstance(v, Known)]
        return bool(values) and str(values[0]).upper() in self._known.modes[str(keyword.name)]

    def _switch(self, name: str, value: code.Expression, unit: Unit, place: Place) -> Approval | None:
        """`needs_approval=True`, `interrupt_before=["tools"]`, `interrupt_on={"pay": True}`, `approval="never"`."""
        first = next(iter(self._core.resolver.values(value, unit)), None)
        match first:
            case Known(value=flag):
                if flag is None or not flag or str(flag).lower() in self._known.words["refusing"]:
                    later = self._core.resolver.values(value, unit)[1:]
                    setting = isinstance(value, code.Member) or bool(first.variable)
                    changeable = setting or any(isinstance(v, Known) and v.value for v in later)
                    return Approval(place, name, "optional") if changeable and flag is not None else None
                return Approval(place, name, "always")
            case Items(literal=code.Mapping(items=items)):
                names = {str(k.value) for k, v in items if isinstance(k, code.Constant) and not _is_false(v)}
                return Approval(place, name, "always", frozenset(names)) if names else None
            case Items(literal=code.Sequence(items=items)):
                names = {str(i.value) for i in items if isinstance(i, code.Constant)} - self._known.words["model_nodes"]
                named = None if name == "interrupt_before" else frozenset(names)
                return Approval(place, name, "always", named) if names else None
            case None:
                return None
        return Approval(place, name, "always")

    def _parts(self, value: code.Expression, unit: Unit) -> Iterator[Approval]:
        """Middleware, callbacks and strategies in a list, and options in a mapping."""
        for found in self._core.resolver.values(value, unit):
            match found:
                case External():
                    yield from self._part(found)
                case Items(literal=code.Sequence(items=items), unit=owner):
                    for item in items[:40]:
                        for inner in self._core.resolver.values(item, owner):
                            if isinstance(inner, External):
                                yield from self._part(inner)
                case Items(literal=code.Mapping(items=pairs), unit=owner):
                    for key, inner_value in pairs:
                        if isinstance(key, code.Constant) and key.value in self._known.words["keywords"]:
                            approval = self._switch(str(key.value), inner_value, owner, owner.at(inner_value))
                            if approval is not None:
                                yield approval

    def _part(self, value: External) -> Iterator[Approval]:
        for step in value.steps[-1:]:
            keyword = self._known.asking.find(step.path)
            place = step.unit.at(step.call)
            if keyword is not None:
                given = step.call.keyword(keyword) if keyword else None
                if given is None and keyword and step.call.arguments:
                    given = step.call.arguments[0]
                approval = self._switch(last_name(step.call.function), given, step.unit, place) if given else None
                yield approval or Approval(place, last_name(step.call.function), "none" if keyword else "always")
            elif self._known.optional.find(step.path) is not None:
                yield Approval(place, last_name(step.call.function), "optional")

    # -- of single tools -------------------------------------------------------------------------------------------

    def of_function(self, tool: Unit, made: Iterable[tuple[code.Call, Unit]]) -> Iterator[Approval]:
        """What its decorators, and the calls that make a tool of it, ask before it runs."""
        for decorator in tool.function.decorators if tool.function is not None else ():
            scope = tool.parent or tool
            if isinstance(decorator, code.Call):
                yield from self.of_call(decorator, scope)
            for value in self._core.resolver.values(decorator, scope):
                if isinstance(value, External) and self._known.asking.find(value.path.removesuffix("()")) is not None:
                    yield Approval(tool.place, last_name(decorator), "always")
        for call, unit in made:
            yield from self.of_call(call, unit)

    # -- in code ---------------------------------------------------------------------------------------------------

    def before(self, node: code.Node, unit: Unit, parameters_of: Unit | None = None) -> Approval | None:
        """A person's answer that is tested before a call can be reached: in the unit, or in those that call it.

        What the model itself passes to a tool (the parameters of `parameters_of`) is no person's answer.
        """
        seen = {unit}
        layer: list[tuple[code.Node, Unit]] = [(node, unit)]
        for _ in range(UP + 1):
            following: list[tuple[code.Node, Unit]] = []
            for inner, here in layer:
                found = self._tested(inner, here, here is parameters_of)
                if found is not None:
                    return found
                for edge in self._core.graph.callers.get(here, ())[:20]:
                    if edge.is_call and edge.unit not in seen:
                        seen.add(edge.unit)
                        following.append((edge.node, edge.unit))
            layer = following
        return None

    def _tested(self, node: code.Node, unit: Unit, by_model: bool) -> Approval | None:
        own = {p.name for p in unit.function.parameters} if by_model and unit.function is not None else set()
        answers = self._answers(unit)
        for above in unit.parents.values():
            if isinstance(above, code.Raise) and self._asks_by_raising(above, unit) and above.line <= node.line:
                return Approval(unit.at(above), "an approval is asked for by an exception", "always")
            test = _test_of(above)
            if test is None or above.line > node.line:
                continue
            for inner in code.walk(test):
                if self._is_question(inner, unit) or (isinstance(inner, code.Name) and inner.id in answers):
                    return Approval(unit.at(above), "a person is asked", "always")
                if isinstance(inner, code.Name) and inner.id in own:
                    continue
                if isinstance(inner, code.Name | code.Member) and self._is_word(last_name(inner)):
                    return Approval(unit.at(above), last_name(inner), "always")
                if isinstance(inner, code.Constant) and str(inner.value).lower() in _APPROVED:
                    return Approval(unit.at(above), str(inner.value), "always")
        return None

    def _answers(self, unit: Unit) -> set[str]:
        """The names that hold a person's answer."""
        return {
            name
            for name, bindings in unit.bindings.items()
            if any(
                b.value is not None and any(self._is_question(n, unit) for n in code.walk(b.value)) for b in bindings
            )
        }

    def _is_question(self, node: code.Node, unit: Unit) -> bool:
        if not isinstance(node, code.Call) or not isinstance(node.function, code.Name | code.Member):
            return False
        for value in self._core.resolver.values(node.function, unit):
            if isinstance(value, External) and self._known.questions.find(value.path) is not None:
                return True
            if isinstance(value, FunctionValue | Bound) and self._is_word(last_name(node.function)):
                return True
        return False

    def _asks_by_raising(self, statement: code.Raise, unit: Unit) -> bool:
        value = statement.value.function if isinstance(statement.value, code.Call) else statement.value
        return value is not None and any(
            isinstance(v, External) and self._known.exceptions.find(v.path) is not None
            for v in self._core.resolver.values(value, unit)
        )

    def _is_word(self, name: str) -> bool:
        return not self._words.isdisjoint(_WORD.findall(name.lower()))


def _is_false(value: code.Expression) -> bool:
    return isinstance(value, code.Constant) and value.value in (False, None)


def _test_of(node: code.Node) -> code.Expression | None:
    """What decides whether a statement or a choice runs."""
    if isinstance(node, code.If | code.Choice | code.Assert):
        return node.test
    return node.subject if isinstance(node, code.Loop) and node.target is None else None
