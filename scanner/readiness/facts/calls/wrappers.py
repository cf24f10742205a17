"""Project wrappers: functions that pass what they are given on to a model. rules-of-evidence.md, "Resolution".

What callers pass (the text, a schema) is judged where they call the wrapper; timeouts, retries and the like inside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.linking.graph import CallGraph
from readiness.facts.linking.members import Classes
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.units import Unit, dotted, last_name
from readiness.facts.linking.values import FunctionValue

MAX_LAYERS = 4
"""Layers inside one wrapping class that are followed; a wrapper around a wrapper is a caller like any other."""

OWN_TEXT = 80
"""A function that adds more text of its own than this, in characters, writes a prompt: it is no mere wrapper."""

WORD = 25
"""Shorter literals are keys, roles and options, not prompt text."""

_TEXT_KNOBS = ("messages", "prompt", "system")


def find_wrapped(calls: Iterable[ModelCall], graph: CallGraph, resolver: Resolver) -> list[ModelCall]:
    """The calls of project wrappers around generative calls, as sites of their own; `through` is the call inside."""
    found: dict[code.Node, ModelCall] = {}
    texts = _Texts(resolver)
    layer: dict[Unit, ModelCall] = {}
    known = {c.call for c in calls}
    for call in calls:
        if (
            call.generates
            and not call.is_agent
            and not call.is_chain
            and call.inside is None
            and call.unit.function is not None
            and _passes_on(call, texts)
        ):
            layer.setdefault(call.unit, call)
    seen = set(layer)
    for _ in range(MAX_LAYERS):
        outer: dict[Unit, ModelCall] = {}
        for unit, inner in layer.items():
            for caller, node, is_call in graph.callers.get(unit, ()):
                if not isinstance(node, code.Call) or not is_call or node in known or not _hands_over(node, caller):
                    continue
                site = _site(node, caller, inner)
                if not _is_internal(caller, unit, resolver.classes):
                    found.setdefault(node, site)
                elif caller not in seen and caller.function is not None and _forwards(node, caller, texts):
                    outer[caller] = site
        seen |= set(outer)
        layer = outer
    return list(found.values())


def _site(node: code.Call, caller: Unit, inner: ModelCall) -> ModelCall:
    name = dotted(node.function) or last_name(node.function) or inner.name
    return replace(
        inner, place=caller.at(node), text=f"{name}(...)", name=name, role=caller.module.role, unit=caller, call=node,
        runs=[(node, caller)], variants=[], inside=None, through=inner,
    )  # fmt: skip


def _passes_on(call: ModelCall, texts: _Texts) -> bool:
    """Whether the text of a model call comes from its function's parameters, with hardly a word added."""
    parameters = call.unit.function.parameters if call.unit.function else []
    if any(k.name is None for k in call.call.keywords) and any(p.kind == "options" for p in parameters):
        return True
    given = [call.setting(name) for name in _TEXT_KNOBS]
    return texts.from_parameters([s.expression for s in given if s.expression is not None], call.unit)


def _forwards(node: code.Call, caller: Unit, texts: _Texts) -> bool:
    return texts.from_parameters([*node.arguments, *(k.value for k in node.keywords)], caller)


def _hands_over(node: code.Call, caller: Unit) -> bool:
    """Whether a call gives a wrapper anything: a constructor reached on the way does not."""
    return bool(node.arguments or node.keywords) and not (caller.function is None and caller.owner is not None)


def _is_internal(caller: Unit, wrapper: Unit, classes: Classes) -> bool:
    """A layer inside the wrapping class itself, or inside one it inherits from (`self._request(messages)`)."""
    if caller.owner is None or wrapper.owner is None:
        return False
    return (
        caller.owner is wrapper.owner
        or wrapper.owner in classes.bases(caller.owner)[0]
        or caller.owner in classes.bases(wrapper.owner)[0]
    )


class _Texts:
    """Tells whose text an expression is: the caller's, or written here."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def from_parameters(self, expressions: list[code.Expression], unit: Unit) -> bool:
        """Whether expressions come from a function's parameters with hardly a word added."""
        if unit.function is None:
            return False
        parameters = {p.name for p in unit.function.parameters if p.name not in ("self", "cls")}
        names: set[str] = set()
        written = 0
        for node, inner in self._followed(expressions, unit):
            if isinstance(node, code.Name):
                names.add(node.id)
            elif not inner and isinstance(node, code.Constant) and isinstance(node.value, str):
                written += len(node.value) if len(node.value) > WORD else 0
        return bool(names & parameters) and written < OWN_TEXT

    def _followed(self, expressions: list[code.Expression], unit: Unit) -> Iterator[tuple[code.Node, bool]]:
        """The nodes of expressions and, up to two assignments back, of the local names in them.

        Each with whether it stands inside a call: what is handed to another function is not text added here. Calls of
        functions that write a text themselves are left out: what comes back is theirs.
        """
        followed: set[str] = set()
        stack: list[tuple[code.Node, int, bool]] = [(e, 2, False) for e in expressions]
        while stack:
            node, depth, inner = stack.pop()
            if isinstance(node, code.Call) and self._writes(node, unit):
                continue
            yield node, inner
            if isinstance(node, code.Name) and depth and node.id not in followed:
                followed.add(node.id)
                bound = [b.value for b in unit.bindings.get(node.id, ()) if b.value is not None]
                stack.extend((value, depth - 1, inner) for value in bound)
            inside = inner or isinstance(node, code.Call)
            stack.extend((child, depth, inside) for child in code.children(node))

    def _writes(self, call: code.Call, unit: Unit) -> bool:
        """Whether the function called is the repository's own and returns a text that it puts together."""
        return any(
            isinstance(value, FunctionValue) and _returns_template(value.unit)
            for value in self._resolver.values(call.function, unit)
        )


def _returns_template(unit: Unit) -> bool:
    """Whether a template is returned, directly or through a local name."""
    seen: set[str] = set()
    stack: list[code.Node] = [*unit.returns]
    while stack:
        for node in code.walk(stack.pop()):
            if isinstance(node, code.Template):
                return True
            if isinstance(node, code.Name) and node.id not in seen:
                seen.add(node.id)
                stack.extend(b.value for b in unit.bindings.get(node.id, ()) if b.value is not None)
    return False
