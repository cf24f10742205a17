"""The tasks of pyproject.toml that `poe`, `pdm run`, `hatch run` and their like would run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from readiness.extract.data import Located
from readiness.extract.observations import Observations
from readiness.facts.delivery.ci_step import scalar, strings, truth
from readiness.facts.delivery.commands import Command, joined
from readiness.facts.delivery.task_files import Line

MAX_DEPTH = 8
"""Tasks within tasks that are followed: each sequence and each reference is a step."""

MAX_LINES = 200

_TABLES = (
    ("tool", "poe", "tasks"),
    ("tool", "pdm", "scripts"),
    ("tool", "rye", "scripts"),
    ("tool", "taskipy", "tasks"),
    ("tool", "pixi", "tasks"),
)
_POE_FILES = ("poe_tasks.toml", "poe_tasks.yaml", "poe_tasks.yml", "poe_tasks.json")
_POE_VALUED = frozenset({"-C", "--directory", "--root", "-e", "--executor", "-X", "--executor-opt"})
_BODIES = ("cmd", "shell", "script", "sequence", "parallel", "composite", "ref", "chain")
_LISTS = frozenset({"sequence", "parallel", "composite", "chain"})
_NEEDED = ("deps", "depends", "depends-on", "pre")
_SCRIPT = re.compile(r"([A-Za-z_][\w.]*)(?::([A-Za-z_]\w*))?")


def poe_words(command: Command) -> tuple[list[str], str]:
    """The words of a `poe` line that are not its options, and the folder it is told to work in."""
    words, inside = list(command.arguments), ""
    while words and words[0].startswith("-"):
        name, _, value = words.pop(0).partition("=")
        if name in _POE_VALUED:
            value = value or (words.pop(0) if words else "")
            inside = value if name in ("-C", "--directory", "--root") else inside
    return words, inside


def project_task(observations: Observations, directory: str, name: str) -> list[Line]:
    """The lines of a task, those that it needs first; empty where the repository has no such task."""
    for path, table in _task_tables(observations, directory):
        task = table.get(name)
        if task is not None:
            return list(_lines(task, path, table, 0))[:MAX_LINES]
    return []


def _task_tables(observations: Observations, directory: str) -> Iterator[tuple[str, Located]]:
    path = joined(directory, "pyproject.toml")
    document = observations.document(path)
    if document is not None:
        for keys in _TABLES:
            if (table := document.get(*keys)) is not None:
                yield path, table
        for _, environment in document.items("tool", "hatch", "envs"):
            if (scripts := environment.get("scripts")) is not None:
                yield path, scripts
    for name in _POE_FILES:
        path = joined(directory, name)
        document = observations.document(path)
        table = (document.get("tool", "poe", "tasks") or document.get("tasks")) if document is not None else None
        if table is not None:
            yield path, table


def _lines(task: Located, path: str, table: Located, depth: int, kind: str = "") -> Iterator[Line]:
    if depth > MAX_DEPTH:
        return
    if isinstance(task.value, str):
        yield from _text(task, path, table, depth, kind)
    elif isinstance(task.value, list):
        for one in task.elements():
            yield from _lines(one, path, table, depth + 1, kind)
    elif isinstance(task.value, dict):
        yield from _table(task, path, table, depth)


def _table(task: Located, path: str, table: Located, depth: int) -> Iterator[Line]:
    for key in _NEEDED:
        for name in strings(task.get(key)):
            needed = table.get(name.split()[0]) if name.split() else None
            if needed is not None and needed is not task:
                yield from _lines(needed, path, table, depth + 1)
    # An ignored failure of the task as a whole; `return_non_zero` runs on, but the run fails all the same.
    ignored = truth(task.get("ignore_fail"))
    for key in _BODIES:
        body = task.get(key)
        if body is None:
            continue
        kinds = scalar(task.get("default_item_type")) or "ref" if key in _LISTS else key
        found = _lines(body, path, table, depth + 1, kinds)
        yield from (replace(line, ignored=True) for line in found) if ignored else found
        return


def _text(task: Located, path: str, table: Located, depth: int, kind: str) -> Iterator[Line]:
    text = str(task.value)
    # A reference may hand arguments on ("lint --fix"); a command is one even where a task bears its name.
    name = text if kind != "ref" else (text.split() or [""])[0]
    other = table.get(name) if kind not in ("cmd", "shell", "script") else None
    if other is not None and other is not task:
        yield from _lines(other, path, table, depth + 1)
    elif kind == "script":
        match = _SCRIPT.match(text)
        if match is not None:
            yield Line(f"python -m {match.group(0)}", path, task.line)  # a function is followed to by its name
    else:
        yield Line(re.sub(r"\{args:?([^{}]*)\}", r"\1", text), path, task.line, text.startswith("- "))
