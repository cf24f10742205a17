"""The container images that run the service, and what each does for a reproducible build."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from readiness.extract.dockerfile import Dockerfile, Instruction, Stage
from readiness.extract.observations import Observations
from readiness.facts.delivery.ci import Ci
from readiness.facts.delivery.ci_step import ImageBuild
from readiness.facts.delivery.commands import Command, commands_in
from readiness.facts.delivery.compose import ComposeService
from readiness.facts.delivery.kubernetes import Workload
from readiness.facts.place import Evidence, Place
from readiness.repository.tree import Role

_NOT_SERVING = re.compile(
    r"(?:^|/)(?:\.devcontainer|docs?|examples?|\.github|e2e|benchmarks?)/|(?:^|[-_./])(?:test|tests|testing|dev|devel|development|"
    r"ci|lint|docs|local|devcontainer|debug|workaround)(?:[-_.][^/]*)?$",
    re.I,
)
_PYTHON = re.compile(
    r"(?:^|[/\s'\"])(?:python\d?(?:\.\d+)?|pip\d?|uv|uvx|poetry|pipenv|pdm|conda|mamba|uvicorn|gunicorn|hypercorn"
    r"|streamlit|chainlit|gradio|flask|celery|fastapi|granian|daphne|bentoml|langgraph)(?=[\s'\":@]|$)",
    re.I,
)
_PYTHON_BASES = re.compile(r"python|(?:^|/)uv(?:$|-)|conda|pytorch|tensorflow|jupyter|cuda|vllm|triton|lambda", re.I)
SIDE_CARS = frozenset({
    "adminer", "alertmanager", "cadvisor", "cassandra", "chroma", "clickhouse", "clickhouse-server", "consul",
    "elasticsearch", "etcd", "grafana", "haproxy", "jaeger", "kafka", "keycloak", "kibana", "localstack",
    "logstash", "loki", "mariadb", "memcached", "milvus", "minio", "mlflow", "mongo", "mongo-express", "mysql",
    "nats", "neo4j", "nginx", "node-exporter", "ollama", "opensearch", "otel-collector", "pgadmin4", "pgvector",
    "postgres", "prometheus", "qdrant", "rabbitmq", "redis", "redis-stack", "tempo", "traefik", "vault",
    "weaviate", "zookeeper",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """One of the six points: whether it is met, where that is seen, and what is missing."""

    name: str
    met: bool
    evidence: tuple[Evidence, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """One image that runs the service: a Dockerfile's stage, built in `context`, for the compose services `services`.

    `dockerfile` is read; `effective` are the instructions that make up the stage; `command` is what it runs in the end
    (ENTRYPOINT and CMD, else the command that compose or Kubernetes gives).
    """

    dockerfile: Dockerfile
    stage: Stage
    context: str
    services: tuple[ComposeService, ...]
    effective: tuple[Instruction, ...]
    contributing: tuple[Stage, ...]
    command: tuple[Command, ...]
    command_place: Place
    workloads: tuple[Workload, ...]
    builds: tuple[ImageBuild, ...]

    @property
    def place(self) -> Place:
        """The stage's FROM line."""
        return Place(self.dockerfile.path, self.stage.line, self.stage.line)

    @property
    def text(self) -> str:
        """The image's Dockerfile and stage, in a word."""
        stage = f", stage {self.stage.name}" if self.stage.name and len(self.dockerfile.stages) > 1 else ""
        return f"image of {self.dockerfile.path}{stage}"

    def at(self, instruction: Instruction) -> Place:
        """Where an instruction stands."""
        return Place(self.dockerfile.path, instruction.line, instruction.end_line)


