"""The linked program and what every family of facts is found with."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from readiness.extract.observations import Observations
from readiness.facts.calls.answering import settle_agents
from readiness.facts.calls.arguments import Arguments
from readiness.facts.calls.call_sites import CallSites
from readiness.facts.calls.gateways import see_through_gateways
from readiness.facts.calls.knobs import Knobs
from readiness.facts.calls.mixed_in import find_children
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.calls.probes import mark_probes
from readiness.facts.calls.served_graphs import served_graphs
from readiness.facts.calls.shared_models import apply_shared_models
from readiness.facts.calls.wrappers import find_wrapped
from readiness.facts.delivery.ci import Ci, find_ci
from readiness.facts.delivery.deployment import Deployment, find_deployment
from readiness.facts.linking.configured import Configured
from readiness.facts.linking.entry_points import EntryPoint, EntryPoints
from readiness.facts.linking.graph import CallGraph
from readiness.facts.linking.importable import Imports
from readiness.facts.linking.program import Program
from readiness.facts.linking.resolve import Resolver
from readiness.facts.linking.roles import refine_roles
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.web import WebKnowledge
from readiness.facts.packages.dependencies import Dependencies, dependencies
from readiness.facts.packages.installs import InstallCommand
from readiness.facts.packages.manifests import declared
from readiness.facts.place import Place
from readiness.facts.sdks.knowledge import Knowledge
from readiness.repository.tree import Repository, Role


@dataclass(eq=False)
class Core:
    """Everything linked: who calls whom, where the world comes in, which models are asked and how.

    `reached` maps each unit that an entry point runs to its hops from there; `started` also counts commands and jobs.
    """

    repository: Repository
    observations: Observations
    knowledge: Knowledge
    program: Program
    resolver: Resolver
    graph: CallGraph
    arguments: Arguments
    entry_points: list[EntryPoint]
    calls: list[ModelCall]
    wrapped: list[ModelCall]
    """Calls of project wrappers around a generative call: sites for what the caller passes and does with the answer."""
    imports: Imports
    dependencies: Dependencies
    ci: Ci
    deployment: Deployment
    demo: bool
    reached: dict[Unit, int]
    started: dict[Unit, int]
    _reached_from: dict[EntryPoint, dict[Unit, int]] = field(default_factory=dict)

    def reached_from(self, entry: EntryPoint) -> dict[Unit, int]:
        """The units one entry point runs, with their hops."""
        known = self._reached_from.get(entry)
        if known is None:
            known = self._reached_from[entry] = self.graph.reach(entry.units)
        return known

    def serving_units(self) -> list[Unit]:
        """The units of serving code."""
        return [u for u in self.program.units if u.module.role is Role.SERVING]


def link(repository: Repository, observations: Observations, knowledge: Knowledge, web: WebKnowledge) -> Core:
    """Link what was read file by file into one program."""
    names = knowledge.import_names(item.name for item in declared(observations))
    program = Program(((module, observations.files[path].role) for path, module in observations.modules.items()), names)
    resolver = Resolver(program, knowledge, Configured(observations))
    graph = CallGraph(program, resolver, web.applications)
    entry_points = EntryPoints(program, resolver, web, observations).find()
    demo = refine_roles(program, observations, entry_points)
    ci = find_ci(observations, _importing(program, knowledge.import_roots))
    deployment = find_deployment(observations, ci)
    installed = dependencies(observations, _install_commands(observations, deployment))
    knobs = Knobs(resolver, knowledge, installed)
    served = served_graphs(entry_points, resolver, knowledge, knobs)
    calls = CallSites(program, resolver, graph, knowledge, knobs).find(served)
    shared = apply_shared_models(calls, program, resolver, knobs, knowledge)
    calls = [c for c in calls if c.is_invocation or c.call not in shared]
    see_through_gateways(calls, observations, knowledge)
    find_children(calls, resolver, knowledge, knobs)
    mark_probes(calls)
    settle_agents(calls, graph)
    wrapped = find_wrapped(calls, graph, resolver)
    imports = Imports(program, resolver, {e.unit.module.path for e in entry_points if _builds(e)})
    network = [e for e in entry_points if e.is_network and e.unit.module.role is Role.SERVING]
    commands = [e for e in entry_points if not e.is_network and e.unit.module.role is Role.SERVING]
    reached = graph.reach(u for e in network for u in e.units if imports.importable(u))
    running = [e for e in network if e.framework != "langgraph"]  # what a graph's module does is to build it
    _run_on_their_own(calls, graph, [u for e in running for u in e.units if imports.importable(u)])
    started = graph.reach([*reached, *(u for e in commands for u in e.units)])
    core = Core(repository, observations, knowledge, program, resolver, graph, knobs.arguments, entry_points, calls,
                wrapped, imports, installed, ci, deployment, demo, reached, started)  # fmt: skip
    _reach(core)
    return core


def _importing(program: Program, packages: frozenset[str]) -> frozenset[str]:
    """The serving modules that import one of these packages."""
    return frozenset(
        unit.module.path
        for unit in program.units
        if unit.module.role is Role.SERVING
        and any(statement.module.partition(".")[0] in packages for statement in unit.imports.values())
    )


_BUILDPACK = (
    ("requirements.txt", "pip install -r requirements.txt"),
    ("Pipfile.lock", "pipenv sync"),
    ("poetry.lock", "poetry sync"),
    ("uv.lock", "uv sync --locked"),
)
"""What the platform that reads a Procfile installs from: the first of these files beside it."""


_STANDS_ALONE = frozenset({"--no-project", "--no-sync", "--script"})
"""Options with which `uv run` installs nothing of the project."""


def _install_commands(observations: Observations, deployment: Deployment) -> Iterator[InstallCommand]:
    """The shell text of images, CI and documents in which dependencies may be installed."""
    for place, where, command in deployment.installs:
        # `uv run` installs from its lock before it runs anything, so it stays in front of the words.
        syncs = "uv run" in command.wrappers and not _STANDS_ALONE & set(command.text.split())
        words = ("uv", "run", *command.words) if syncs else command.words
        yield InstallCommand(place, "image" if where == "image" else "ci", shlex.join(words), command.directory)
    for platform in deployment.platforms if not deployment.images else ():
        if platform.kind == "procfile":
            folder = platform.place.path.rpartition("/")[0]
            for file, install in _BUILDPACK:
                if f"{folder}/{file}".lstrip("/") in observations.files:
                    yield InstallCommand(platform.place, "image", install, folder)
                    break
    for path, markdown in observations.markdown.items():
        for fence in markdown.fences:
            if fence.language in ("", "bash", "sh", "shell", "console", "zsh"):
                yield InstallCommand(Place(path, fence.line, fence.end_line), "docs", fence.text)


def _builds(entry: EntryPoint) -> bool:
    """Whether an entry point's module also constructs the application: judged as if broken imports were absent."""
    applications = [
        c for c in entry.app if not last_name(c.function).endswith(("Router", "Blueprint", "RouteTableDef"))
    ]
    return any(call in entry.unit.module.body.calls for call in applications) and entry.kind in ("http", "ui")


