"""The model that a framework is given once for a process: `dspy.configure(lm=…)`, LlamaIndex's `Settings.llm = …`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from readiness.extract import code
from readiness.facts.calls.knobs import Knobs
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.linking.program import Program
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import ModuleInfo, Unit
from readiness.facts.linking.values import External, Step
from readiness.facts.sdks.knowledge import Knowledge
from readiness.repository.tree import Role

_CALLS = {
    "dspy.configure": ("dspy", "lm"),
    "dspy.settings.configure": ("dspy", "lm"),
    "llama_index.core.set_global_service_context": ("llama-index", "service_context"),
}
_SCOPES = {"dspy.context": "lm", "dspy.settings.context": "lm"}
"""`with …:` gives what runs inside a model of its own."""
_WITHOUT_A_MODEL = frozenset({"dspy"})
"""Frameworks that have no model of their own choice: where nothing in sight configures one, it comes from elsewhere."""
_OWN_CHOICE = {"llama-index": "llama_index.llms.openai.OpenAI"}
"""Frameworks that make a model themselves where nobody gives them one, and which that is."""
_GIVEN = frozenset(
    {"llm", "llms", "service_context", "response_synthesizer", "query_engine", "retriever", "agents", None}
)
"""Arguments by which an engine is given a model, itself or inside another thing; None stands for `**options`."""
_MEMBERS = {
    f"llama_index.core.{module}Settings.{member}": "llama-index"
    for module in ("", "settings.")
    for member in ("llm", "embed_model")
}


def apply_shared_models(
    calls: Iterable[ModelCall], program: Program, resolver: Resolver, knobs: Knobs, knowledge: Knowledge
) -> set[code.Call]:
    """Give calls that name no model the settings of the one their framework was configured with.

    Answers the constructor calls of the models that were used so: they are no sites of their own.
    """
    calls = list(calls)
    shared = list(_configured(program, resolver, knobs, "llm"))
    apart = _Applications(program) if shared else None
    used: set[code.Call] = set()
    for call in calls:
        value = next(
            (v for sdk, v, at in reversed(shared) if sdk == call.sdk.name and apart and apart.together(at, call.unit)),
            None,
        )
        if not (call.model.absent or call.model.unresolved) or call.setting("model").given:
            continue
        if not (call.is_invocation or _holds_a_model(call, knowledge)):
            continue
        value = _of_scope(call, resolver, knobs) or value
        known = knowledge.call(call.value.path)
        known_model = value is not None and any(knowledge.client(step.path) for step in value.steps)
        if value is not None and (known_model or call.sdk.name not in _WITHOUT_A_MODEL):
            knobs.fill(call, known[1] if known is not None else None, value)
            used.update(step.call for step in value.steps)
        elif (
            call.model.absent
            and call.sdk.name in _OWN_CHOICE
            and not _is_given(call, apart or _Applications(program), program, resolver)
        ):
            function = code.Name(call.call.line, call.call.end_line, _OWN_CHOICE[call.sdk.name])
            made = code.Call(call.call.line, call.call.end_line, function, [], [])
            own = External(f"{function.id}()", (Step(function.id, made, call.unit),))
            knobs.fill(call, known[1] if known is not None else None, own)
        elif call.sdk.name in _WITHOUT_A_MODEL:
            call.value = replace(call.value, typed=True)
            knobs.fill(call, known[1] if known is not None else None)
    for sdk, embedder, _ in _configured(program, resolver, knobs, "embed_model"):
        _run_within(calls, sdk, {step.call for step in embedder.steps})
    return used


def _is_given(call: ModelCall, apart: _Applications, program: Program, resolver: Resolver) -> bool:
    """Whether the engine of a call is given a model, though not one that can be seen, on its way or for the process."""
    steps = [(s.call, s.unit) for s in call.value.steps]
    if any(k.name in _GIVEN for made, _ in (*steps, (call.call, call.unit)) for k in made.keywords):
        return True
    return any(
        next(_by_member(unit, resolver, "llm"), None) or next(_by_call(unit, resolver), None)
        for unit in program.units
        if apart.together(unit, call.unit)
    )


def _of_scope(call: ModelCall, resolver: Resolver, knobs: Knobs) -> External | None:
    """The model of the `with dspy.context(lm=…)` that a call stands in."""
    for node in call.unit.enclosing(call.call):
        for context, _ in node.items if isinstance(node, code.With) else ():
            if not isinstance(context, code.Call):
                continue
            for value in resolver.values(context.function, call.unit):
                name = _SCOPES.get(value.path) if isinstance(value, External) else None
                given = context.keyword(name) if name else None
                models = (m for v in resolver.values(given, call.unit) for m in knobs.models_in(v)) if given else ()
                if (model := next(iter(models), None)) is not None:
                    return model
    return None


def _holds_a_model(call: ModelCall, knowledge: Knowledge) -> bool:
    """Whether a lone constructor is one of an agent or engine, which takes the shared model where it is given none."""
    known = knowledge.client(call.value.path.removesuffix("()"))
    return known is not None and bool(known[1].inner)


def _run_within(calls: list[ModelCall], sdk: str, built: set[code.Call]) -> None:
    """A shared embedder runs wherever the framework does: its failures come out where the framework's runs do."""
    runs = [r for c in calls if c.sdk.name == sdk and c.is_invocation and c.role is Role.SERVING for r in c.runs]
    for call in calls:
        if call.kind == "embed" and not call.is_invocation and call.call in built and runs:
            call.runs = list(dict.fromkeys(runs))


