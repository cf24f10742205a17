"""The prompts of the repository: what each generative call is told, and where that text is written.

check `prompts-as-files`; PromptDebt 2025: prompt design is the largest class of debt that language models bring
of their own. One prompt is assembled for one call: its system instructions, messages and templates together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.definitions import Definitions
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External, Pipe, Value
from readiness.facts.place import Place
from readiness.facts.prompts.prompt_files import PromptFiles, is_reader
from readiness.facts.prompts.prompt_texts import PromptPart, PromptTexts, Told
from readiness.repository.tree import Role

_KNOBS = ("system", "messages", "prompt")
_TEMPLATES = frozenset(
    {
        "from_messages", "from_template", "PromptTemplate", "ChatPromptTemplate", "SystemMessage",
        "SystemMessagePromptTemplate",
    }
)  # fmt: skip
_TEMPLATE_HOMES = ("langchain", "llama_index", "haystack", "semantic_kernel")
_IN_CODE_BY_DESIGN = frozenset({"pydantic-ai", "dspy"})
"""Frameworks in which instructions are written where the agent or signature is declared."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What one call, agent or template is told.

    `characters` and `words` count the inline text of the longest way it can be assembled. `idiom`: the framework wants
    its instructions where they are used.
    """

    place: Place
    text: str
    parts: tuple[PromptPart, ...]
    characters: int
    words: int
    idiom: bool
    reachable: bool


@dataclass(frozen=True, slots=True)
class Prompts:
    """All prompts of serving code that an entry point reaches, or all of it where none is reached; by place.

    `parts` holds every piece of text once, however many prompts use it.
    """

    assembled: list[Prompt]
    parts: list[PromptPart]

    @property
    def characters(self) -> int:
        """All prompt text."""
        return sum(p.characters for p in self.parts)

    @property
    def outside(self) -> int:
        """The characters that lie in tracked files and settings, or in a registry."""
        return sum(p.characters for p in self.parts if p.origin in ("file", "settings", "registry"))

    @property
    def central(self) -> int:
        """The characters that lie in modules of prompts."""
        return sum(p.characters for p in self.parts if p.origin == "module")

    @property
    def loaders(self) -> list[PromptPart]:
        """Where code reads prompt text from a file that is not in the repository."""
        return [p for p in self.parts if p.missing]


def find_prompts(core: Core) -> Prompts:
    """Every prompt of serving code."""
    definitions = Definitions(core.resolver, parts=True)
    texts = PromptTexts(core.resolver, definitions, PromptFiles(core.observations, core.resolver, definitions))
    found = list(_of_calls(core, texts))
    seen = {part.place for prompt in found for part in prompt.parts}
    found.extend(_of_templates(core, texts, seen))
    found.extend(_of_broken_calls(core, texts))
    found.extend(_of_decorated(core, texts))
    reached = [p for p in found if p.reachable] or found
    parts = {(part.place, part.text): part for prompt in reached for part in prompt.parts}
    return Prompts(sorted(reached, key=lambda p: p.place), [parts[key] for key in sorted(parts)])


def _of_calls(core: Core, texts: PromptTexts) -> Iterator[Prompt]:
    for call in (*core.calls, *core.wrapped):
        if call.role is not Role.SERVING or not call.generates or call.is_probe:
            continue
        told = texts.all_of(_expressions(call))
        if call.through is None:
            told.add(_composed(core, call, texts))
        if told.parts:
            yield _prompt(call.place, call.text, told, _is_idiom(call, told), call.reachable)


def _is_idiom(call: ModelCall, told: Told) -> bool:
    """Whether the framework wants its text there: where an agent or signature is declared, not in a constant elsewhere.

    A plain request through such a framework is a call like any other.
    """
    if call.sdk.name not in _IN_CODE_BY_DESIGN or (call.sdk.name == "pydantic-ai" and not call.is_agent):
        return False
    declared = {call.place.path, *(place.path for place in call.constructors)}
    return all(part.origin != "inline" or part.place.path in declared for part in told.parts.values())


def _prompt(place: Place, text: str, told: Told, idiom: bool, reachable: bool) -> Prompt:
    parts = tuple(told.parts[key] for key in sorted(told.parts))
    return Prompt(place, text, parts, told.characters, told.words, idiom, reachable)


def _expressions(call: ModelCall) -> Iterator[tuple[code.Expression, Unit]]:
    """The expressions whose text goes to the model: the knobs of a direct call, all arguments of a wrapper's."""
    if call.through is not None:
        for given in (*call.call.arguments, *(k.value for k in call.call.keywords)):
            yield given, call.unit
        return
    if any(is_reader(path) for path in (call.value.path, *(step.path for step in call.value.steps))):
        yield call.call, call.unit
    for name in _KNOBS:
        setting = call.setting(name)
        if setting.expression is not None and setting.unit is not None:
            yield setting.expression, setting.unit


