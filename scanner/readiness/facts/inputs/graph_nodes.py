"""The functions that a graph of an agent framework runs, and gives the state that all of them share."""

from __future__ import annotations

from readiness.facts.core import Core
from readiness.facts.linking.units import Unit, last_name


def graph_nodes(core: Core) -> frozenset[Unit]:
    """The nodes of all graphs; handlers of routes hang on objects too, and are none."""
    agents = {step.call for call in core.calls if call.is_agent for step in call.value.steps}
    return frozenset(
        unit
        for made, units in core.graph.registered.items()
        if made in agents or last_name(made.function).endswith(("Graph", "GraphBuilder"))
        for unit in units
    )
