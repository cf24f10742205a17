"""The vocabulary of the checks: every fact about the repository, by family."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.delivery.ci import Ci
from readiness.facts.delivery.deployment import Deployment
from readiness.facts.delivery.health import Health, find_health
from readiness.facts.evals.collected_tests import CollectedTests
from readiness.facts.evals.evals import Evals, find_evals
from readiness.facts.evals.fakes import FakeTests, find_fakes
from readiness.facts.evals.golden import Golden, find_golden
from readiness.facts.failures.fallbacks import LlmEntry, find_llm_entries
from readiness.facts.failures.handling import CallFailure, find_call_failures
from readiness.facts.failures.loops import AgentLoop, find_agent_loops
from readiness.facts.failures.retries import RetryPlan, find_retry_plans
from readiness.facts.flows.flows import Flow, ParsedCall, find_flows
from readiness.facts.flows.guardrails import Answer, find_answers
from readiness.facts.gates import Gates
from readiness.facts.governance.ownership import Ownership, find_ownership
from readiness.facts.governance.secrets import Secret, find_secrets
from readiness.facts.inputs.ingestion import Ingestion, find_ingestion
from readiness.facts.inputs.input_limits import InputChannel, find_input_channels
from readiness.facts.inputs.requests import RequestEntry, find_requests
from readiness.facts.kind import find_gates, kinds_of
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.importable import Problem
from readiness.facts.packages.dependencies import Dependencies
from readiness.facts.prompts.prompts import Prompts, find_prompts
from readiness.facts.records.records import Records, find_records
from readiness.repository.tree import Role


@dataclass(slots=True)
class Facts:
    """What is there, without opinion. The attributes are the names that a check's expressions may use."""

    gates: Gates
    kinds: tuple[str, ...]
    problems: tuple[Problem, ...]
    calls: list[ModelCall]
    """Every model call of every role."""
    serving_calls: list[ModelCall]
    """The sites of serving code: invocations, agents once, and constructors nobody is seen to use. Probes left out."""
    generating_calls: list[ModelCall]
    """Those of them that write text."""
    remote_calls: list[ModelCall]
    """Those of them that cross a network."""
    wrapped_calls: list[ModelCall]
    """Calls, in serving code, of project wrappers around a generative call."""
    entry_points: list[EntryPoint]
    """The entry points of serving code that somebody outside the process can call."""
    ci: Ci
    dependencies: Dependencies
    deployment: Deployment
    """The images, manifests, platforms and probes that run the service."""
    prompts: Prompts
    """What generative calls of serving code are told, and where that text is written."""
    records: Records
    """What is kept of each call: traces, token counts, records of decisions, users' judgements."""
    call_failures: list[CallFailure]
    """What becomes of a failure of each remote call, on every way out."""
    retry_plans: list[RetryPlan]
    """What repeats each remote call when it fails."""
    llm_entries: list[LlmEntry]
    """The entry points that ask a generative model, and what they resort to when it fails."""
    agent_loops: list[AgentLoop]
    """The agents and tool loops of serving code, and what ends them."""
    text_flows: list[Flow]
    """What serving code does with model text: parses, searches, comparisons, clean-ups."""
    executions: list[Flow]
    """Where serving code runs what a model wrote."""
    parsed_calls: list[ParsedCall]
    """The requests whose answers code reads, and what the API holds the model to."""
    answers: list[Answer]
    """The entry points that answer with a generative model, and what checks the answer on its way out."""
    requests: list[RequestEntry]
    """The entry points that reach a model, with what they are given and who checks its shape."""
    input_channels: list[InputChannel]
    """The ways text, lists and files come into them, and what bounds their size."""
    ingestion: Ingestion
    """The code that loads, indexes or trains, and what looks at the data there."""
    health: Health
    """The routes by which the service tells how it is, and who asks."""
    secrets: tuple[Secret, ...]
    ownership: tuple[Ownership, ...]
    golden: Golden
    """The evaluation sets: inputs with what is expected of them."""
    evals: Evals
    """The evaluation suites, their gates, and their runs in CI."""
    fake_tests: FakeTests
    """The tests that reach a model call with a stand-in for the model."""
    as_of: date | None
    """The day to judge on; None where the repository has no history and none was given."""


def gather(core: Core, as_of: date | None) -> Facts:
    """All facts of a linked program. `as_of` is the day that dated facts are judged on."""
    serving = [c for c in core.calls if c.role is Role.SERVING and c.inside is None and not c.is_probe]
    entry_points = [e for e in core.entry_points if e.is_network and e.unit.module.role is Role.SERVING]
    flows = find_flows(core)
    ingestion = find_ingestion(core)
    found = find_gates(core)
    gates = replace(found, parse=flows.parses, data=found.data or bool(ingestion.entries))
    tests = CollectedTests(core)
    evals = find_evals(core, tests)
    remote = [c for c in serving if c.remote and c.kind != "predict"]
    failures = find_call_failures(core, (c for c in serving if c.kind != "predict"))
    requests = find_requests(core)
    return Facts(
        gates=gates,
        kinds=kinds_of(core, gates),
        problems=tuple(core.imports.problems),
        calls=core.calls,
        serving_calls=serving,
        generating_calls=[c for c in serving if c.generates],
        remote_calls=remote,
        wrapped_calls=[c for c in core.wrapped if c.role is Role.SERVING],
        entry_points=entry_points,
        ci=core.ci,
        dependencies=core.dependencies,
        deployment=core.deployment,
        prompts=find_prompts(core),
        records=find_records(core, [c for c in serving if c.generates]),
        call_failures=[f for f in failures if f.call.remote],
        retry_plans=find_retry_plans(core, remote),
        llm_entries=find_llm_entries(core, entry_points, failures),
        agent_loops=find_agent_loops(core, serving),
        text_flows=flows.reads,
        executions=flows.executions,
        parsed_calls=flows.calls,
        answers=find_answers(core, flows),
        requests=requests.entries,
        input_channels=find_input_channels(requests),
        ingestion=ingestion,
        health=find_health(core),
        secrets=find_secrets(core.observations, core.program, core.deployment.compose),
        ownership=find_ownership(core.observations, core.repository.name),
        golden=find_golden(core, evals),
        evals=evals,
        fake_tests=find_fakes(core, tests),
        as_of=as_of,
    )
