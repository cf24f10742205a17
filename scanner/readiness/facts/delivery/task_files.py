"""What a task runner with a file of its own, or a compose file, would run: mise, Taskfile, `docker compose up`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.delivery.ci_step import scalar, strings
from readiness.facts.delivery.commands import Command, joined

MAX_TASKS = 50
"""Tasks that one command may lead to."""

_MISE = (
    "mise.toml", ".mise.toml", "mise/config.toml", ".mise/config.toml", ".config/mise.toml", ".config/mise/config.toml",
)  # fmt: skip
_TASKFILES = (
    "Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml", "Taskfile.dist.yml", "Taskfile.dist.yaml",
)  # fmt: skip
_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_COMPOSE_VALUED = frozenset({
    "-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory", "--ansi",
    "--exit-code-from", "--scale", "-t", "--timeout", "--attach", "--no-attach", "--pull", "--wait-timeout",
    "-e", "--env", "-v", "--volume", "-u", "--user", "-w", "--workdir", "--name", "-l", "--label",
    "--entrypoint", "--publish",
})  # fmt: skip
_TELLING = frozenset({"--exit-code-from", "--abort-on-container-failure"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a recipe: its text, where it is, whether the runner ignores its failure, and what failure means."""

    text: str
    path: str
    line: int
    ignored: bool = False
    neutralised: str = ""


def mise_lines(observations: Observations, command: Command) -> list[Line] | None:
    """The lines of the tasks that `mise run name` runs, those they depend on first; None where they are not written."""
    words = [word for word in command.arguments if not word.startswith("-")]
    if words[:1] in (["run"], ["r"]):
        words = words[1:]
    found = _file(observations, command, _MISE, "tasks")
    return list(_tasks(*found, words[:1], ("run",), "depends")) if found and words else None


def taskfile_lines(observations: Observations, command: Command) -> list[Line] | None:
    """The lines of the tasks that `task name` runs; None where there is no Taskfile."""
    words = [word for word in command.arguments if not word.startswith("-") and "=" not in word]
    found = _file(observations, command, _TASKFILES, "tasks")
    return list(_tasks(*found, words or ["default"], ("cmds", "cmd"), "deps")) if found else None


def compose_lines(observations: Observations, command: Command) -> list[Line] | None:
    """What the services run that `docker compose up`, or `run` without a command, starts; None for other commands.

    `up` ends well however its containers end, unless it is told to pass a container's exit code on.
    """
    words = list(command.arguments)
    if command.program != "docker-compose":
        if words[:1] != ["compose"]:
            return None
        words = words[1:]
    named = [words[i + 1] for i, word in enumerate(words[:-1]) if word in ("-f", "--file")]
    bare = _operands(words)
    if bare[:1] not in (["up"], ["run"]) or (bare[0] == "run" and len(bare) != 2):
        return None
    paths = [joined(command.directory, name) for name in named or _COMPOSE]
    paths = [path for path in paths if observations.document(path) is not None]
    silent = bare[0] == "up" and not any(word.partition("=")[0] in _TELLING for word in words)
    reason = "compose does not pass on how its containers end" if silent else ""
    services = {
        name: (path, service)
        for path in (paths if named else paths[:1])
        for name, service in observations.documents[path][0].items("services")
    }
    chosen = bare[1:] or list(services)
    return [line for name in chosen[:MAX_TASKS] if name in services for line in _service(*services[name], reason)]


def _operands(words: list[str]) -> list[str]:
    found: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        if word.startswith("-"):
            index += 2 if word in _COMPOSE_VALUED else 1
            continue
        found.append(word)
        index += 1
    return found


def _service(path: str, service: Located, reason: str) -> Iterator[Line]:
    parts = [service.get("entrypoint"), service.get("command")]
    written = [part for part in parts if part is not None]
    if written:
        yield Line(" ".join(map(_shell_text, written)), path, written[0].line, neutralised=reason)


def _shell_text(value: Located) -> str:
    if not isinstance(value.value, list):
        return scalar(value)
    return " ".join("'" + word.replace("'", "'\\''") + "'" if " " in word else word for word in strings(value))


def _file(observations: Observations, command: Command, names: tuple[str, ...], key: str) -> tuple[str, Located] | None:
    for name in names:
        path = joined(command.directory, name)
        document = observations.document(path)
        table = document.get(key) if document is not None else None
        if table is not None:
            return path, table
    return None


def _tasks(path: str, table: Located, wanted: list[str], bodies: tuple[str, ...], needs: str) -> Iterator[Line]:
    """The lines of tasks, after those of the tasks they need."""
    done: set[str] = set()
    waiting = [(name, False) for name in reversed(wanted)]
    while waiting and len(done) < MAX_TASKS:
        name, ready = waiting.pop()
        task = table.get(name)
        if task is None or (name in done and not ready):
            continue
        if not ready:
            done.add(name)
            waiting.append((name, True))
            before = task.get(needs)
            names = [*strings(before), *(scalar(one.get("task")) for one in before.elements())] if before else []
            waiting.extend((one, False) for one in reversed(names))
            continue
        yield from _body(path, task, bodies, table)


def _body(path: str, task: Located, bodies: tuple[str, ...], table: Located) -> Iterator[Line]:
    body = next((found for key in bodies if (found := task.get(key)) is not None), task)
    ignored = scalar(task.get("ignore_error")) == "true"
    if isinstance(body.value, str):
        yield Line(body.value, path, body.line, ignored)
    for one in body.elements():
        other = table.get(scalar(one.get("task"))) if one.get("task") is not None else None
        if other is not None and other is not task:
            inner = next((found for key in bodies if (found := other.get(key)) is not None), other)
            yield from (Line(scalar(line), path, line.line, ignored) for line in inner.elements() if scalar(line))
        text = scalar(one) or scalar(one.get("cmd"))
        if text:
            yield Line(text, path, one.line, ignored or scalar(one.get("ignore_error")) == "true")
