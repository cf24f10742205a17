"""Models that the repository implements itself: a subclass of an SDK's base class that answers without a provider."""

from __future__ import annotations

from readiness.facts.calls.model_calls import Setting
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import ClassInfo, last_name
from readiness.facts.linking.values import External, Instance, Step
from readiness.facts.sdks.knowledge import Knowledge

OWN = "own"
"""The `method` of a model setting that nothing in the code sets: the class itself is the model."""


def named_by_class(step: Step) -> Setting:
    """Which model an object of such a class is: the class."""
    name = last_name(step.call.function)
    return Setting(given=True, value=name, values=(name,), place=step.unit.at(step.call), method=OWN)


def own_model(value: Instance, resolver: Resolver, knowledge: Knowledge) -> External | None:
    """An object of such a class as the SDK sees it: the base class, constructed where the object is."""
    if value.call is None or value.unit is None:
        return None
    for base in resolver.classes.bases(value.info)[1]:
        known = knowledge.client(base)
        if known is not None and known[1].subclassed and not _asks_others(value.info, base, knowledge):
            return External(f"{base}()", (Step(base, value.call, value.unit),))
    return None


def _asks_others(info: ClassInfo, base: str, knowledge: Knowledge) -> bool:
    """Whether the module of a class has means to ask somebody else: another SDK, or HTTP by hand."""
    roots = knowledge.import_roots - {base.partition(".")[0]}
    statements = [*info.module.body.imports.values(), *(s for m in info.methods.values() for s in m.imports.values())]
    return any(not s.level and s.module.partition(".")[0] in roots for s in statements)
