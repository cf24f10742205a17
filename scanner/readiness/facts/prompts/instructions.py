"""Which calls tell the model, above whatever the user says, what it is for and where its limits are.

What a wrapper's callers hand over is judged where they call it; an agent's value is that of the call inside that writes
its answer. rules-of-evidence.md, "Site arithmetic".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External, Items, Known
from readiness.facts.place import Place
from readiness.facts.prompts.message_roles import load_message_roles
from readiness.facts.prompts.role_walk import RoleWalk, Seen

Told = Literal["system", "opening", "framework", "outside", "none"]
_GIVEN = ("messages", "prompt")
_DECORATORS = frozenset({"system_prompt", "instructions"})


@dataclass(frozen=True, slots=True)
class InstructedCall:
    """One chat call and how it is instructed.

    `told`: "system" (a message above the user's), "opening" (constant text that opens the user's own turn), "framework"
    (only the hidden prompt of a prebuilt chain or agent), "outside" (the messages come whole from whoever calls the
    service), "none".
    """

    place: Place
    text: str
    name: str
    reachable: bool
    told: Told
    variants: tuple[InstructedCall, ...] = field(default=(), repr=False)


def find_instructed_calls(core: Core, calls: Iterable[ModelCall]) -> list[InstructedCall]:
    """Every chat call among these sites, and every call of a wrapper around one that brings no instructions itself."""
    finder = _Instructions(core)
    return sorted(finder.find(calls), key=lambda c: c.place)


class _Instructions:
    def __init__(self, core: Core) -> None:
        self._core, self._walk, self._known = core, RoleWalk(core), load_message_roles()
        self._callers: dict[code.Node, list[ModelCall]] = defaultdict(list)
        for site in core.wrapped:
            if site.through is not None:
                self._callers[site.through.call].append(site)
        self._decorated: set[code.Call] | None = None

    def find(self, calls: Iterable[ModelCall]) -> Iterator[InstructedCall]:
        for call in calls:
            if not _is_chat(call):
                continue
            if call.is_agent:
                yield self._agent(call)
            elif callers := [c for c in self._callers.get(call.call, ()) if c.role is call.role]:
                yield from self._wrapper(call, callers)
            else:
                yield _site(call, self._told(call))

    def _agent(self, agent: ModelCall) -> InstructedCall:
        """The agent's own instructions, or those of the call inside that writes the answer."""
        told = self._told(agent)
        if told not in ("system", "opening") and agent.answered_by is not None:
            told = self._told(agent.answered_by)
        elif told == "none" and agent.model.unresolved and not agent.variants:
            told = "outside"
        inner = [v for v in agent.variants if _is_chat(v) and v.call is not (agent.answered_by or agent).call]
        others = (_site(v, self._told(v)) for v in inner)
        return _site(agent, told, tuple(o for o in others if o.told != "outside"))

    def _wrapper(self, call: ModelCall, callers: list[ModelCall]) -> Iterator[InstructedCall]:
        """A wrapper that always says something stands for itself; else each of its callers does."""
        if self._knob(call, follow=False):
            yield _site(call, "system")
            return
        given = [*_given(call), *self._templates(call)]
        inside = self._walk.roles(given, closed=call.unit)
        if inside.system:
            yield _site(call, "system")
            return
        for site in callers:
            handed = [(a, site.unit) for a in (*site.call.arguments, *(k.value for k in site.call.keywords))]
            roles = self._walk.roles(handed)
            named = {name for unit, name in inside.asked if unit is call.unit} | self._system_parameters(call)
            if roles.system or any(self._hands(site, call.unit, name) for name in named):
                yield _site(site, "system")
            elif self._walk.opens(handed[:1]) or self._walk.opens(given):
                yield _site(site, "opening")
            else:
                yield _site(site, "outside" if roles.outside and not roles.written else "none")

    def _system_parameters(self, call: ModelCall) -> set[str]:
        """The wrapper's parameter that is handed on as the call's system text."""
        expression = call.setting("system").expression
        return {expression.id} if isinstance(expression, code.Name) and call.unit.parameter(expression.id) else set()

    def _hands(self, site: ModelCall, unit: Unit, name: str) -> bool:
        """Whether a caller gives a parameter some text, or its default does."""
        names = (
            tuple(p.name for p in unit.function.parameters if p.name not in ("self", "cls")) if unit.function else ()
        )
        given = self._core.arguments.find(site.call, site.unit, name, names)
        if given is not None:
            return not (given.values and all(isinstance(v, Known) and not v.value for v in given.values))
        parameter = unit.parameter(name)
        return parameter is not None and parameter.default is not None and not _is_empty(parameter.default)

    # -- one call ----------------------------------------------------------------------------------------------

    def _told(self, call: ModelCall) -> Told:
        if self._knob(call) or self._is_decorated(call):
            return "system"
        given = [*_given(call), *self._templates(call)]
        roles = self._walk.roles(given)
        if roles.system or any(self._reaches(unit, name) for unit, name in roles.asked):
            return "system"
        if self._walk.opens(given):
            return "opening"
        if call.is_chain or any(self._known.brings_prompt(s.path) for s in call.value.steps):
            return "framework"
        if call.inside is None and not call.is_agent and not roles.written and (roles.outside or not [*_given(call)]):
            return "outside"  # also where it cannot be seen what the call is given
        return "none"

    def _knob(self, call: ModelCall, *, follow: bool = True) -> bool:
        """Whether the call, or what it was built with, has an argument for system text that is given some."""
        system = call.setting("system")
        if not system.given or (system.values and not any(system.values)):
            return False
        expression, unit = system.expression, system.unit
        if isinstance(expression, code.Name) and unit is not None and unit.parameter(expression.id) is not None:
            return follow and self._reaches(unit, expression.id)
        return True

    def _reaches(self, unit: Unit, name: str) -> bool:
        """Whether somebody gives this parameter some text: a caller, or its default; one that nobody calls may be."""
        parameter = unit.parameter(name)
        if parameter is None:
            return False
        given = [e for e, _ in self._core.resolver.classes.arguments(unit, parameter)]
        given += [parameter.default] if parameter.default is not None else []
        return any(not _is_empty(e) for e in given) or not given

    def _templates(self, call: ModelCall) -> Iterator[Seen]:
        """The templates that are piped into the model of a call, or that its constructor was given."""
        if isinstance(call.call.function, code.Member):
            yield call.call.function.base, call.unit
        for step in call.value.steps:
            for keyword in step.call.keywords:
                if keyword.name is not None and keyword.name.endswith("prompt"):
                    yield keyword.value, step.unit

    def _is_decorated(self, call: ModelCall) -> bool:
        """Whether a function gives a Pydantic AI agent its instructions (`@agent.system_prompt`)."""
        if call.sdk.name != "pydantic-ai" or not call.value.steps:
            return False
        if self._decorated is None:
            self._decorated = set(self._decorators())
        return any(step.call in self._decorated for step in call.value.steps)

    def _decorators(self) -> Iterator[code.Call]:
        for unit in self._core.program.units:
            for decorator in unit.function.decorators if unit.function is not None else ():
                expression = decorator.function if isinstance(decorator, code.Call) else decorator
                if isinstance(expression, code.Member) and expression.name in _DECORATORS:
                    for value in self._core.resolver.values(expression.base, unit.parent or unit):
                        if isinstance(value, External):
                            yield from (step.call for step in value.steps)


def _is_chat(call: ModelCall) -> bool:
    """Whether a call takes messages or instructions: a completion of bare text does not."""
    if any(load_message_roles().completes(step.path) for step in call.value.steps):
        return False
    return call.generates and (call.is_agent or call.is_chain or bool({"system", "messages"} & call.offers))


def _given(call: ModelCall) -> Iterator[Seen]:
    for name in _GIVEN:
        setting = call.setting(name)
        if setting.expression is not None and setting.unit is not None:
            yield setting.expression, setting.unit
        for value in setting.resolved:  # the other branches that can give it
            if isinstance(value, Items):
                yield value.literal, value.unit


def _is_empty(expression: code.Expression) -> bool:
    return isinstance(expression, code.Constant) and not expression.value


def _site(call: ModelCall, told: Told, variants: tuple[InstructedCall, ...] = ()) -> InstructedCall:
    return InstructedCall(call.place, call.text, call.name, call.reachable, told, variants)