def _is_excluded(core: Core, call: ModelCall) -> bool:
    """Whether the requirements exclude the releases of the SDK that have the API called."""
    versions = call.sdk.versions
    if not versions:
        return False
    installed = core.dependencies.version_of(call.sdk.distribution)
    return installed.declared and installed.admits(versions) is False


def _run_on_their_own(calls: list[ModelCall], graph: CallGraph, starts: list[Unit]) -> None:
    """A call that a graph's nodes share with the rest of the service is a site of its own where that runs it."""
    for agent in [c for c in calls if c.is_agent]:
        nodes = frozenset(n for step in agent.value.steps for n in graph.registered.get(step.call, ()))
        inner = [
            c for c in calls if c.inside is agent and c.is_invocation and not c.is_agent and c.runs is not agent.runs
        ]
        outside = graph.reach((u for u in starts if u not in nodes), nodes) if nodes and inner else {}
        for call in inner:
            if call.unit in outside:
                call.inside = None


def _run_by_the_service(call: ModelCall, reached: dict[Unit, int]) -> None:
    """An agent that the service runs is shown where it does, not in a trial run below `if __name__ == "__main__"`."""
    served = [(node, unit) for node, unit in call.runs if unit in reached]
    if call.is_agent and served and call.unit not in reached:
        call.runs = served
        call.call, call.unit = served[0]
        call.place = call.unit.at(call.call)


def _reach(core: Core) -> None:
    """Tell every call whether an entry point runs it, and whether its code can be imported at all."""
    for call in (*core.calls, *core.wrapped):
        for site in (call, *call.variants, *call.children):
            site.importable = core.imports.importable(call.unit) and not _is_excluded(core, site)
            site.reachable = site.importable and any(unit in core.started for _, unit in call.runs)
        _run_by_the_service(call, core.reached)
    workers = {u for e in core.entry_points if e.kind in ("queue", "job", "cli") for u in core.reached_from(e)}
    for call in (*core.calls, *core.wrapped):
        for site in (call, *call.variants):
            site.in_worker = call.unit in workers and call.unit not in core.reached