def find_images(
    observations: Observations, ci: Ci, compose: tuple[ComposeService, ...], workloads: tuple[Workload, ...]
) -> tuple[Image, ...]:
    """The images that run the service.

    Development containers, documentation, examples and test images are left out; so is a side-car (a database
    with its configuration) and, where a Python image exists, those that run no Python (a frontend's web server).
    """
    candidates = [
        (path, dockerfile) for path, dockerfile in observations.dockerfiles.items() if _may_serve(observations, path)
    ]
    images = [
        image
        for path, dockerfile in candidates
        if (image := _image(observations, dockerfile, ci, compose, workloads)) is not None
    ]
    return tuple([image for image in images if _runs_python(image)] or images)


def install_commands(images: tuple[Image, ...], ci: Ci) -> tuple[tuple[Place, str, Command], ...]:
    """The commands that run while a serving image is built (where "image") and in steps of CI (where "ci")."""
    found: dict[tuple[Place, str, tuple[str, ...]], tuple[Place, str, Command]] = {}
    for image in images:
        for stage in image.contributing:
            for instruction in stage.instructions:
                for command in run_commands(image.dockerfile.path, instruction):
                    found.setdefault((command.place, "image", command.words), (command.place, "image", command))
    for _, command in ci.commands:
        found.setdefault((command.place, "ci", command.words), (command.place, "ci", command))
    return tuple(found.values())


def run_commands(path: str, instruction: Instruction) -> tuple[Command, ...]:
    """The commands of a RUN instruction; its continuation lines are one line of shell."""
    if instruction.name != "RUN":
        return ()
    if instruction.is_json:
        text = _shell_words(instruction.words)
    elif instruction.heredocs and re.match(r"^<<-?['\"]?\w+['\"]?\s*$", instruction.text):
        line, body = instruction.heredocs[0]
        return commands_in(body, path, line, fail_fast=False)
    else:
        text = instruction.text.replace("\n", "\\\n")
    return commands_in(text, path, instruction.line, last_line=instruction.end_line, fail_fast=False)


def _may_serve(observations: Observations, path: str) -> bool:
    file = observations.files.get(path)
    if file is not None and file.role in (Role.EXAMPLE, Role.TEST, Role.ARCHIVED, Role.VENDORED, Role.EVAL):
        return False
    return not _NOT_SERVING.search(path)


def _image(
    observations: Observations,
    dockerfile: Dockerfile,
    ci: Ci,
    compose: tuple[ComposeService, ...],
    workloads: tuple[Workload, ...],
) -> Image | None:
    services = tuple(one for one in compose if one.build is not None and one.build.dockerfile == dockerfile.path)
    builds = tuple(build for build in ci.image_builds if builds_file(build, dockerfile.path, compose))
    target = next((one.build.target for one in services if one.build is not None and one.build.target), "")
    stage = (dockerfile.stage_named(target) if target else None) or dockerfile.final
    effective = dockerfile.effective(stage)
    if _is_side_car(dockerfile, stage, effective):
        return None
    command, place = _command(observations, dockerfile, stage, effective, services, workloads)
    return Image(
        dockerfile=dockerfile,
        stage=stage,
        context=_context(observations, dockerfile, services, builds),
        services=services,
        effective=effective,
        contributing=dockerfile.contributing(stage),
        command=command,
        command_place=place,
        workloads=workloads,
        builds=builds,
    )


def builds_file(build: ImageBuild, path: str, compose: tuple[ComposeService, ...]) -> bool:
    """Whether a build of CI makes the image of the Dockerfile at `path`.

    `compose build` counts for services with a `build:` of that Dockerfile only.
    """
    if build.compose_files:
        names = {one for one in build.compose_files if one}
        return any(
            one.build is not None
            and one.build.dockerfile == path
            and build.service in ("", one.name)
            and (one.path in names or (not names and posixpath.dirname(one.path) == build.context))
            for one in compose
        )
    if build.unresolved:
        return True
    if build.file is not None:
        return path in (build.file, posixpath.join(build.context, build.file))
    return path == (posixpath.join(build.context, "Dockerfile") if build.context else "Dockerfile")


