"""Graphs that no line of the code runs because a platform does: those that `langgraph.json` lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from readiness.facts.calls.knobs import Knobs
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.values import External
from readiness.facts.sdks.knowledge import Knowledge


def served_graphs(
    entries: Iterable[EntryPoint], resolver: Resolver, knowledge: Knowledge, knobs: Knobs
) -> Iterator[ModelCall]:
    """One agent site per graph, where it is compiled; an agent that one call builds is a site of its own already."""
    for entry in entries:
        for made in entry.app if entry.framework == "langgraph" else ():
            for value in resolver.values(made, entry.unit):
                known = knowledge.call(f"{value.path}.invoke") if isinstance(value, External) else None
                if not isinstance(value, External) or known is None or not (known[1].agent and known[1].needs_model):
                    continue
                sdk, pattern = known
                found = ModelCall(entry.unit.at(made), f"graph {entry.route}", f"graph {entry.route}", sdk, "generate",
                                  entry.unit.module.role, entry.unit, made, value)  # fmt: skip
                found.is_agent, found.needs_model, found.is_invocation = True, pattern.needs_model, False
                found.constructor, found.runs = found.place, [(made, entry.unit)]
                knobs.fill(found, pattern)
                yield found
                break
