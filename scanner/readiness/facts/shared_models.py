"""The model that a framework is given once for a process: `dspy.configure(lm=…)`, LlamaIndex's `Settings.llm = …`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from readiness.extract import code
from readiness.facts.knobs import Knobs
from readiness.facts.knowledge import Knowledge
from readiness.facts.model_calls import ModelCall
from readiness.facts.program import Program
from readiness.facts.resolve import Resolver
from readiness.facts.units import Unit
from readiness.facts.values import External
from readiness.repository.tree import Role

_CALLS = {
    "dspy.configure": ("dspy", "lm"),
    "dspy.settings.configure": ("dspy", "lm"),
    "llama_index.core.set_global_service_context": ("llama-index", "service_context"),
}
_MEMBERS = {"llama_index.core.Settings.llm": "llama-index", "llama_index.core.settings.Settings.llm": "llama-index"}


def apply_shared_models(
    calls: Iterable[ModelCall], program: Program, resolver: Resolver, knobs: Knobs, knowledge: Knowledge
) -> set[code.Call]:
    """Give calls that name no model the settings of the one their framework was configured with.

    Answers the constructor calls of the models that were used so: they are no sites of their own.
    """
    shared = dict(_configured(program, resolver, knobs))
    used: set[code.Call] = set()
    for call in calls:
        value = shared.get(call.sdk.name)
        if value is None or not call.is_invocation or not (call.model.absent or call.model.unresolved):
            continue
        if call.setting("model").given:
            continue
        known = knowledge.call(call.value.path)
        knobs.fill(call, known[1] if known is not None else None, value)
        used.update(step.call for step in value.steps)
    return used


def _configured(program: Program, resolver: Resolver, knobs: Knobs) -> Iterator[tuple[str, External]]:
    """The framework and the model of each such configuration in serving code; the last one of a framework holds."""
    for unit in program.units:
        if unit.module.role is not Role.SERVING:
            continue
        for sdk, given in (*_by_call(unit, resolver), *_by_member(unit, resolver)):
            for value in resolver.values(given, unit):
                model = next(knobs.models_in(value), None)
                if model is not None:
                    yield sdk, model
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


def _by_member(unit: Unit, resolver: Resolver) -> Iterator[tuple[str, code.Expression]]:
    for member, binding in unit.members:
        if member.name != "llm" or binding.value is None:
            continue
        for value in resolver.values(member.base, unit):
            sdk = _MEMBERS.get(f"{value.path}.llm") if isinstance(value, External) else None
            if sdk is not None:
                yield sdk, binding.value
