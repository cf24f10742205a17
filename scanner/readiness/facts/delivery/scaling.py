"""How many copies of the service run, how large each may grow, and whether a second copy would work at all."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.delivery.ci_step import scalar
from readiness.facts.delivery.commands import Command, commands_in
from readiness.facts.delivery.compose import ComposeService
from readiness.facts.delivery.containers import SIDE_CARS, instruction_commands
from readiness.facts.delivery.image_command import scripts_of
from readiness.facts.delivery.runners import expand
from readiness.facts.delivery.scaling_files import Declared, declared_in_files
from readiness.facts.delivery.scaling_knowledge import load_scaling
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External
from readiness.facts.place import Evidence, Place
from readiness.repository.tree import Role

_RUNNING = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "Rollout", "Service", "Helm values"})
_INFRA = re.compile(r"infra|deploy|gitops|manifest|helm|k8s|kube|argo|chart|terraform", re.I)
_ELSEWHERE = re.compile(
    r"\b(?:infrastructure|deployments?|helm charts?|terraform|kubernetes manifests?|manifests)\b[^.]{0,80}"
    r"\b(?:separate|another|different|dedicated|own|infra\w*|gitops|ops)\b[^.]{0,40}\brepo(?:sitory)?\b",
    re.I,
)
_ADDING = frozenset({"append", "extend", "setdefault", "update", "insert"})


@dataclass(frozen=True, slots=True)
class Scaling:
    """What the deployment declares.

    `autoscaling` lets copies come and go, `limits` bound a copy, `weak` is less than either: workers, a number of
    copies, an autoscaler that cannot work. `state` is kept in one process and lost to its siblings. `elsewhere` says
    that the infrastructure stands in another repository.
    """

    autoscaling: tuple[Declared, ...] = ()
    limits: tuple[Declared, ...] = ()
    weak: tuple[Declared, ...] = ()
    state: tuple[Evidence, ...] = ()
    elsewhere: tuple[Evidence, ...] = ()

    @property
    def complete(self) -> tuple[Declared, ...]:
        """Autoscaling and limits together, where copies share no memory; else nothing."""
        return (*self.autoscaling, *self.limits) if self.autoscaling and self.limits and not self.state else ()

    @property
    def some(self) -> tuple[Declared, ...]:
        """Everything declared."""
        return (*self.autoscaling, *self.limits, *self.weak)


def find_scaling(core: Core) -> Scaling:
    """What a linked program's deployment declares about copies and their size."""
    return _Finder(core).find()


