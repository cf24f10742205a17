"""Which container images a CI step builds, with an action or with a command."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from readiness.facts.delivery.ci_step import CiStep, ImageBuild
from readiness.facts.delivery.commands import Command, joined

_ACTIONS = re.compile(
    r"^(?:docker/build-push-action|redhat-actions/buildah-build|elgohr/publish-docker-github-action|plugins/(?:docker|kaniko)"
    r"|mr-smithers-excellent/docker-build-push|whoan/docker-build-with-cache-action|azure/acr-build|depot/build-push-action"
    r"|superfly/flyctl-actions/build)(?:[@:]|$)",
    re.I,
)
_VALUED = frozenset({
    "-t", "--tag", "--build-arg", "--platform", "--cache-from", "--cache-to", "--label", "--secret", "--ssh",
    "--output", "-o", "--progress", "--network", "--builder", "--build-context", "--iidfile", "--metadata-file",
    "--provenance", "--sbom", "--attest", "--add-host", "--shm-size", "--registry", "-r", "--image",
    "--resource-group", "--config", "-p", "--profile", "--project-name", "--env-file", "--project-directory",
    "--build-arg-file",
})  # fmt: skip


def builds_of(step: CiStep) -> tuple[ImageBuild, ...]:
    """The images a step builds; none for a step whose failure a shell takes in."""
    return (*_by_action(step), *(build for command in step.commands for build in _by_command(step, command)))


def _by_action(step: CiStep) -> Iterator[ImageBuild]:
    uses = step.uses or ""
    inputs: dict[str, list[str]] = {}
    for key, value in step.inputs:
        inputs.setdefault(key.lower(), []).append(value)
    if uses.startswith("docker/bake-action"):
        yield ImageBuild(step.place, step.text, None, "", unresolved=True)
    azure = uses.startswith("Docker@") and inputs.get("command", ["buildAndPush"])[0].lower() in (
        "build",
        "buildandpush",
    )
    if not azure and not _ACTIONS.match(uses) and "kaniko-project/executor" not in uses:
        return
    arguments = inputs.get("argument", [])
    files = [*inputs.get("file", []), *inputs.get("dockerfile", []), *inputs.get("containerfiles", [])]
    files += [one.partition("=")[2] for one in arguments if one.startswith("--dockerfile=")]
    contexts = inputs.get("context") or inputs.get("buildcontext") or ["."]
    targets = inputs.get("target", [""])
    for file in files or [""]:
        yield _build(step, step.text, file, contexts[0], targets[0] if len(targets) == 1 else "", "")


def _by_command(step: CiStep, command: Command) -> Iterator[ImageBuild]:
    program, words = command.program, list(command.arguments)
    if program in ("docker", "podman", "nerdctl", "buildah", "depot"):
        if words[:1] == ["compose"]:
            yield from _by_compose(step, command, words[1:])
        elif (
            words[:1] == ["build"]
            or words[:2] in (["image", "build"], ["buildx", "build"])
            or (program == "buildah" and words[:1] == ["bud"])
        ):
            yield _from_words(step, command, words[1:] if words[0] in ("build", "bud") else words[2:])
        elif words[:2] == ["buildx", "bake"]:
            yield ImageBuild(step.place, command.text, None, command.directory, unresolved=True)
    elif program == "docker-compose":
        yield from _by_compose(step, command, words)
    elif program in ("kaniko", "executor") and ("kaniko" in command.words[0] or "kaniko" in (step.uses or "")):
        yield _build(step, command.text, command.option("--dockerfile", "-f") or "", ".", "", command.directory)
    elif (program, *words[:2]) == ("az", "acr", "build"):
        yield _from_words(step, command, words[2:])
    elif (program, *words[:2]) == ("gcloud", "builds", "submit") or (
        program in ("fly", "flyctl") and words[:1] == ["deploy"]
    ):
        yield _build(step, command.text, command.option("--dockerfile") or "", ".", "", command.directory)
    elif (program, *words[:2]) == ("gcloud", "run", "deploy") and command.option("--source") is not None:
        yield _build(step, command.text, "", command.option("--source") or ".", "", command.directory)


def _from_words(step: CiStep, command: Command, words: list[str]) -> ImageBuild:
    operands: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        if word.startswith("-") and word != "-":
            index += 2 if word in _VALUED or word in ("-f", "--file", "--target") else 1
            continue
        operands.append(word)
        index += 1
    context = operands[-1] if operands else "."
    return _build(
        step,
        command.text,
        command.option("-f", "--file") or "",
        context,
        command.option("--target") or "",
        command.directory,
    )


def _by_compose(step: CiStep, command: Command, words: list[str]) -> Iterator[ImageBuild]:
    files = [words[index + 1] for index, word in enumerate(words[:-1]) if word in ("-f", "--file")]
    bare: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        if word.startswith("-"):
            index += 2 if word in _VALUED or word in ("-f", "--file") else 1
            continue
        bare.append(word)
        index += 1
    # A runner of CI begins without images: what it starts with a `build:` it has to build.
    if bare[:1] in (["build"], ["up"], ["run"]):
        compose = tuple(joined(command.directory, file) for file in files)
        for service in (bare[1:2] if bare[0] == "run" else bare[1:]) or [""]:
            yield ImageBuild(
                step.place, command.text, None, command.directory, service=service, compose_files=compose or ("",)
            )


def _build(step: CiStep, text: str, file: str, context: str, target: str, directory: str) -> ImageBuild:
    unresolved = "$" in file or ("$" in context and "workspace" not in context.lower()) or "://" in context
    place = joined(directory, context) if "://" not in context else ""
    return ImageBuild(
        place=step.place,
        text=text,
        file=joined(directory, posixpath.normpath(file)) if file else None,
        context=place,
        target="" if "$" in target else target,
        unresolved=unresolved,
    )