def _context(
    observations: Observations,
    dockerfile: Dockerfile,
    services: tuple[ComposeService, ...],
    builds: tuple[ImageBuild, ...],
) -> str:
    for service in services:
        if service.build is not None:
            return service.build.context
    for build in builds:
        if not build.compose_files and not build.unresolved:
            return build.context
    folder = posixpath.dirname(dockerfile.path)
    sources = [
        word
        for stage in dockerfile.stages
        for one in stage.instructions
        if one.name in ("COPY", "ADD") and one.flag("from") is None
        for word in one.words[:-1]
        if word.strip("./")
    ][:20]
    while folder:  # a Dockerfile in `docker/` is usually built from the folder above: where its sources are
        inside = [posixpath.normpath(posixpath.join(folder, word.lstrip("/"))) for word in sources]
        if not inside or any(one in observations.files or _is_folder(observations, one) for one in inside):
            return (
                folder
                if inside or posixpath.basename(folder) not in ("docker", "deploy", "build")
                else posixpath.dirname(folder)
            )
        folder = posixpath.dirname(folder)
    return ""


def _is_folder(observations: Observations, path: str) -> bool:
    return any(one.startswith(f"{path}/") for one in observations.files)


def _is_side_car(dockerfile: Dockerfile, stage: Stage, effective: tuple[Instruction, ...]) -> bool:
    base = dockerfile.lineage(stage)[0].base.name.rsplit("/", 1)[-1].lower()
    return base in SIDE_CARS and not any(
        _PYTHON.search(one.text) for one in effective if one.name in ("RUN", "CMD", "ENTRYPOINT")
    )


def _runs_python(image: Image) -> bool:
    if any(_PYTHON_BASES.search(stage.base.name) for stage in image.contributing):
        return True
    return any(
        _PYTHON.search(one.text)
        for stage in image.contributing
        for one in stage.instructions
        if one.name in ("RUN", "CMD", "ENTRYPOINT")
    )


def _command(
    observations: Observations,
    dockerfile: Dockerfile,
    stage: Stage,
    effective: tuple[Instruction, ...],
    services: tuple[ComposeService, ...],
    workloads: tuple[Workload, ...],
) -> tuple[tuple[Command, ...], Place]:
    """What the image runs, and where that is said; the Dockerfile's own instructions win over a compose file."""
    entry = next((one for one in reversed(effective) if one.name == "ENTRYPOINT"), None)
    command = next((one for one in reversed(effective) if one.name == "CMD"), None)
    given = [one for one in (entry, command) if one is not None]
    last = given[-1] if given else None
    place = Place(dockerfile.path, last.line, last.end_line) if last else Place(dockerfile.path, stage.line, stage.line)
    found: list[Command] = []
    if entry is not None and command is not None and entry.is_json and command.is_json and not _is_script(entry):
        text = _shell_words((*entry.words, *command.words))  # CMD holds the arguments of ENTRYPOINT
        found.extend(commands_in(text, dockerfile.path, entry.line, last_line=entry.end_line))
    else:
        for one in given:
            found.extend(instruction_commands(dockerfile.path, one))
    if not found:
        for service in services:
            if service.command or service.entrypoint:
                return (*service.entrypoint, *service.command), service.place
        for workload in workloads:
            if workload.command:
                text = _shell_words(workload.command)
                return commands_in(text, workload.place.path, workload.place.line), workload.place
    return tuple(found), place


def _is_script(entry: Instruction) -> bool:
    """Whether an ENTRYPOINT starts a script, which as a rule runs the CMD it is given."""
    return any(word.endswith((".sh", "entrypoint")) for word in entry.words)


def _shell_words(words: tuple[str, ...]) -> str:
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)


def instruction_commands(path: str, instruction: Instruction) -> tuple[Command, ...]:
    """The commands of one CMD or ENTRYPOINT."""
    text = _shell_words(instruction.words) if instruction.is_json else instruction.text.replace("\n", "\\\n")
    return commands_in(text, path, instruction.line, last_line=instruction.end_line)