class _Applications:
    """Which modules can be part of one process: two demos in one repository share no settings."""

    def __init__(self, program: Program) -> None:
        self._groups: dict[ModuleInfo, ModuleInfo] = {}
        for unit in program.units:
            for statement in unit.imports.values() if unit.module.role is not Role.TEST else ():
                for module in program.named_by(statement, unit.module):
                    self._groups[self._group(unit.module)] = self._group(module)

    def together(self, one: Unit, other: Unit) -> bool:
        """Whether imports connect the modules of two units, or they lie in the same folder of the repository."""
        folders = {unit.module.path.partition("/")[0] if "/" in unit.module.path else "" for unit in (one, other)}
        return len(folders) == 1 or self._group(one.module) is self._group(other.module)

    def _group(self, module: ModuleInfo) -> ModuleInfo:
        while (above := self._groups.get(module, module)) is not module:
            module = above
        return module


def _configured(
    program: Program, resolver: Resolver, knobs: Knobs, member: str
) -> Iterator[tuple[str, External, Unit]]:
    """The framework, the model and the place of each such configuration in serving code; the last one holds."""
    for unit in program.units:
        if unit.module.role is not Role.SERVING:
            continue
        called = _by_call(unit, resolver) if member == "llm" else ()
        for sdk, given in (*called, *_by_member(unit, resolver, member)):
            for value in resolver.values(given, unit):
                model = next(knobs.models_in(value), None)
                if model is not None:
                    yield sdk, model, unit
                    break


def _by_call(unit: Unit, resolver: Resolver) -> Iterator[tuple[str, code.Expression]]:
    for call in unit.calls:
        if not isinstance(call.function, code.Member) or not (call.keywords or call.arguments):
            continue
        for value in resolver.values(call.function, unit):
            if isinstance(value, External) and value.path in _CALLS:
                sdk, name = _CALLS[value.path]
                given = call.keyword(name) or next(iter(call.arguments), None)
                if given is not None:
                    yield sdk, given


def _by_member(unit: Unit, resolver: Resolver, name: str) -> Iterator[tuple[str, code.Expression]]:
    for member, binding in unit.members:
        if member.name != name or binding.value is None:
            continue
        for value in resolver.values(member.base, unit):
            sdk = _MEMBERS.get(f"{value.path}.{name}") if isinstance(value, External) else None
            if sdk is not None:
                yield sdk, binding.value
