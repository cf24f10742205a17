"""What an image runs in the end: whether it is a service of this repository, started as production starts it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from readiness.extract.observations import Observations
from readiness.facts.delivery.commands import Command
from readiness.facts.delivery.containers import Image, Point
from readiness.facts.delivery.runners import expand
from readiness.facts.packages.manifests import declared
from readiness.facts.place import Evidence

_IDLE = frozenset({"bash", "sh", "/bin/bash", "/bin/sh", "true", "sleep", "tail", "python", "python3", "top"})
_SERVERS = frozenset({"uvicorn", "gunicorn", "hypercorn", "granian", "daphne", "uwsgi", "waitress-serve"})
_FILE_RUNNERS = frozenset({"streamlit", "chainlit", "fastapi", "gradio", "mesop", "panel", "bentoml", "litestar"})


def scripts_of(observations: Observations, image: Image) -> tuple[Command, ...]:
    """The image's commands, their scripts found where the image's sources lie in the repository."""
    found = []
    for command in image.command:
        words = []
        for word in command.words:
            known = _source_of(observations, image.context, word) if word.endswith(".sh") else ""
            words.append(known or word)
        folder = "" if any(word.endswith(".sh") for word in words) else image.context
        found.append(replace(command, words=tuple(words), directory=folder))
    return tuple(found)


def real_command(observations: Observations, image: Image) -> Point:
    """Point 5: what the image runs exists in the repository, serves, and does not reload on change."""
    commands = expand(observations, scripts_of(observations, image))
    if not commands:
        return Point("command", False, (Evidence(image.place, "no CMD or ENTRYPOINT"),), "no CMD or ENTRYPOINT")
    evidence = (Evidence(image.command_place, image.command[0].text[:120]),)
    if any("--reload" in one.words or (one.program, *one.arguments[:1]) == ("fastapi", "dev") for one in commands):
        return Point("command", False, evidence, "its command reloads on change (--reload)")
    starting = [one for one in commands if not _is_idle(one)]
    if not starting:
        return Point("command", False, evidence, "its command starts no service")
    for command in starting:
        named = _module_of(command)
        if named and not _is_installed(observations, command) and not _exists(observations, image, named):
            return Point("command", False, evidence, f"its command starts {named}, which does not exist")
    return Point("command", True, evidence)


def _is_idle(command: Command) -> bool:
    return command.program in ("sleep", "tail", "top") or (command.program in _IDLE and len(command.words) == 1)


def _module_of(command: Command) -> str:
    """The module or file of the project that a command starts; "" where it names none that must exist here."""
    program, words = command.program, [word for word in command.arguments if not word.startswith("-")]
    if program in _SERVERS or program == "celery":
        return next(
            (w.partition(":")[0] for w in words if re.fullmatch(r"[A-Za-z_][\w./]*:[A-Za-z_]\w*(?:\(.*\))?", w)), ""
        )
    if program in _FILE_RUNNERS:
        return next((word for word in words if word.endswith(".py")), "")
    if re.fullmatch(r"python(?:\d(?:\.\d+)?)?", program) and words and words[0].endswith(".py"):
        return words[0]
    if "python -m" in command.wrappers and "." in command.words[0]:
        return command.words[0]
    return ""


def _is_installed(observations: Observations, command: Command) -> bool:
    """Whether `python -m x.y` starts a module of a package that the manifests declare."""
    if "python -m" not in command.wrappers:
        return False
    package = command.words[0].partition(".")[0].lower()
    return any(item.name.lower().replace("-", "_") == package for item in declared(observations))


def _exists(observations: Observations, image: Image, named: str) -> bool:
    if "$" in named:
        return True
    stem = named.removesuffix(".py") if "/" in named or named.endswith(".py") else named.replace(".", "/")
    stem = posixpath.normpath(stem).lstrip("/").lstrip("./")
    candidates = (f"{stem}.py", f"{stem}/__init__.py", f"{stem}/__main__.py")
    if any(one == path or path.endswith(f"/{one}") for path in observations.files for one in candidates):
        return True
    # A path of the image (`/app/src/main.py`) ends like a path of the repository.
    parts = stem.split("/")
    tails = (
        {"/".join(parts[index:]) + ".py" for index in range(1, min(len(parts), 8))} if named.endswith(".py") else set()
    )
    deep = tuple(f"/{tail}" for tail in sorted(tails) if "/" in tail)
    return any(path in tails or path.endswith(deep) for path in observations.files) if tails else False


def _source_of(observations: Observations, context: str, word: str) -> str:
    """The repository's file that a path inside the image ends like."""
    parts = posixpath.normpath(word).strip("/").split("/")
    for index in range(min(len(parts), 8)):
        tail = "/".join(parts[index:])
        for path in (posixpath.join(context, tail), tail):
            if path in observations.files:
                return path
    name = parts[-1]
    return next((path for path in observations.files if posixpath.basename(path) == name), "")
