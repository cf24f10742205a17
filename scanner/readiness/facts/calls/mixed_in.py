"""Models that a shared base class builds from the class that each of its children names.

`class Mixin: def __init__(self, **params): self._model = self._model_class()(**params)` builds whatever class a method
of the child returns. What that model is given stands in the child, where it calls `super().__init__(…)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from readiness.extract import code
from readiness.facts.calls.knobs import Knobs
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import ClassInfo, Unit
from readiness.facts.linking.values import External, Step
from readiness.facts.sdks.knowledge import Knowledge

MAX_FAMILY = 60
"""Children of one base class that are looked at."""


def find_children(calls: Iterable[ModelCall], resolver: Resolver, knowledge: Knowledge, knobs: Knobs) -> None:
    """Add to the calls of a base class the models that its children have it build: no sites, but models to be shown."""
    shown: set[code.Call] = set()
    for site in calls:
        for call in (site, *site.variants):
            for step in call.value.steps if call.generates else ():
                known = knowledge.client(step.path)
                for made, unit in _children(step, resolver) if known is not None else ():
                    if made in shown or known is None:
                        continue
                    shown.add(made)
                    value = External(f"{step.path}()", (Step(step.path, made, unit),))
                    place, name = unit.at(made), step.path.rpartition(".")[2]
                    child = ModelCall(place, f"{name}(...)", name, known[0], call.kind, unit.module.role, unit, made,
                                      value, constructor=place, is_invocation=False, runs=[(made, unit)])  # fmt: skip
                    knobs.fill(child, None)
                    site.children.append(child)


def _children(step: Step, resolver: Resolver) -> Iterator[tuple[code.Call, Unit]]:
    """Where children of the base class around a step have it build the class of this step."""
    call, unit, base = step.call, step.unit, step.unit.owner
    if base is None or step.method or unit.name != "__init__" or not any(_is_spread(k) for k in call.keywords):
        return
    names = list(_asked(call.function, unit, base))
    for child in resolver.classes.children(base)[:MAX_FAMILY] if names else ():
        own = child.methods.get("__init__")
        above = next((c for c in own.calls if _is_super(c)), None) if own is not None else None
        if own is not None and above is not None and any(v.path == step.path for v in _named(child, names, resolver)):
            yield above, own


def _is_spread(keyword: code.Keyword) -> bool:
    """Whether an argument is `**options`."""
    return keyword.name is None


def _asked(function: code.Expression, unit: Unit, base: ClassInfo) -> Iterator[str]:
    """The methods of `self` whose answer is called: at once, or by way of a name or an attribute that holds it."""
    match function:
        case code.Call(function=code.Member(base=code.Name(id="self"), name=name)):
            yield name
        case code.Member(base=code.Name(id="self"), name=name):
            for binding, _ in base.attributes.get(name, ()):
                if isinstance(binding.value, code.Call):
                    yield from _asked(binding.value, unit, base)
        case code.Name(id=name):
            for binding in unit.bindings.get(name, ()):
                if isinstance(binding.value, code.Call):
                    yield from _asked(binding.value, unit, base)


def _named(child: ClassInfo, names: Iterable[str], resolver: Resolver) -> Iterator[External]:
    """The classes that a child's methods of these names return."""
    for name in names:
        method = resolver.classes.method(child, name)
        for value in resolver.returned(method) if method is not None else ():
            if isinstance(value, External):
                yield value


def _is_super(call: code.Call) -> bool:
    match call.function:
        case code.Member(base=code.Call(function=code.Name(id="super")), name="__init__"):
            return True
    return False