class _Finder:
    def __init__(self, core: Core) -> None:
        self._core, self._knowledge = core, load_scaling()
        self._observations, self._deployment = core.observations, core.deployment

    def find(self) -> Scaling:
        found = [*declared_in_files(self._observations, self._knowledge), *self._workloads(), *self._compose()]
        found += [*self._started(), *self._workers(), *self._by_code(), *self._decorated()]
        distinct = sorted(set(found), key=lambda d: (d.place, d.text))
        scales = [d for d in distinct if d.how == "scales"]
        bounds = [d for d in distinct if d.how == "bounds"]
        state = tuple(self._state()) if scales and bounds else ()
        weak = tuple(d for d in distinct if d.how == "weak")
        return Scaling(tuple(scales), tuple(bounds), weak, state, () if distinct else tuple(self._elsewhere()))

    def _workloads(self) -> Iterator[Declared]:
        for workload in self._deployment.workloads:
            if workload.kind not in _RUNNING or workload.image.name.rsplit("/", 1)[-1] in SIDE_CARS:
                continue
            limits = workload.resources.get("limits") if workload.resources is not None else None
            if limits is not None and isinstance(limits.value, dict) and limits.value:
                place = Place(workload.place.path, limits.line, limits.end_line)
                yield Declared(place, f"limits of {workload.text}", "bounds")
        for path, documents in self._observations.documents.items():
            for document in documents if any(w.place.path == path for w in self._deployment.workloads) else ():
                replicas = document.get("spec", "replicas") or document.get("replicaCount")
                if replicas is not None and isinstance(replicas.value, int) and replicas.value > 1:
                    yield Declared(Place(path, replicas.line, replicas.line), f"{replicas.value} replicas", "weak")

    def _compose(self) -> Iterator[Declared]:
        for service in self._deployment.compose:
            if service.is_local or not _is_own(service):
                continue
            document = self._observations.document(service.path)
            written = document.get("services", service.name) if document is not None else None
            if written is None:
                continue
            limits = written.get("mem_limit") or written.get("cpus") or written.get("deploy", "resources", "limits")
            replicas = written.get("deploy", "replicas") or written.get("scale")
            if limits is not None:
                yield Declared(Place(service.path, limits.line, limits.end_line), f"limits of {service.text}", "weak")
            if replicas is not None and scalar(replicas) not in ("0", "1"):
                yield Declared(Place(service.path, replicas.line, replicas.line), f"copies of {service.text}", "weak")

    def _started(self) -> Iterator[Declared]:
        """Commands of CI that start copies on a platform."""
        for _, command in self._core.ci.commands:
            for known in self._knowledge.commands:
                if (command.program, *command.arguments)[: len(known.words)] != known.words:
                    continue
                for option in known.scales:
                    if command.option(option) is not None:
                        yield Declared(command.place, f"{' '.join(known.words)} {option}", "scales")
                        yield Declared(command.place, "the platform's limits of a copy", "bounds")
                if any(command.option(option) is not None for option in known.limits):
                    yield Declared(command.place, f"{' '.join(known.words)} with limits", "bounds")

    # -- workers -----------------------------------------------------------------------------------------------

    def _workers(self) -> Iterator[Declared]:
        for command in self._starting():
            options = self._knowledge.workers.get(command.program)
            if options is None:
                continue
            count = command.option(*options)
            if count is not None and _is_many(self._filled(count, command)):
                yield Declared(command.place, f"{count} workers of {command.program}", "weak")
            if command.program == "gunicorn":
                yield from self._gunicorn_file(command)

    def _starting(self) -> Iterator[Command]:
        for report in self._deployment.images:
            yield from expand(self._observations, scripts_of(self._observations, report.image))
        for path, dockerfile in self._observations.dockerfiles.items():  # other stages are images of their own
            for stage in dockerfile.stages if self._observations.files[path].role is Role.SERVING else ():
                for instruction in stage.instructions:
                    if instruction.name in ("CMD", "ENTRYPOINT"):
                        yield from instruction_commands(path, instruction)
        for service in self._deployment.compose:
            if not service.is_local:
                yield from (*service.entrypoint, *service.command)
        for platform in self._deployment.platforms:
            if platform.kind == "procfile":
                path = platform.place.path
                for number, line in enumerate(self._observations.sources.get(path, "").split("\n"), start=1):
                    yield from commands_in(line.partition(":")[2], path, number)

    def _filled(self, count: str, command: Command) -> str:
        """A number of workers; where it is a variable, the image's own value for it."""
        match = re.fullmatch(r"\$\{?(\w+)\}?", count.strip("'\""))
        if match is None:
            return count
        text = self._observations.sources.get(command.place.path, "")
        given = re.findall(rf"^[ \t]*(?:ENV|ARG)[ \t]+{re.escape(match.group(1))}[= \t]+(\d+)[ \t]*$", text, re.M)
        return given[-1] if given else count

    def _gunicorn_file(self, command: Command) -> Iterator[Declared]:
        """`workers = …` in the configuration file that gunicorn is started with."""
        name = posixpath.basename(command.option("-c", "--config") or "gunicorn.conf.py")
        for info in self._core.program.modules.values():
            if posixpath.basename(info.path) == name:
                for binding in info.body.bindings.get("workers", ()):
                    alone = isinstance(binding.value, code.Constant) and binding.value.value in (0, 1, None)
                    if binding.value is not None and not alone:
                        place = Place(info.path, binding.line, binding.line)
                        yield Declared(place, "workers of gunicorn", "weak")

    def _by_code(self) -> Iterator[Declared]:
        """`uvicorn.run(app, workers=4)`."""
        for call, unit in self._core.program.calls_by_name.get("run", ()):
            given = call.keyword("workers")
            if given is None or unit.module.role is not Role.SERVING:
                continue
            count = self._core.resolver.constant(given, unit)
            if isinstance(count, int) and count > 1:
                yield Declared(unit.at(call), f"{count} workers", "weak")

    def _decorated(self) -> Iterator[Declared]:
        """`@app.function(max_containers=4)`, `@serve.deployment(autoscaling_config=…)`."""
        program = self._core.program
        functions = ((d, u.parent or u) for u in program.units if u.function for d in u.function.decorators)
        classes = ((d, info.unit) for info in program.classes for d in info.node.decorators)
        for decorator, unit in (*functions, *classes):
            if not isinstance(decorator, code.Call) or unit.module.role is not Role.SERVING:
                continue
            values = self._core.resolver.values(decorator.function, unit)[:3]
            paths = [v.path for v in values if isinstance(v, External)]
            for known in self._knowledge.in_code:
                if not any(path in known.symbols for path in paths):
                    continue
                name = last_name(decorator.function)
                for word in (w for w in known.scales if decorator.keyword(w) is not None):
                    yield Declared(unit.at(decorator), f"{name}({word}=…)", "scales")
                    if known.bounded:
                        yield Declared(unit.at(decorator), "the platform's limits of a copy", "bounds")
                for word in (w for w in known.limits if decorator.keyword(w) is not None):
                    yield Declared(unit.at(decorator), f"{name}({word}=…)", "bounds")

    # -- what several copies would not share -------------------------------------------------------------------

    def _state(self) -> Iterator[Evidence]:
        """Conversations kept in the memory of a process that entry points run in."""
        for unit in self._core.reached:
            if unit.module.role is not Role.SERVING:
                continue
            for call in unit.calls:
                if isinstance(call.function, code.Member | code.Name) and self._is_memory(call, unit):
                    yield Evidence(unit.at(call), f"{last_name(call.function)}() lives in one process")
            for name, node in _added_to(unit):
                if self._is_conversation(name, unit):
                    yield Evidence(unit.at(node), f"`{name}` lives in one process")

    def _is_memory(self, call: code.Call, unit: Unit) -> bool:
        name = last_name(call.function)
        return name[:1].isupper() and any(
            isinstance(v, External) and v.path in self._knowledge.memories
            for v in self._core.resolver.values(call.function, unit)[:3]
        )

    def _is_conversation(self, name: str, unit: Unit) -> bool:
        if not self._knowledge.conversations & set(name.lower().strip("_").split("_")):
            return False
        if name in unit.bindings and name not in unit.globals:
            return False
        bindings = unit.module.body.bindings.get(name, ())
        return any(isinstance(b.value, code.Mapping | code.Sequence | code.Call) for b in bindings)

    # -- elsewhere ---------------------------------------------------------------------------------------------

    def _elsewhere(self) -> Iterator[Evidence]:
        for step in self._core.ci.steps:
            named = next((value for name, value in step.inputs if name == "repository"), "")
            if step.runs and (step.uses or "").startswith("actions/checkout") and _INFRA.search(named):
                yield Evidence(step.place, f"the deployment stands in {named}")
        for path in self._observations.markdown:
            for number, line in enumerate(self._observations.sources.get(path, "").split("\n"), start=1):
                if "repo" in line and len(line) < 1_000 and _ELSEWHERE.search(line):
                    yield Evidence(Place(path, number, number), line.strip()[:120])


def _is_own(service: ComposeService) -> bool:
    return service.build is not None or (
        service.image is not None and service.image.name.rsplit("/", 1)[-1] not in SIDE_CARS
    )


def _is_many(count: str) -> bool:
    match = re.fullmatch(r"\$\{\w+:?-(\d+)\}|(\d+)", count.strip("'\""))
    if match is None:
        return "$" in count
    return int((match.group(1) or match.group(2))[:6]) > 1


def _added_to(unit: Unit) -> Iterable[tuple[str, code.Expression]]:
    """The plain names into whose containers a unit puts something."""
    for container, key, _ in unit.stores:
        if isinstance(container, code.Name):
            yield container.id, key
    for call in unit.calls:
        if isinstance(call.function, code.Member) and call.function.name in _ADDING:
            base = call.function.base
            while isinstance(base, code.Index | code.Call):
                base = base.base if isinstance(base, code.Index) else base.function
            if isinstance(base, code.Name):
                yield base.id, call
