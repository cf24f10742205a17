"""What asks the running service whether it is well: Docker, compose, Kubernetes and platforms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.delivery.ci_step import scalar, strings
from readiness.facts.delivery.commands import Command, commands_in
from readiness.facts.delivery.compose import ComposeService
from readiness.facts.delivery.containers import Image, run_commands
from readiness.facts.delivery.kubernetes import Platform, Workload, filled
from readiness.facts.place import Place

Kind = Literal["docker", "compose", "kubernetes", "platform"]
ProbeRole = Literal["liveness", "readiness", "startup", "health"]

_ADDRESS = re.compile(
    r"(?:https?://)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|\$\{?HOSTNAME\}?|host\.docker\.internal)"
    r"(?::(\d{2,5}|\$\{?\w+(?::-\d+)?\}?))?(/[^\s'\"\\)|;&?#,]*)?"
)
_PATH_KEYS = ("healthCheckPath", "healthcheckPath", "HealthCheckPath")


@dataclass(frozen=True, slots=True)
class HealthProbe:
    """One probe of the service. `path` is "" for a probe that asks no HTTP path (a TCP connection, a command).

    `tool` is the program that asks ("" when the orchestrator does it itself), `tool_present` whether the image holds it
    (None when that cannot be told). A probe whose tool is absent cannot succeed and counts as none.
    """

    place: Place
    text: str
    kind: Kind
    role: ProbeRole
    path: str
    port: str
    tool: str
    tool_present: bool | None
    service: str

    @property
    def can_succeed(self) -> bool:
        """False when the probing tool is not in the image."""
        return self.tool_present is not False


def find_probes(
    observations: Observations,
    images: tuple[Image, ...],
    compose: tuple[ComposeService, ...],
    workloads: tuple[Workload, ...],
    platforms: tuple[Platform, ...],
) -> tuple[HealthProbe, ...]:
    """Every probe of the service itself; those of databases and other side-cars are left out."""
    found: list[HealthProbe] = []
    for image in images:
        found.extend(_docker(image))
    for service in compose:
        own = next((image for image in images if service in image.services), None)
        if own is not None and service.healthcheck is not None:
            found.extend(_compose(service, own))
    for workload in workloads:
        found.extend(_kubernetes(workload, images[0] if images else None))
    found.extend(_platforms(observations, platforms))
    return tuple(found)


def has_tool(image: Image, tool: str) -> bool | None:
    """Whether an image holds a program: installed by a RUN, or part of its base; None when that is not known."""
    if not tool:
        return None
    for instruction in image.effective:
        for command in run_commands(image.dockerfile.path, instruction):
            installs = {"install", "add"} & set(command.arguments) and command.program in (
                "apt-get",
                "apt",
                "apk",
                "dnf",
                "yum",
                "microdnf",
                "aptitude",
            )
            if installs and any(word == tool or word.startswith((f"{tool}=", f"{tool}-")) for word in command.words):
                return True
        if instruction.name == "COPY" and any(word.endswith(f"/{tool}") for word in instruction.words):
            return True
    base = image.dockerfile.lineage(image.stage)[0].base
    name, tag = base.name.rsplit("/", 1)[-1].lower(), base.tag.lower()
    if tool.startswith("python"):
        return True if "python" in name or "uv" in name else None
    if tool not in ("curl", "wget", "nc"):
        return None
    if "alpine" in tag or name == "alpine":
        return tool in ("wget", "nc")  # busybox
    if "distroless" in base.name or name == "scratch":
        return False
    if "slim" in tag or name in ("debian", "ubuntu"):
        return False
    if name == "python":
        return tool in ("curl", "wget")  # the full image is built on buildpack-deps
    return None


def _docker(image: Image) -> Iterator[HealthProbe]:
    checks = [one for one in image.effective if one.name == "HEALTHCHECK"]
    if not checks or checks[-1].text.strip().upper().startswith("NONE"):
        return
    last = checks[-1]
    text = " ".join("'" + w.replace("'", "'\\''") + "'" for w in last.words) if last.is_json else " ".join(last.words)
    yield _asked("docker", image, image.at(last), text, "", "health")


def _compose(service: ComposeService, image: Image) -> Iterator[HealthProbe]:
    check = service.healthcheck
    if check is None or scalar(check.get("disable")) == "true":
        return
    test = check.get("test")
    words = strings(test)
    if not words or words[0] == "NONE":
        return
    if test is not None and isinstance(test.value, list):
        words = words[1:] if words[0] in ("CMD", "CMD-SHELL") else words
        text = words[0] if len(words) == 1 else " ".join("'" + w.replace("'", "'\\''") + "'" for w in words)
    else:
        text = words[0]
    place = Place(service.path, check.line, check.end_line)
    yield _asked("compose", image, place, text, service.name, "health")


def _asked(kind: Kind, image: Image | None, place: Place, text: str, service: str, role: ProbeRole) -> HealthProbe:
    commands = commands_in(text, place.path, place.line)
    asking = next((one for one in commands if _ADDRESS.search(" ".join(one.words))), commands[0] if commands else None)
    tool = _tool(asking) if asking is not None else ""
    match = _ADDRESS.search(text)
    return HealthProbe(
        place=place,
        text=text[:120],
        kind=kind,
        role=role,
        path=(match.group(2) or "/") if match else "",
        port=(match.group(1) or "") if match else "",
        tool=tool,
        tool_present=has_tool(image, tool) if image is not None else None,
        service=service,
    )


def _tool(command: Command) -> str:
    return "python" if command.program.startswith("python") or "python -m" in command.wrappers else command.program


def _kubernetes(workload: Workload, image: Image | None) -> Iterator[HealthProbe]:
    roles: tuple[tuple[ProbeRole, Located | None], ...] = (
        ("liveness", workload.liveness),
        ("readiness", workload.readiness),
        ("startup", workload.startup),
    )
    for role, probe in roles:
        if probe is None:
            continue
        place = Place(workload.place.path, probe.line, probe.end_line)
        command = probe.get("exec", "command")
        if command is not None:
            words = " ".join("'" + w.replace("'", "'\\''") + "'" for w in strings(command))
            yield _asked("kubernetes", image, place, words, workload.name, role)
            continue
        path = filled(scalar(probe.get("httpGet", "path")), workload.values)
        port = scalar(probe.get("httpGet", "port") or probe.get("tcpSocket", "port") or probe.get("grpc", "port"))
        if path or port:
            yield HealthProbe(
                place, f"{role}Probe {path or port}", "kubernetes", role, path, port, "", None, workload.name
            )


def _platforms(observations: Observations, platforms: tuple[Platform, ...]) -> Iterator[HealthProbe]:
    """Checks of Fly, App Engine, Render, Railway; and the target path of AWS load balancers in templates."""
    for platform in platforms:
        path = platform.place.path
        document = observations.document(path)
        if document is None:
            continue
        for key, role in (("liveness_check", "liveness"), ("readiness_check", "readiness")):
            checked = document.get(key, "path")
            if checked is not None:
                named: ProbeRole = "liveness" if role == "liveness" else "readiness"
                yield _platform_probe(path, checked, named)
        if platform.kind == "fly":
            for _, checks in document.find("checks", "http_checks"):
                for _, checked in checks.find("path"):
                    yield _platform_probe(path, checked, "health")
    for path, documents in observations.documents.items():
        for document in documents if path.endswith((".yaml", ".yml", ".json", ".toml")) else ():
            for _, checked in document.find(*_PATH_KEYS):
                yield _platform_probe(path, checked, "health")
            ready = document.get("service", "readiness_probe")  # SkyPilot: the path, or a mapping with it
            ready = (ready.get("path") or ready) if ready is not None else None
            if ready is not None and isinstance(ready.value, str):
                yield _platform_probe(path, ready, "readiness")


def _platform_probe(path: str, value: Located, role: ProbeRole) -> HealthProbe:
    place = Place(path, value.line, value.end_line)
    return HealthProbe(place, f"health check {scalar(value)}", "platform", role, scalar(value), "", "", None, "")
