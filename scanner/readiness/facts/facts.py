"""The vocabulary of the checks: every fact about the repository, by family."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.calls.retirement import ModelUse, find_model_uses
from readiness.facts.calls.sampling import SampledCall, find_sampled_calls
from readiness.facts.calls.seam import Seam, find_seam
from readiness.facts.controls.controls import Controls, find_controls
from readiness.facts.core import Core
from readiness.facts.delivery.ci import Ci
from readiness.facts.delivery.deployment import Deployment
from readiness.facts.delivery.health import Health, find_health
from readiness.facts.delivery.notebooks import Notebooks, find_notebooks
from readiness.facts.delivery.rollback import Rollback, find_rollback
from readiness.facts.delivery.scaling import Scaling, find_scaling
from readiness.facts.evals.collected_tests import CollectedTests
from readiness.facts.evals.edge_cases import EdgeCases, find_edge_cases
from readiness.facts.evals.evals import Evals, find_evals
from readiness.facts.evals.failure_tests import FailureTests, find_failure_tests
from readiness.facts.evals.fakes import FakeTests, find_fakes
from readiness.facts.evals.golden import Golden, find_golden
from readiness.facts.evals.hostile_tests import HostileTests, find_hostile_tests
from readiness.facts.evals.load_tests import LoadTest, find_load_tests
from readiness.facts.evals.prompt_triggers import PromptTriggers, find_prompt_triggers
from readiness.facts.evals.retrieval_evals import RetrievalEvals, find_retrieval_evals
from readiness.facts.failures.fallbacks import LlmEntry, find_llm_entries
from readiness.facts.failures.handling import CallFailure, find_call_failures
from readiness.facts.failures.loops import AgentLoop, find_agent_loops
from readiness.facts.failures.parse_failures import ModelParse, find_parses
from readiness.facts.failures.retries import RetryPlan, find_retry_plans
from readiness.facts.flows.endings import Ending, find_endings
from readiness.facts.flows.flows import Flow, ParsedCall, find_flows
from readiness.facts.flows.guardrails import Answer, find_answers
from readiness.facts.flows.tool_schemas import ToolSchema, find_tool_schemas
from readiness.facts.gates import Gates
from readiness.facts.governance.artefacts import Artefact, find_artefacts
from readiness.facts.governance.disclosure import Disclosure, find_disclosures
from readiness.facts.governance.doors import Door, find_doors
from readiness.facts.governance.fairness import Fairness, find_fairness
from readiness.facts.governance.model_card import ModelCard, find_model_cards
from readiness.facts.governance.ownership import Ownership, find_ownership
from readiness.facts.governance.retrieval import find_retrieval
from readiness.facts.governance.retrieved import Retrieval
from readiness.facts.governance.risk_record import RiskRecord, find_risk_record
from readiness.facts.governance.secrets import Secret, find_secrets
from readiness.facts.inputs.contracts import Contract, find_contracts
from readiness.facts.inputs.data_versions import DataVersions, find_data_versions
from readiness.facts.inputs.growing_prompts import GrowingPrompt, find_growing_prompts
from readiness.facts.inputs.ingestion import Ingestion, find_ingestion
from readiness.facts.inputs.input_limits import InputChannel, find_input_channels
from readiness.facts.inputs.media import MediaChannel, find_media
from readiness.facts.inputs.requests import RequestEntry, find_requests
from readiness.facts.inputs.screening import ScreenedEntry, find_screening
from readiness.facts.inputs.untrusted_text import MixedText, find_mixed_texts
from readiness.facts.kind import find_gates, kinds_of
from readiness.facts.linking.entry_points import EntryPoint
from readiness.facts.linking.importable import Problem
from readiness.facts.operations.operations import Operations, find_operations
from readiness.facts.outbound.outbound import Outbound, find_outbound
from readiness.facts.packages.dependencies import Dependencies
from readiness.facts.privacy.logged import LoggedText, find_logged
from readiness.facts.privacy.masking import SendingEntry, find_sending
from readiness.facts.prompts.binding import PromptBinding, find_prompt_binding
from readiness.facts.prompts.instructions import InstructedCall, find_instructed_calls
from readiness.facts.prompts.prompts import Prompts, find_prompts
from readiness.facts.records.records import Records, find_records
from readiness.facts.rendering.rendered import Rendering, find_rendering
from readiness.facts.scale.async_entries import AsyncEntry, find_async_entries
from readiness.facts.scale.caches import ResponseCache, find_caches
from readiness.facts.scale.fan_outs import FanOut, find_fan_outs
from readiness.facts.scale.hosting import SelfHosting, find_self_hosting
from readiness.facts.scale.limits import LimitedEntry, find_limited
from readiness.facts.scale.spending import Spending, find_spending
from readiness.facts.tools.reach_of_tools import OpenTool, find_open_tools
from readiness.facts.tools.toolbox import RiskyTool, find_tools
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
    model_uses: list[ModelUse]
    """Which models of others they ask, and how long these will still answer."""
    sampled_calls: list[SampledCall]
    """Those of them that set a sampling control, and which ones narrow the draw."""
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
    prompt_binding: PromptBinding
    """Where it is written down which prompt goes with which model."""
    instructed_calls: list[InstructedCall]
    """The chat calls of serving code, and what tells the model what it is for."""
    records: Records
    """What is kept of each call: traces, token counts, records of decisions, users' judgements."""
    operations: Operations
    """What operators have of the service: metrics, logs, alerts, promises, runbooks."""
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
    controls: Controls
    """What people can do about an answer, and how the model is switched off."""
    rendering: Rendering
    """Whether code of the repository shows answers on a page, and where it takes text as markup."""
    risky_tools: list[RiskyTool]
    """The tools of agents that change something outside the program, and who is asked before they run."""
    open_tools: list[OpenTool]
    """The tools and switches by which a model reaches further than one narrow job."""
    parsed_calls: list[ParsedCall]
    """The requests whose answers code reads, and what the API holds the model to."""
    model_parses: list[ModelParse]
    """The requests whose answers become data, whether it is held to a shape, and what happens where it does not fit."""
    tool_schemas: list[ToolSchema]
    """The tools that serving code defines, as a model sees them."""
    seam: Seam
    """How many modules build the models that write text, and where the models' ids stand."""
    endings: list[Ending]
    """The calls that write text, and what is noticed of why each answer ended."""
    answers: list[Answer]
    """The entry points that answer with a generative model, and what checks the answer on its way out."""
    requests: list[RequestEntry]
    """The entry points that reach a model, with what they are given and who checks its shape."""
    logged_texts: list[LoggedText]
    """Where prompts, answers and texts of people are written to logs, to the output, or to a service for traces."""
    sending_entries: list[SendingEntry]
    """The entry points by which texts of people reach a model that others run, and what masks them on the way."""
    input_channels: list[InputChannel]
    """The ways text, lists and files come into them, and what bounds their size."""
    growing_prompts: list[GrowingPrompt]
    """The generative calls whose prompts grow with use, and what bounds them."""
    media_channels: list[MediaChannel]
    """The ways by which files, images and sound come in and reach a model."""
    mixed_texts: list[MixedText]
    """The places where text of others stands among the instructions for a model."""
    screened_entries: list[ScreenedEntry]
    """The entry points that ask a generative model, and what looks for attacks in the text that comes in."""
    data_versions: DataVersions
    """The data that the team itself loads, and what tells one version of it from another."""
    ingestion: Ingestion
    """The code that loads, indexes or trains, and what looks at the data there."""
    outbound: Outbound
    """The clients of other systems, and how long they wait."""
    health: Health
    """The routes by which the service tells how it is, and who asks."""
    notebooks: Notebooks
    """The notebooks, and what of production hangs on one."""
    rollback: Rollback
    """How a model, a prompt or a release is gone back on."""
    scaling: Scaling
    """How many copies of the service run, and what bounds each."""
    model_cards: tuple[ModelCard, ...]
    """What the repository's own model or system cards say."""
    fairness: Fairness
    """Whether people meet the system, and what measures how groups of them fare."""
    retrieval: Retrieval
    """The searches in documents, and what keeps them in bounds."""
    disclosures: tuple[Disclosure, ...]
    """Where people are told that an AI answers."""
    risks: RiskRecord
    """The risks that are written down, and what is promised about data, law and provider beside them."""
    artefacts: list[Artefact]
    """The models and pickled indexes that serving code and its images load or fetch."""
    doors: list[Door]
    """The entry points that reach a model, and who asks there who is calling."""
    secrets: tuple[Secret, ...]
    ownership: tuple[Ownership, ...]
    golden: Golden
    """The evaluation sets: inputs with what is expected of them."""
    edge_cases: EdgeCases
    """The cases among them that are no ordinary ones."""
    evals: Evals
    """The evaluation suites, their gates, and their runs in CI."""
    prompt_triggers: PromptTriggers
    """The files with prompts and the model's name, and whether their change starts an evaluation."""
    retrieval_evals: RetrievalEvals
    """What among them measures what a search finds."""
    hostile_tests: HostileTests
    """The tests that send what nobody should send, and the red teams."""
    fake_tests: FakeTests
    """The tests that reach a model call with a stand-in for the model."""
    async_entries: list[AsyncEntry]
    """The entry points that reach a model: what blocks their event loop, which clients each request builds again."""
    failure_tests: FailureTests
    """The tests that make a model, or what it depends on, fail."""
    contracts: tuple[Contract, ...]
    """The routes that answer programs with what a model made: what they promise, and who reads it."""
    load_tests: tuple[LoadTest, ...]
    """What puts load on the service."""
    limited_entries: list[LimitedEntry]
    """The entry points that reach a model, and what refuses a caller who comes too often."""
    spending: Spending
    """The paid calls of serving code, and what bounds the bill."""
    response_caches: list[ResponseCache]
    """What remembers answers on the way from an entry point to a model, the best first."""
    fan_outs: list[FanOut]
    """Where serving code starts model calls together, and what bounds how many."""
    self_hosting: SelfHosting
    """The models that the team serves itself, what bounds and what measures them."""
    as_of: date | None
    """The day to judge on; None where the repository has no history and none was given."""


