"""One step of continuous integration, in one shape for every system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from readiness.extract.data import Located
from readiness.facts.delivery.commands import Command, commands_in
from readiness.facts.place import Place

MAX_STEPS = 2_000


class Trigger(StrEnum):
    """What starts a pipeline, whatever its system calls it."""

    PULL_REQUEST = "pull_request"
    PUSH = "push"
    SCHEDULE = "schedule"
    MANUAL = "manual"
    RELEASE = "release"
    TAG = "tag"
    CALL = "call"


ON_CHANGE = frozenset({Trigger.PULL_REQUEST, Trigger.PUSH})


@dataclass(frozen=True, slots=True)
class ImageBuild:
    """A container image that a step builds; `file` and `context` relative to the root, `file` None when not said.

    `target` is the stage; a part that only the run knows is in `unresolved`.
    """

    place: Place
    text: str
    file: str | None
    context: str
    target: str = ""
    service: str = ""
    compose_files: tuple[str, ...] = ()
    unresolved: bool = False


@dataclass(frozen=True, slots=True)
class CiStep:
    """One step: its commands (followed into make, tox, scripts …), the action it uses, and whether it counts.

    `weakness` says why its failure blocks nothing ("" when it blocks). `runs` is False for a step that never runs
    (`if: false`, every combination of its matrix excluded, a job no workflow lists). `variables` are the names of the
    environment variables set for it, `inputs` what an action is given.
    """

    place: Place
    text: str
    job: str
    workflow: str
    commands: tuple[Command, ...]
    triggers: frozenset[Trigger]
    uses: str | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    weakness: str = ""
    runs: bool = True
    variables: frozenset[str] = frozenset()
    builds: tuple[ImageBuild, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether a failure of the step fails the pipeline."""
        return not self.weakness

    @property
    def on_change(self) -> bool:
        """Whether a pull request or a push starts it."""
        return bool(self.triggers & ON_CHANGE)


def script_start(value: Located) -> int:
    """The line on which the text of a YAML scalar begins: a block scalar begins under its key."""
    text = value.value if isinstance(value.value, str) else ""
    lines = value.end_line - value.line
    return value.line + 1 if lines and lines >= text.rstrip("\n").count("\n") else value.line


def scalar(value: Located | None) -> str:
    """A scalar as text, truth values in YAML's spelling; "" for nothing, lists and mappings."""
    if value is None or value.value is None or isinstance(value.value, dict | list):
        return ""
    if isinstance(value.value, bool):
        return "true" if value.value else "false"
    return str(value.value)


def strings(value: Located | None) -> list[str]:
    """The scalars of a list, or of one scalar, as text."""
    if value is None:
        return []
    if isinstance(value.value, list):
        return [scalar(one) for one in value.elements() if scalar(one)]
    return [scalar(value)] if scalar(value) else []


def truth(value: Located | None) -> bool:
    """Whether a YAML value is plainly true; an expression is not."""
    return scalar(value).strip().lower() in ("true", "yes", "on")


def script_commands(
    path: str,
    values: Iterator[Located] | list[Located],
    *,
    directory: str = "",
    fail_fast: bool = True,
    pipe_fails: bool = False,
) -> tuple[Command, ...]:
    """The commands of several texts, each run by a shell of its own kind (see `commands_in`)."""
    found: list[Command] = []
    for value in values:
        if isinstance(value.value, str):
            found.extend(
                commands_in(
                    value.value,
                    path,
                    script_start(value),
                    directory=directory,
                    fail_fast=fail_fast,
                    pipe_fails=pipe_fails,
                    last_line=value.end_line,
                )
            )
    return tuple(found)


def listed(value: Located | None) -> list[Located]:
    """The items of a list, or the one value that stands in its place."""
    if value is None:
        return []
    return list(value.elements()) if isinstance(value.value, list) else [value]


def made_step(
    path: str,
    at: Located,
    job: str,
    commands: tuple[Command, ...],
    triggers: frozenset[Trigger],
    *,
    text: str = "",
    uses: str | None = None,
    inputs: tuple[tuple[str, str], ...] = (),
    weakness: str = "",
    runs: bool = True,
    variables: frozenset[str] = frozenset(),
) -> CiStep:
    """A step at a value's place; it is shown as `text`, else as its first command."""
    shown = text or (commands[0].text if commands else uses or job)
    return CiStep(
        place=Place(path, at.line, at.end_line),
        text=shown[:120],
        job=job,
        workflow=path,
        commands=commands,
        triggers=triggers,
        uses=uses,
        inputs=inputs,
        weakness=weakness,
        runs=runs,
        variables=variables,
    )


def keys_of(*values: Located | None) -> frozenset[str]:
    """The keys of several mappings."""
    return frozenset(key for value in values if value is not None for key, _ in value.items())
