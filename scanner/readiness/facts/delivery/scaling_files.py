"""What infrastructure files declare about copies and their size: Kubernetes, platforms, Terraform, Bicep, stacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.delivery.ci_step import scalar
from readiness.facts.delivery.scaling_knowledge import ScalingKnowledge
from readiness.facts.place import Place
from readiness.repository.tree import Role

_ASIDE = frozenset({Role.EXAMPLE, Role.VENDORED, Role.TEST, Role.ARCHIVED})
_RESOURCE = re.compile(r'^[ \t]*resource[ \t]+"(\w+)"[ \t]+"[\w-]+"[ \t]*\{', re.M)
_SWITCH = re.compile(r"\{\{-? *if +(?:and +)?\.Values((?:\.\w+)+)")
_CONTAINER_APP = re.compile(r"'Microsoft\.App/containerApps@")
_AZURE_AUTOSCALE = re.compile(r"'Microsoft\.Insights/autoscalesettings@", re.I)
_MAX_REPLICAS = re.compile(r"^[ \t]*maxReplicas[ \t]*:", re.M)
MAX_BLOCK = 20_000


@dataclass(frozen=True, slots=True)
class Declared:
    """One declaration: `how` is "scales" (copies come and go), "bounds" (a copy cannot grow), or "weak"."""

    place: Place
    text: str
    how: str


def declared_in_files(observations: Observations, knowledge: ScalingKnowledge) -> Iterator[Declared]:
    """Everything that infrastructure files outside examples and tests declare."""
    for path, documents in observations.documents.items():
        if observations.files[path].role in _ASIDE:
            continue
        for document in documents:
            yield from _manifest(observations, path, document)
            yield from _platform(path, document)
            yield from _stack(path, document, knowledge)
    for path, text in observations.sources.items():
        if path.endswith((".tf", ".bicep")) and observations.files[path].role not in _ASIDE:
            yield from (_terraform(path, text, knowledge) if path.endswith(".tf") else _bicep(path, text))


def _at(path: str, value: Located) -> Place:
    return Place(path, value.line, value.line)


# Kubernetes -------------------------------------------------------------------------------------------------------


def _manifest(observations: Observations, path: str, document: Located) -> Iterator[Declared]:
    kind, version = document.text("kind") or "", document.text("apiVersion") or ""
    found = document.get("kind") or document
    if kind in ("HorizontalPodAutoscaler", "ScaledObject", "VerticalPodAutoscaler") and version:
        off = _switched_off(observations, path)
        weak = off or kind == "VerticalPodAutoscaler"
        text = f"{kind}{', off by default' if off else ''}"
        yield Declared(_at(path, found), text, "weak" if weak else "scales")
    elif kind == "Service" and version.startswith("serving.knative.dev"):
        template = document.get("spec", "template") or document
        bound = next((v for k, v in template.walk() if k in (_KNATIVE_MAX, "containerConcurrency")), None)
        yield Declared(_at(path, bound or found), "Knative service", "scales" if bound is not None else "weak")
        if bound is not None:
            yield Declared(_at(path, bound), "the platform's limits of a container", "bounds")


_KNATIVE_MAX = "autoscaling.knative.dev/maxScale"


def _switched_off(observations: Observations, path: str) -> bool:
    """Whether a chart's template is left out by the chart's own values."""
    folder, inside, _ = path.rpartition("/templates/")
    values = observations.document(f"{folder}/values.yaml" if folder else "values.yaml") if inside else None
    match = _SWITCH.search(observations.sources.get(path, "")[:2_000])
    if match is None or values is None:
        return False
    return scalar(values.get(*match.group(1).split(".")[1:])) == "false"


# platforms --------------------------------------------------------------------------------------------------------


def _platform(path: str, document: Located) -> Iterator[Declared]:
    name = path.rsplit("/", 1)[-1]
    if name in ("fly.toml", "fly.production.toml"):
        yield from _fly(path, document)
    elif name in ("render.yaml", "render.yml"):
        for service in document.elements("services"):
            yield from _given(path, service, "scaling", "Render scaling", "scales")
            yield from _given(path, service, "plan", "Render plan", "bounds")
    elif name in ("app.yaml", "app.yml") and document.get("runtime") is not None:
        for key in ("automatic_scaling", "basic_scaling"):
            yield from _given(path, document, key, f"App Engine {key}", "scales")
        for key in ("resources", "instance_class"):
            yield from _given(path, document, key, f"App Engine {key}", "bounds")
    elif document.get("service", "replica_policy") is not None:
        policy = document.get("service", "replica_policy") or document
        yield from _given(path, policy, "max_replicas", "SkyPilot replicas", "scales")
        yield from _given(path, document, "resources", "resources of a SkyPilot replica", "bounds")
    elif name in ("serverless.yml", "serverless.yaml") and document.get("provider") is not None:
        reserved = next(iter(document.find("reservedConcurrency")), None)
        yield from _function(path, document, reserved[1] if reserved else None)


def _fly(path: str, document: Located) -> Iterator[Declared]:
    machine = document.get("vm", 0) or document.get("vm")
    if machine is not None:
        yield Declared(_at(path, machine), "size of a Fly machine", "bounds")
    service = document.get("http_service") or document.get("services", 0)
    start = service.get("auto_start_machines") if service is not None else None
    if service is None or start is None or scalar(start) != "true":
        return
    alone = document.get("mounts") is not None or service.get("concurrency") is None
    yield Declared(_at(path, start), "Fly starts and stops machines", "weak" if alone else "scales")


def _given(path: str, where: Located, key: str, text: str, how: str) -> Iterator[Declared]:
    found = where.get(key)
    if found is not None and found.value not in (None, "", {}):
        yield Declared(_at(path, found), text, how)


def _function(path: str, where: Located, reserved: Located | None) -> Iterator[Declared]:
    """Functions scale by themselves, and each has its memory; what bounds how many run is for the team to say."""
    if reserved is None:
        yield Declared(_at(path, where), "functions without a limit of how many run at once", "weak")
        return
    yield Declared(_at(path, reserved), "reserved concurrency of functions", "scales")
    yield Declared(_at(path, reserved), "the platform's memory limit of a function", "bounds")


def _stack(path: str, document: Located, knowledge: ScalingKnowledge) -> Iterator[Declared]:
    for _, resource in document.items("Resources"):
        kind = resource.text("Type") or ""
        if kind in knowledge.stack_autoscaling:
            yield Declared(_at(path, resource), kind, "scales")
        wanted = knowledge.stack_limits.get(kind)
        if wanted and all(any(True for _ in resource.find(key)) for key in wanted):
            yield Declared(_at(path, resource), f"{kind} with {' and '.join(wanted)}", "bounds")
        if kind in knowledge.functions:
            reserved = resource.get("Properties", "ReservedConcurrentExecutions")
            yield from _function(path, resource, reserved)


# Terraform and Bicep ----------------------------------------------------------------------------------------------


def _terraform(path: str, text: str, knowledge: ScalingKnowledge) -> Iterator[Declared]:
    starts = list(_RESOURCE.finditer(text))
    for index, match in enumerate(starts[:2_000]):
        kind = match.group(1)
        end = starts[index + 1].start() if index + 1 < len(starts) else len(text)
        block = _without_comments(text[match.end() : min(end, match.end() + MAX_BLOCK)])
        line = text.count("\n", 0, match.start()) + 1 + match.group(0).count("\n")
        place = Place(path, line, line)
        if kind in knowledge.autoscaling:
            yield Declared(place, kind, "scales")
        if any(_sets(block, name) for name in knowledge.platforms.get(kind, ())):
            yield Declared(place, kind, "scales")
            yield Declared(place, f"{kind}, the platform's limits of a copy", "bounds")
        wanted = knowledge.limits.get(kind)
        if wanted and all(_sets(block, name) for name in wanted):
            yield Declared(place, f"{kind} with {' and '.join(wanted)}", "bounds")


def _sets(block: str, name: str) -> bool:
    return re.search(rf'(?<![\w.]){re.escape(name)}"?[ \t]*[={{]', block) is not None


def _without_comments(text: str) -> str:
    return re.sub(r"^[ \t]*(?:#|//).*$", "", text, flags=re.M)


def _bicep(path: str, text: str) -> Iterator[Declared]:
    plain = _without_comments(text)
    replicas = _MAX_REPLICAS.search(plain)
    if _CONTAINER_APP.search(plain) and replicas is not None:
        line = plain.count("\n", 0, replicas.start()) + 1
        yield Declared(Place(path, line, line), "replicas of a container app", "scales")
        yield Declared(Place(path, line, line), "the platform's limits of a container", "bounds")
    elif (match := _AZURE_AUTOSCALE.search(plain)) is not None:
        line = plain.count("\n", 0, match.start()) + 1
        yield Declared(Place(path, line, line), "autoscale settings", "scales")