def gather(core: Core, as_of: date | None) -> Facts:
    """All facts of a linked program. `as_of` is the day that dated facts are judged on."""
    serving = [c for c in core.calls if c.role is Role.SERVING and c.inside is None and not c.is_probe]
    entry_points = [e for e in core.entry_points if e.is_network and e.unit.module.role is Role.SERVING]
    flows = find_flows(core)
    ingestion = find_ingestion(core)
    found = find_gates(core)
    tools = find_tools(core, flows.taint, found.agent)
    gates = replace(found, risk=bool(tools.risky), parse=flows.parses, data=found.data or bool(ingestion.entries))
    tests = CollectedTests(core)
    evals = find_evals(core, tests)
    golden = find_golden(core, evals)
    prompts = find_prompts(core)
    remote = [c for c in serving if c.remote and c.kind != "predict"]
    failures = find_call_failures(core, (c for c in serving if c.kind != "predict"))
    requests = find_requests(core)
    channels = find_input_channels(requests)
    instructed = find_instructed_calls(core, [c for c in serving if c.generates])
    health = find_health(core)
    records = find_records(core, [c for c in serving if c.generates])
    return Facts(
        gates=gates,
        kinds=kinds_of(core, gates),
        problems=tuple(core.imports.problems),
        calls=core.calls,
        serving_calls=serving,
        generating_calls=[c for c in serving if c.generates],
        remote_calls=remote,
        model_uses=find_model_uses(core, serving, as_of),
        sampled_calls=find_sampled_calls(core, [c for c in serving if c.generates]),
        wrapped_calls=[c for c in core.wrapped if c.role is Role.SERVING],
        entry_points=entry_points,
        ci=core.ci,
        dependencies=core.dependencies,
        deployment=core.deployment,
        prompts=prompts,
        prompt_binding=find_prompt_binding(core, prompts, records),
        instructed_calls=instructed,
        mixed_texts=find_mixed_texts(requests, instructed),
        records=records,
        operations=find_operations(core, records, evals),
        call_failures=[f for f in failures if f.call.remote],
        retry_plans=find_retry_plans(core, remote),
        llm_entries=find_llm_entries(core, entry_points, failures),
        agent_loops=find_agent_loops(core, serving),
        text_flows=flows.reads,
        executions=flows.executions,
        controls=find_controls(core, [c for c in serving if c.generates], records.feedback, found.chat),
        rendering=find_rendering(core, flows.taint, found.llm),
        risky_tools=tools.risky,
        open_tools=find_open_tools(tools, flows.executions),
        parsed_calls=flows.calls,
        model_parses=find_parses(core, flows.calls, failures),
        tool_schemas=find_tool_schemas(core, flows.taint.sources if flows.taint is not None else None)
        if gates.agent
        else [],
        seam=find_seam(core, (c for c in serving if c.generates)),
        endings=find_endings(core, (c for c in serving if c.generates), flows.taint),
        answers=find_answers(core, flows),
        requests=requests.entries,
        logged_texts=find_logged(core, requests, flows.taint, records.tracings, found.llm or found.embed),
        sending_entries=find_sending(requests, channels, flows.taint),
        input_channels=channels,
        growing_prompts=find_growing_prompts(requests, channels, [c for c in serving if c.generates]),
        media_channels=find_media(core, channels),
        screened_entries=find_screening(requests, flows.taint),
        data_versions=find_data_versions(core, ingestion),
        ingestion=ingestion,
        outbound=find_outbound(core),
        health=health,
        model_cards=find_model_cards(core, as_of),
        fairness=find_fairness(core, gates, evals),
        retrieval=find_retrieval(core),
        disclosures=find_disclosures(core),
        risks=find_risk_record(core),
        artefacts=find_artefacts(core),
        doors=find_doors(core, requests.entries, {route.place for route in health.routes}),
        notebooks=find_notebooks(core),
        rollback=find_rollback(core, serving, prompts),
        scaling=find_scaling(core),
        secrets=find_secrets(core.observations, core.program, core.deployment.compose),
        ownership=find_ownership(core.observations, core.repository.name),
        golden=golden,
        edge_cases=find_edge_cases(core, golden, evals),
        evals=evals,
        prompt_triggers=find_prompt_triggers(core, evals, prompts, serving),
        retrieval_evals=find_retrieval_evals(core, evals, golden),
        hostile_tests=find_hostile_tests(core, tests),
        fake_tests=find_fakes(core, tests),
        async_entries=find_async_entries(core, requests.entries),
        failure_tests=find_failure_tests(core, tests),
        contracts=find_contracts(core, requests.entries, tests),
        load_tests=find_load_tests(core, requests.entries),
        limited_entries=find_limited(core, requests.entries),
        spending=find_spending(core, requests.entries),
        response_caches=find_caches(core, requests.entries),
        fan_outs=find_fan_outs(core),
        self_hosting=find_self_hosting(core),
        as_of=as_of,
    )
