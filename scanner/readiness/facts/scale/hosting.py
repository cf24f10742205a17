"""Models that the team serves itself: which, what bounds them, and what measures them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.delivery.ci_step import scalar
from readiness.facts.delivery.compose import ComposeService
from readiness.facts.delivery.kubernetes import Workload
from readiness.facts.linking.units import Unit
from readiness.facts.linking.values import External
from readiness.facts.place import Evidence, Place
from readiness.facts.scale.knowledge import ScaleKnowledge, load_scale, paths_of
from readiness.repository.tree import Role


@dataclass(frozen=True, slots=True)
class SelfHosting:
    """What is hosted; each kind of bound once, under the name of the setting; and where it is measured."""

    models: tuple[Evidence, ...]
    bounds: tuple[Evidence, ...]
    metrics: tuple[Evidence, ...]


def find_self_hosting(core: Core) -> SelfHosting:
    """Neural and generative models in process, and inference servers that this repository deploys."""
    finder = _Finder(core, load_scale())
    models = [*finder.in_process(), *finder.servers()]
    if not models:
        return SelfHosting((), (), ())
    bounds: dict[str, Evidence] = {}
    for found in (*finder.bounds_in_code(), *finder.bounds_of_servers()):
        bounds.setdefault(found.text.partition("=")[0].lstrip("-").lower().replace("-", "_"), found)
    return SelfHosting(tuple(sorted(models)), tuple(sorted(bounds.values())), tuple(sorted(finder.metrics())))


class _Finder:
    def __init__(self, core: Core, known: ScaleKnowledge) -> None:
        self._core, self._known = core, known
        self._units: dict[Unit, None] = {}
        self._calls: list[tuple[code.Call, Unit]] = []

    def in_process(self) -> Iterator[Evidence]:
        """The calls of neural models in the service's own process, those that another setting selects included."""
        for call in self._core.calls:
            if call.role is not Role.SERVING or call.is_probe or not call.importable:
                continue
            for site in (call, *call.variants):
                if site.sdk.in_process and site.sdk.name not in self._known.tabular:
                    yield Evidence(site.place, site.name)
                    for node, unit in (*site.runs, *((s.call, s.unit) for s in site.value.steps)):
                        self._units[unit] = None
                        self._calls.append((node, unit))
                    break

    def servers(self) -> Iterator[Evidence]:
        """Containers whose image serves models."""
        for service in self._services():
            yield Evidence(service.place, f"{service.text}: {service.image.name if service.image else ''}")

    def _services(self) -> list[ComposeService | Workload]:
        deployed: list[ComposeService | Workload] = [*self._core.deployment.compose, *self._core.deployment.workloads]
        return [s for s in deployed if s.image is not None and _last(s.image.name) in self._known.server_images]

    def bounds_in_code(self) -> Iterator[Evidence]:
        """Arguments of models in process, and calls beside them, that bound what they take."""
        for node, unit in (*self._calls, *self._options()):
            for keyword in node.keywords:
                given = keyword.name in self._known.hosting_arguments
                if given and not (isinstance(keyword.value, code.Constant) and keyword.value.value is None):
                    yield Evidence(unit.at(keyword), str(keyword.name))
        yield from self._beside()
        for unit in self._units:
            for block in (*unit.body, *unit.parents):
                for context, _ in block.items if isinstance(block, code.With) else ():
                    if any(p in self._known.gates for p in paths_of(context, unit, self._core.resolver)):
                        yield Evidence(unit.at(context), "a lock around the call")

    def _options(self) -> Iterator[tuple[code.Call, Unit]]:
        """The constructors of what the calls are given: `from_engine_args(AsyncEngineArgs(max_model_len=4096))`."""
        for node, unit in self._calls:
            for given in (*node.arguments, *(k.value for k in node.keywords)):
                for value in self._core.resolver.values(given, unit):
                    steps = value.steps[-1:] if isinstance(value, External) else ()
                    yield from ((step.call, step.unit) for step in steps)

    def _beside(self) -> Iterator[Evidence]:
        """Calls and decorators of the functions that ask the models, of their modules and of their callers."""
        around = dict.fromkeys((*self._units, *(u.module.body for u in self._units)))
        callers = {e.unit for u in self._units for e in self._core.graph.callers.get(u, ())}
        for unit in (*around, *(u for u in callers if u not in around and u.module.role is Role.SERVING)):
            function = unit.function.decorators if unit.function is not None else []
            for decorator in function:
                yield from self._named(decorator, unit.parent or unit.module.body, unit)
            for call in unit.calls:
                if isinstance(call.function, code.Name | code.Member):
                    yield from self._named(call.function, unit, unit)
                    for path in paths_of(call.function, unit, self._core.resolver):
                        counted = [k for k in call.keywords if k.name in self._known.worker_counts]
                        if path in self._known.worker_pools and (counted or call.arguments):
                            yield Evidence(unit.at(call), "a pool of so many workers")

    def _named(self, expression: code.Expression, scope: Unit, unit: Unit) -> Iterator[Evidence]:
        for path in paths_of(expression, scope, self._core.resolver):
            if path in self._known.hosting_calls:
                yield Evidence(unit.at(expression), path.replace("()", ""))

    def bounds_of_servers(self) -> Iterator[Evidence]:
        """Options, variables and limits of the containers that serve models."""
        for service in self._services():
            for word in _words(service):
                option = word.partition("=")[0]
                if option in self._known.hosting_options:
                    yield Evidence(service.place, option)
            for name, place in _variables(service):
                if name in self._known.hosting_variables:
                    yield Evidence(place, name)
            resources = service.resources
            if resources is not None and (
                resources.get("limits") is not None or resources.get("reservations") is not None
            ):
                where = Place(service.place.path, resources.line, resources.end_line)
                yield Evidence(where, "limits of the container")

    def metrics(self) -> Iterator[Evidence]:
        """Where the service or its servers are measured."""
        for unit in self._core.serving_units():
            for call in unit.calls:
                if isinstance(call.function, code.Name | code.Member):
                    path = next(iter(paths_of(call.function, unit, self._core.resolver)), "")
                    if path in self._known.metrics:
                        yield Evidence(unit.at(call), path.replace("()", ""))
        for path, documents in self._core.observations.documents.items():
            for document in documents if self._core.observations.files[path].role is Role.SERVING else ():
                for key, value in document.find(*self._known.scrape_keys):
                    if scalar(value) != "false":
                        yield Evidence(Place(path, value.line, value.end_line), key)


def _last(name: str) -> str:
    return name.rpartition("/")[2].partition(":")[0]


def _words(service: ComposeService | Workload) -> Iterator[str]:
    if isinstance(service, Workload):
        yield from service.command
    else:
        for command in (*service.command, *service.entrypoint):
            yield from command.words


def _variables(service: ComposeService | Workload) -> Iterator[tuple[str, Place]]:
    if isinstance(service, Workload):
        yield from ((name, service.place) for name, _ in service.environment)
    else:
        yield from ((v.name, v.place) for v in service.environment)
