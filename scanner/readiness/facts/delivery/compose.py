"""Services of compose files: what runs beside what, from which image, and whether the file is for local development.

The rule for local development is section 0 of the catalogue, "Working default secrets".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract.data import Located
from readiness.extract.dockerfile import ImageName, parse_image, substitute
from readiness.extract.observations import Observations
from readiness.facts.delivery.ci import Ci
from readiness.facts.delivery.ci_step import scalar, strings
from readiness.facts.delivery.commands import Command, commands_in, joined
from readiness.facts.place import Place
from readiness.repository.tree import Role

_NAME = re.compile(r"(?:^|[-_.])compose(?:[-_.][\w.-]*)?\.ya?ml$|^[\w.-]*[-_.]compose\.ya?ml$", re.I)
_LOCAL_NAME = re.compile(
    r"(?:^|[-_./])(?:dev|devel|development|local|test|tests|testing|ci|override|devcontainer)(?=[-_./]|$)", re.I
)
_DEVELOPMENT = re.compile(r"^(?:dev|development|local|test|testing)$", re.I)
_ENVIRONMENT_NAME = re.compile(r"(?:^|_)ENV(?:IRONMENT)?$", re.I)


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable of a service; `value` with compose's own defaults filled in (`${X:-d}` is `d`)."""

    name: str
    value: str
    place: Place


@dataclass(frozen=True, slots=True)
class ComposeBuild:
    """The `build:` of a service, relative to the root."""

    context: str
    dockerfile: str
    target: str


@dataclass(frozen=True, slots=True)
class ComposeService:
    """One service. `local` says why its file is for local development, "" when it is shipped configuration."""

    name: str
    path: str
    place: Place
    text: str
    image: ImageName | None
    build: ComposeBuild | None
    command: tuple[Command, ...]
    entrypoint: tuple[Command, ...]
    environment: tuple[Variable, ...]
    env_files: tuple[str, ...]
    ports: tuple[str, ...]
    volumes: tuple[str, ...]
    user: str
    healthcheck: Located | None
    resources: Located | None
    local: str

    @property
    def is_local(self) -> bool:
        """Whether the service's file is for local development."""
        return bool(self.local)


def find_compose(observations: Observations, ci: Ci, other_production: bool = False) -> tuple[ComposeService, ...]:
    """Every service of every compose file.

    Args:
        observations: What was read in the repository.
        ci: Its continuous integration: a file that a workflow starts for production is shipped configuration.
        other_production: Whether another manifest (Kubernetes, a platform's descriptor) serves production.
    """
    found: list[ComposeService] = []
    for path in compose_files(observations):
        document = observations.document(path)
        if document is None:
            continue
        bare = [_service(path, name, one, "") for name, one in document.items("services")]
        reason = _local(observations, path, document, bare, ci, other_production)
        found.extend(_service(path, name, one, reason) for name, one in document.items("services"))
    return tuple(found)


def compose_files(observations: Observations) -> list[str]:
    """Compose files outside examples, documentation and vendored code."""
    return [
        path
        for path, documents in observations.documents.items()
        if _NAME.search(path.rsplit("/", 1)[-1])
        and documents
        and documents[0].get("services") is not None
        and not ((file := observations.files.get(path)) and file.role in (Role.EXAMPLE, Role.VENDORED, Role.ARCHIVED))
    ]


def _service(path: str, name: str, service: Located, local: str) -> ComposeService:
    folder = posixpath.dirname(path)
    image = scalar(service.get("image"))
    return ComposeService(
        name=name,
        path=path,
        place=Place(path, service.line, service.end_line),
        text=f"service {name}",
        image=parse_image(substitute(image, {})) if image else None,
        build=_build(folder, service.get("build")),
        command=_command(path, service.get("command")),
        entrypoint=_command(path, service.get("entrypoint")),
        environment=tuple(_variables(path, service.get("environment"))),
        env_files=tuple(joined(folder, one) for one in _env_files(service.get("env_file"))),
        ports=tuple(strings(service.get("ports"))),
        volumes=tuple(_volumes(service.get("volumes"))),
        user=scalar(service.get("user")),
        healthcheck=service.get("healthcheck"),
        resources=service.get("deploy", "resources"),
        local=local,
    )


def _build(folder: str, build: Located | None) -> ComposeBuild | None:
    if build is None:
        return None
    context = joined(folder, scalar(build) or scalar(build.get("context")) or ".")
    dockerfile = joined(context, scalar(build.get("dockerfile")) or "Dockerfile")
    return ComposeBuild(context, dockerfile, scalar(build.get("target")))


def _command(path: str, value: Located | None) -> tuple[Command, ...]:
    if value is None:
        return ()
    words = strings(value)
    if isinstance(value.value, list):
        text = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    else:
        text = words[0] if words else ""
    return commands_in(text, path, value.line, last_line=value.end_line)


def _variables(path: str, value: Located | None) -> Iterator[Variable]:
    if value is None:
        return
    for key, one in value.items():
        yield Variable(key, substitute(scalar(one), {}), Place(path, one.line, one.end_line))
    for one in value.elements():
        name, _, text = scalar(one).partition("=")
        yield Variable(name, substitute(text, {}), Place(path, one.line, one.end_line))


def _env_files(value: Located | None) -> list[str]:
    if value is None:
        return []
    named = [scalar(one.get("path")) for one in value.elements() if one.get("path") is not None]
    return [substitute(one, {}) for one in (*strings(value), *named)]


def _volumes(value: Located | None) -> Iterator[str]:
    for one in value.elements() if value is not None else ():
        if scalar(one):
            yield scalar(one)
        elif scalar(one.get("source")):
            yield f"{scalar(one.get('source'))}:{scalar(one.get('target'))}"


def _local(
    observations: Observations,
    path: str,
    document: Located,
    services: list[ComposeService],
    ci: Ci,
    other_production: bool,
) -> str:
    if any(
        path in (joined(command.directory, word) for word in command.arguments)
        and ("up" in command.words or "deploy" in command.words)
        and re.search(r"prod|deploy|release", " ".join((step.workflow, step.job, *command.via)), re.I)
        for step, command in ci.commands
    ):
        return ""
    if match := _LOCAL_NAME.search(path):
        return f"its name says {match.group(0).strip('-_./')}"
    if any(key == "watch" for key, _ in document.find("watch")):
        return "it watches the source"
    for service in services:
        source = next((one for one in service.volumes[:100] if _mounts_source(observations, path, one)), None)
        if source is not None:
            return f"it mounts the source ({source})"
        if any("--reload" in command.words for command in service.command):
            return "it runs --reload"
        for variable in service.environment:
            if _ENVIRONMENT_NAME.search(variable.name) and _DEVELOPMENT.match(variable.value):
                return f"it names its environment {variable.value}"
    return "another manifest serves production" if other_production else ""


def _mounts_source(observations: Observations, path: str, volume: str) -> bool:
    source = volume.partition(":")[0]
    if not source.startswith("."):
        return False
    folder = joined(posixpath.dirname(path), source)
    prefix = f"{folder}/" if folder else ""
    return any(
        one.startswith(prefix) and ((file := observations.files.get(one)) is None or file.role is Role.SERVING)
        for one in observations.modules
    )
