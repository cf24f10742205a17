"""An agent has the settings of the call inside it that writes the answer (rules-of-evidence.md, "Site arithmetic")."""

from __future__ import annotations

from collections.abc import Iterable

from readiness.facts.calls.model_calls import Limit, ModelCall, ModelId, Setting, Timeout
from readiness.facts.linking.graph import CallGraph
from readiness.facts.linking.units import Unit

_INNER_ONLY = ("schema", "tools", "tool_choice", "messages", "prompt", "stream")
"""Knobs of an inner call that say nothing of the run as a whole."""


def settle_agents(calls: Iterable[ModelCall], graph: CallGraph) -> None:
    """Give every agent whose model is not its own argument the settings of its answering call.

    The other calls inside become its variants: a lower value of one lowers the site, a higher one does not help.
    An agent in which no call is seen has settings that nobody can tell.
    """
    calls = list(calls)
    within = [c for c in calls if c.inside is not None and c.kind == "generate" and not c.is_probe]
    for agent in calls:
        if not agent.is_agent:
            continue
        nodes = {n for step in agent.value.steps for n in graph.registered.get(step.call, ())}
        hops = graph.reach(nodes) if nodes else {}
        inner = [c for c in within if c is not agent and (c.inside is agent or c.unit in hops)]
        if "model" in agent.settings or agent.model.id is not None:
            agent.variants = [*agent.variants, *inner]
        elif inner:
            own = graph.reach(n for step in agent.value.steps for n in graph.own.get(step.call, ()))
            inner.sort(key=lambda c: (c.schema.given, c.unit not in own, *_rank(c, hops)))
            _take_over(agent, inner[0])
            agent.variants = [*agent.variants, *inner[0].variants, *inner[1:]]
        elif agent.model.absent and "model" not in agent.offers:
            _leave_open(agent)


def _rank(call: ModelCall, hops: dict[Unit, int]) -> tuple[bool, int, bool, str, int]:
    """Who writes the answer: free text rather than a schema, a node rather than its helper, with the tools at hand."""
    return (
        call.schema.given,
        hops.get(call.unit, len(hops)),
        not call.setting("tools").given,
        call.place.path,
        -call.place.line,
    )


def _take_over(agent: ModelCall, answering: ModelCall) -> None:
    taken = {name: s for name, s in answering.settings.items() if name not in _INNER_ONLY}
    agent.settings = {**taken, **{name: s for name, s in agent.settings.items() if not s.absent}}
    agent.model = answering.model
    if not agent.timeout.explicit:
        agent.timeout = answering.timeout
    if not agent.retries.explicit:
        agent.retries = answering.retries
    if not agent.output_cap.explicit:
        agent.output_cap = answering.output_cap
    agent.default_sampling = answering.default_sampling
    agent.offers = answering.offers
    agent.answered_by = answering
    if not agent.is_invocation:  # a platform runs it: what becomes of a failure is its nodes' matter
        agent.runs = answering.runs


def _leave_open(agent: ModelCall) -> None:
    agent.model = ModelId(unresolved=True)
    agent.output_cap = Limit(unresolved=True)
    if not agent.timeout.explicit:
        agent.timeout = Timeout(unresolved=True)
    agent.settings.setdefault("temperature", Setting(unresolved=True))