def _composed(core: Core, call: ModelCall, texts: PromptTexts) -> Told:
    """The templates that are piped into the model of a call."""
    told = Told()
    if isinstance(call.call.function, code.Member):
        for value in core.resolver.values(call.call.function.base, call.unit):
            if isinstance(value, Pipe):
                told.compete(texts.of_values((value,)))
    return told


def _of_templates(core: Core, texts: PromptTexts, seen: set[Place]) -> Iterator[Prompt]:
    """Templates and system messages whose way to a call is not seen."""
    for name in sorted(_TEMPLATES):
        for call, unit in core.program.calls_by_name.get(name, ()):
            if unit.module.role is not Role.SERVING or not _is_template(core.resolver.values(call, unit)):
                continue
            told = texts.all_of([(call, unit)])
            if told.parts and not any(place in seen for place, _ in told.parts):
                seen.update(place for place, _ in told.parts)
                reachable = unit in core.started and core.imports.importable(unit)
                yield _prompt(unit.at(call), f"{name}(...)", told, False, reachable)


def _of_decorated(core: Core, texts: PromptTexts) -> Iterator[Prompt]:
    """Functions that a Pydantic AI agent asks for its instructions (`@agent.system_prompt`, `@agent.instructions`)."""
    for unit in core.program.units:
        if unit.function is None or unit.module.role is not Role.SERVING:
            continue
        for decorator in unit.function.decorators:
            expression = decorator.function if isinstance(decorator, code.Call) else decorator
            if not isinstance(expression, code.Member) or expression.name not in ("system_prompt", "instructions"):
                continue
            values = core.resolver.values(expression, unit.parent or unit)
            if any(isinstance(v, External) and v.path.startswith("pydantic_ai.Agent") for v in values):
                told = texts.all_of((returned, unit) for returned in unit.returns)
                if told.parts:
                    yield _prompt(unit.place, f"@{expression.name}", told, True, core.imports.importable(unit))


def _of_broken_calls(core: Core, texts: PromptTexts) -> Iterator[Prompt]:
    """Texts for a function that a module of model calls no longer has: the call fails, its words are there.

    rules-of-evidence.md, "Reach": code that cannot be imported earns nothing, and counts for what it lacks.
    """
    asking = {c.place.path for c in core.calls if c.generates and c.role is Role.SERVING}
    for unit in core.program.units:
        if unit.module.role is not Role.SERVING:
            continue
        for call in unit.calls:
            statement = unit.module.body.imports.get(call.function.id) if isinstance(call.function, code.Name) else None
            if statement is None or statement.name is None:
                continue
            module = core.program.find_module(statement.module, unit.module, statement.level)
            if module is None or module.path not in asking or core.resolver.exported(module, statement.name):
                continue
            told = texts.all_of((a, unit) for a in (*call.arguments, *(k.value for k in call.keywords)))
            if told.characters:
                yield _prompt(unit.at(call), f"{call.function.id}(...)", told, False, True)  # type: ignore[attr-defined]


def _is_template(values: tuple[Value, ...]) -> bool:
    return any(isinstance(v, External) and v.path.startswith(_TEMPLATE_HOMES) for v in values)
