"""Containers of Kubernetes workloads and the health checks of hosting platforms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract.data import Located
from readiness.extract.dockerfile import ImageName, parse_image
from readiness.extract.observations import Observations
from readiness.facts.delivery.ci_step import scalar, strings
from readiness.facts.place import Place
from readiness.repository.tree import Role

_KINDS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Job", "CronJob", "Rollout", "Service"}
)
_CHART_VALUE = re.compile(r"\$Values((?:\.[A-Za-z_]\w*)+)(?:\?([\w./-]+))?")
_PODS = (
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
    ("spec",),
)


@dataclass(frozen=True, slots=True)
class Workload:
    """One container of a workload; probes and resources as written, None where absent."""

    kind: str
    name: str
    place: Place
    text: str
    image: ImageName
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    liveness: Located | None
    readiness: Located | None
    startup: Located | None
    resources: Located | None
    non_root: bool
    values: Located | None = None
    """The values of the Helm chart whose template it stands in."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform's or serverless descriptor: `kind` (procfile, app-engine, serverless, sam, fly, render, railway …).

    `pins_runtime` says whether the Python version is fixed in it or beside it; `serverless` whether functions are run.
    """

    place: Place
    text: str
    kind: str
    pins_runtime: bool
    serverless: bool


def find_workloads(observations: Observations) -> tuple[Workload, ...]:
    """Containers of workload manifests, and a Helm chart's values as far as they describe one."""
    found: list[Workload] = []
    for path, documents in observations.documents.items():
        file = observations.files.get(path)
        if file is not None and file.role in (Role.EXAMPLE, Role.VENDORED, Role.TEST):
            continue
        for document in documents:
            kind = document.text("kind") or ""
            if kind in _KINDS and document.get("apiVersion") is not None:
                found.extend(_containers(path, document, kind, _chart_values(observations, path)))
            elif path.endswith(("values.yaml", "values.yml")) and _beside(path, "Chart.yaml") in observations.documents:
                found.extend(_values(path, document))
    return tuple(found)


def _chart_values(observations: Observations, path: str) -> Located | None:
    """The `values.yaml` of the chart that a template belongs to."""
    folder, inside, _ = path.rpartition("/templates/")
    return observations.document(f"{folder}/values.yaml" if folder else "values.yaml") if inside else None


def filled(text: str, values: Located | None) -> str:
    """A text of a chart's template with the chart's own values in it; what these leave empty stays a variable."""

    def value(match: re.Match[str]) -> str:
        known = scalar(values.get(*match.group(1).split(".")[1:])) if values is not None else ""
        return known or match.group(2) or match.group(0)

    return _CHART_VALUE.sub(value, text)


def _containers(path: str, document: Located, kind: str, values: Located | None) -> Iterator[Workload]:
    name = document.text("metadata", "name") or ""
    for keys in _PODS:
        pod = document.get(*keys)
        if pod is None or pod.get("containers") is None:
            continue
        for container in pod.elements("containers"):
            non_root = any(
                scalar(one) == "true"
                for one in (
                    pod.get("securityContext", "runAsNonRoot"),
                    container.get("securityContext", "runAsNonRoot"),
                )
            )
            yield Workload(
                kind,
                name,
                Place(path, container.line, container.end_line),
                f"{kind} {name}",
                parse_image(filled(scalar(container.get("image")), values)),
                tuple(filled(w, values) for w in (*strings(container.get("command")), *strings(container.get("args")))),
                tuple((scalar(one.get("name")), scalar(one.get("value"))) for one in container.elements("env")),
                container.get("livenessProbe"),
                container.get("readinessProbe"),
                container.get("startupProbe"),
                container.get("resources"),
                non_root,
                values,
            )
        return


def _values(path: str, document: Located) -> Iterator[Workload]:
    if document.get("image") is None:
        return
    yield Workload(
        "Helm values",
        _beside(path, "").rstrip("/"),
        Place(path, document.line, document.end_line),
        "Helm values",
        parse_image(
            f"{scalar(document.get('image', 'repository'))}:{scalar(document.get('image', 'tag'))}".rstrip(":")
        ),
        strings_of(document.get("command")),
        (),
        document.get("livenessProbe"),
        document.get("readinessProbe"),
        document.get("startupProbe"),
        document.get("resources"),
        scalar(document.get("securityContext", "runAsNonRoot")) == "true"
        or scalar(document.get("podSecurityContext", "runAsNonRoot")) == "true",
    )


def strings_of(value: Located | None) -> tuple[str, ...]:
    """The scalars of a list as a tuple."""
    return tuple(strings(value))


def _beside(path: str, name: str) -> str:
    folder = path.rpartition("/")[0]
    return f"{folder}/{name}" if folder else name


def find_platforms(observations: Observations) -> tuple[Platform, ...]:
    """Descriptors that deploy the service without an image of its own."""
    found: list[Platform] = []
    names = {*observations.documents, *observations.sources}
    for path in sorted(names):
        file = observations.files.get(path)
        if file is not None and file.role in (Role.EXAMPLE, Role.VENDORED, Role.TEST, Role.ARCHIVED):
            continue
        found.extend(_platform(observations, path, names))
    return tuple(found)


def _platform(observations: Observations, path: str, names: set[str]) -> Iterator[Platform]:
    name = path.rsplit("/", 1)[-1]
    document = observations.document(path)
    pinned = any(_beside(path, one) in names for one in ("runtime.txt", ".python-version", "uv.lock", "Pipfile.lock"))
    place = Place(path, 1, 1)
    if name == "Procfile":
        yield Platform(place, "Procfile", "procfile", pinned, False)
    if document is None:
        return
    if name in ("serverless.yml", "serverless.yaml") and document.get("provider") is not None:
        yield Platform(
            place, "Serverless Framework", "serverless", bool(scalar(document.get("provider", "runtime"))), True
        )
    elif name in ("template.yaml", "template.yml", "sam.yaml", "sam.yml") and any(
        scalar(one).startswith("AWS::Serverless") for _, one in document.find("Type")
    ):
        yield Platform(place, "AWS SAM", "sam", any(True for _ in document.find("Runtime")), True)
    elif name in ("app.yaml", "app.yml") and scalar(document.get("runtime")).startswith("python"):
        yield Platform(place, "App Engine", "app-engine", scalar(document.get("runtime")) != "python", False)
    elif name in ("render.yaml", "render.yml") and document.get("services") is not None:
        yield Platform(place, "Render", "render", pinned, False)
    elif name in ("fly.toml", "railway.toml", "railway.json", "vercel.json"):
        kind = name.partition(".")[0]
        yield Platform(place, kind.capitalize(), kind, pinned, kind == "vercel")
    elif name == "zappa_settings.json":
        yield Platform(place, "Zappa", "zappa", any(True for _ in document.find("runtime")), True)
    elif name == "langgraph.json" and document.get("graphs") is not None:
        yield Platform(place, "langgraph.json", "langgraph", bool(scalar(document.get("python_version"))), False)
    elif name in ("bentofile.yaml", "bentofile.yml") and document.get("service") is not None:
        version = document.get("docker", "python_version")
        yield Platform(place, "bentofile", "bentofile", bool(scalar(version)), False)
