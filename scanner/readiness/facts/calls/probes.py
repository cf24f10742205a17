"""Calls that only ask whether a model answers: key validation, connection test, warm-up.

rules-of-evidence.md, "Site arithmetic".
What tells them is that nobody reads the answer: it is thrown away, or bound to a name that is not read again.
"""

from __future__ import annotations

from collections.abc import Iterable

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.linking.units import Unit

_STATUS = frozenset({"status_code", "ok", "raise_for_status", "is_success", "is_error", "reason", "elapsed"})
"""What a response of HTTP tells of how a request went, and nothing of what was answered."""


def mark_probes(calls: Iterable[ModelCall]) -> None:
    """Tell every call, and its variants, whether it is a probe."""
    for call in calls:
        if _can_be_probe(call) and all(_is_thrown_away(node, unit) for node, unit in call.runs):
            for site in (call, *call.variants):
                site.is_probe = True


def _can_be_probe(call: ModelCall) -> bool:
    """Not what works by its effects (an agent, tools) or hands its answer to a callback, nor a displaying cell."""
    handlers = ("callbacks", "tools", "streaming")
    return (
        call.is_invocation
        and call.kind == "generate"
        and not call.is_agent
        and not any(call.setting(name).given for name in handlers)
        and not call.place.path.endswith(".ipynb")
    )


def _is_thrown_away(call: code.Call, unit: Unit) -> bool:
    node: code.Node = call
    for around in unit.enclosing(call):
        match around:
            case code.Await():
                node = around
            case code.Evaluate():
                return True
            case code.Assign(targets=[code.Name(id=name)], value=value) if value is node:
                return name == "_" or not _is_read(name, around, unit)
            case _:
                return False
    return False


def _is_read(name: str, assignment: code.Assign, unit: Unit) -> bool:
    """Whether the name is looked up in the unit or in a function inside it.

    A bare truth test is no reading, and neither is the status of a response.
    """
    if unit.function is None or name in unit.globals:
        return True
    stack: list[code.Node] = list(unit.body)
    while stack:
        node = stack.pop()
        if isinstance(node, code.Name) and node.id == name and node not in assignment.targets:
            return True
        if isinstance(node, code.If) and isinstance(node.test, code.Name) and node.test.id == name:
            stack.extend([*node.body, *node.otherwise])
            continue
        if isinstance(node, code.Member) and node.name in _STATUS and isinstance(node.base, code.Name):
            continue
        stack.extend(code.children(node))
    return False
