"""Commands that install dependencies, and whether they install what a lock file says."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from readiness.extract.observations import Observations
from readiness.extract.requirements import normalise, parse_requirement
from readiness.facts.delivery.commands import Command, commands_in
from readiness.facts.packages.lock_files import LockFile
from readiness.facts.packages.manifests import is_side
from readiness.facts.place import Place

Where = Literal["image", "ci", "docs"]

_TOOLS = frozenset({
    "pip", "setuptools", "wheel", "uv", "poetry", "pipenv", "pdm", "pipx", "hatch", "hatchling", "flit",
    "build", "twine", "tox", "nox", "pre-commit", "virtualenv", "pip-tools", "poetry-core",
    "poetry-plugin-export", "conda-lock", "awscli", "coverage", "codecov", "ruff", "black", "flake8", "isort",
    "mypy", "pylint", "bandit", "pytest",
})  # fmt: skip
_VALUED = frozenset({
    "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-t", "--target", "--prefix", "--root",
    "--timeout", "--retries", "--python", "--platform", "--cache-dir", "--index-strategy", "--trusted-host",
    "-p", "--only-binary", "--no-binary", "--default-index", "--torch-backend", "--src", "--progress-bar",
    "--index",
})  # fmt: skip
_LOCKERS: dict[tuple[str, str], str] = {
    ("uv", "sync"): "uv", ("uv", "export"): "uv", ("poetry", "install"): "poetry", ("poetry", "sync"): "poetry",
    ("poetry", "export"): "poetry", ("pdm", "sync"): "pdm", ("pdm", "install"): "pdm", ("pdm", "export"): "pdm",
    ("pipenv", "sync"): "pipenv", ("pipenv", "install"): "pipenv", ("conda-lock", "install"): "conda-lock",
}  # fmt: skip
_MAX_WORDS = 400
_WRITTEN = re.compile(
    r"\b(?:poetry|uv|pdm)\s+export\b[^\n;&|]{0,300}?(?:>|\s-o[ =]?|--output(?:-file)?[ =])\s*([^\s;&|>]+)"
)
"""The file that an export of the lock writes."""
_EXPORT = re.compile(r"\b(?:uv|poetry|pdm) export\b")
_PROJECT = "the project's own ranges"


@dataclass(frozen=True, slots=True)
class InstallCommand:
    """Shell text that may install something: a RUN instruction, a CI step's script, a fenced block of a document.

    `directory` is where it runs, relative to the root.
    """

    place: Place
    where: Where
    command: str
    directory: str = ""


@dataclass(frozen=True, slots=True)
class Install:
    """One installation of the project's dependencies.

    `lock` is the lock file's path it installs from, "" for a fresh resolution; `unlocked` says what is resolved anew,
    "" when nothing is.
    """

    place: Place
    text: str
    where: Where
    lock: str = ""
    unlocked: str = ""


def installs(
    observations: Observations, locks: tuple[LockFile, ...], commands: Iterable[InstallCommand]
) -> tuple[Install, ...]:
    """The installations among the commands, in their order; build tools and linters on their own are none."""
    found: list[Install] = []
    for given in commands:
        text = observations.sources.get(given.place.path, "") if given.where != "docs" else ""
        made = {posixpath.basename(match.group(1).strip("'\"")) for match in _WRITTEN.finditer(text)}
        for command in commands_in(given.command, given.place.path, given.place.line, directory=given.directory):
            install = _install(observations, locks, given, command, made)
            if install is not None and not (_is_project_only(install) and _installed_before(found, install)):
                found.append(install)
    return tuple(found)


def _is_project_only(install: Install) -> bool:
    return install.unlocked == _PROJECT


def _installed_before(found: list[Install], install: Install) -> bool:
    """Whether the same image or workflow already installed from a lock: then the project alone adds nothing."""
    return any(before.lock and before.place.path == install.place.path for before in found)


def _install(
    observations: Observations,
    locks: tuple[LockFile, ...],
    given: InstallCommand,
    command: Command,
    made: Collection[str],
) -> Install | None:
    words = command.words[:_MAX_WORDS]
    program, rest = command.program, list(words[1:])
    place, text = command.place, command.text.strip()
    if any(wrapper.startswith("uv run") for wrapper in command.wrappers) and given.where != "docs":
        lock = _lock_for("uv", locks, command.directory)
        taken = lock is not None and _is_copied(observations, given, lock.path)
        return Install(place, text, given.where, lock.path) if lock is not None and taken else None
    if program == "uv" and rest[:1] == ["pip"]:
        program, rest = "pip", rest[1:]
    if re.fullmatch(r"pip[0-9.]*", program) and rest and rest[0] in ("install", "sync"):
        return _pip(observations, locks, given, command, rest, made)
    if program == "pip-sync":
        return _pip(observations, locks, given, command, ["sync", *rest], made)
    verb = next((word for word in rest if not word.startswith("-")), "")
    tool = _LOCKERS.get((program, verb), "")
    if tool:
        named = [word for word in rest[rest.index(verb) + 1 :] if not word.startswith("-")]
        if tool == "pipenv" and verb == "install" and named:
            return Install(place, text, given.where, "", f"{named[0]} without a lock")
        lock = _lock_for(tool, locks, command.directory)
        if lock is None or not _is_copied(observations, given, lock.path):
            return Install(place, text, given.where, "", "no lock file is there to install from")
        return Install(place, text, given.where, lock.path)
    if program in ("conda", "mamba", "micromamba") and verb in ("env", "install", "create"):
        return _conda(locks, given, command, rest)
    return None


def _pip(
    observations: Observations,
    locks: tuple[LockFile, ...],
    given: InstallCommand,
    command: Command,
    rest: list[str],
    made: Collection[str],
) -> Install | None:
    files, targets = _operands(rest)
    locked, unlocked = "", ""
    for file in files:
        path = _find(observations, file, command.directory, given)
        exporter = _any_exporter(locks, command.directory) if posixpath.basename(file) in made else ""
        if exporter and _is_copied(observations, given, exporter):
            locked = exporter  # `poetry export > requirements.txt`: whatever else bears that name, this is the lock
        elif any(lock.path == path for lock in locks):
            locked = path
        elif is_side(path):
            continue  # Tools for development and tests are not the application's dependencies.
        elif path in observations.requirements:
            unlocked = unlocked or f"{path} is not a full lock"
        else:
            unlocked = unlocked or _exported(locks, command.directory, file, observations)
            locked = "" if unlocked else _any_exporter(locks, command.directory)
    if "--no-deps" not in rest and "--no-dependencies" not in rest:
        for target in targets:
            unlocked = unlocked or _resolved_anew(target, given.where)
    if not locked and not unlocked:
        return None
    return Install(command.place, command.text.strip(), given.where, locked, unlocked)


def _operands(rest: list[str]) -> tuple[list[str], list[str]]:
    """The requirement files and the other targets of a pip command."""
    files: list[str] = []
    targets: list[str] = []
    index = 1
    while index < len(rest):
        word = rest[index]
        if word in ("-r", "--requirement", "--requirements"):
            files.extend(rest[index + 1 : index + 2])
            index += 1
        elif word.startswith(("--requirement=", "--requirements=")):
            files.append(word.partition("=")[2])
        elif word.startswith("-r") and not word.startswith("--"):
            files.append(word[2:])
        elif word in ("-c", "--constraint") or word in _VALUED:
            index += 1
        elif rest[0] == "sync" and not word.startswith("-"):
            files.append(word)
        elif not word.startswith("-"):
            targets.append(word)
        index += 1
    return files, targets


def _resolved_anew(target: str, where: Where) -> str:
    """What a target of `pip install` resolves anew, "" for nothing that matters."""
    if re.match(r"\.{0,2}/?[\w./-]*(?:\[[\w,\s-]*\])?$", target) and target.startswith((".", "/")):
        return "" if target.endswith((".whl", ".tar.gz")) else _PROJECT
    requirement = parse_requirement(target)
    if requirement is None or "$" in target:
        return ""
    if requirement.url and not requirement.pinned:
        return f"{requirement.name or target} without a commit"
    if requirement.pinned or normalise(requirement.name) in _TOOLS or where != "image":
        return ""  # A pipeline's own tools are not the application's dependencies.
    return f"{requirement.name} without a lock"


def _conda(locks: tuple[LockFile, ...], given: InstallCommand, command: Command, rest: list[str]) -> Install | None:
    file = command.option("-f", "--file")
    if not file:
        return None
    path = _normal(command.directory, file)
    locked = next((lock.path for lock in locks if lock.path in (path, file)), "")
    return Install(command.place, command.text.strip(), given.where, locked, "" if locked else f"{file} is not a lock")


def _lock_for(tool: str, locks: tuple[LockFile, ...], directory: str) -> LockFile | None:
    """The tool's lock file in the directory or above it; the only one there is, when the directory is not known."""
    mine = [lock for lock in locks if lock.tool == tool]
    here = directory
    while True:
        for lock in mine:
            if posixpath.dirname(lock.path) == here:
                return lock
        if not here:
            break
        here = posixpath.dirname(here)
    return mine[0] if len(mine) == 1 else None


def _is_copied(observations: Observations, given: InstallCommand, lock: str) -> bool:
    """Whether a lock file is in the image when the command runs: copied by name, with its folder, or mounted."""
    dockerfile = observations.dockerfiles.get(given.place.path)
    if given.where != "image" or dockerfile is None:
        return True
    name = posixpath.basename(lock)
    for stage in dockerfile.stages:
        for instruction in stage.instructions:
            if instruction.line > given.place.end_line:
                continue
            mounted = any(name in value for _, value in instruction.flags)
            if mounted or (instruction.name in ("COPY", "ADD") and _takes(instruction.words, lock)):
                return True
    return False


def _takes(words: tuple[str, ...], lock: str) -> bool:
    """Whether the sources of a COPY take a file along: its folder, `.`, or a pattern such as `*.lock`."""
    sources = [word.removeprefix("./").rstrip("/") for word in words if not word.startswith("--")][:-1]
    name = posixpath.basename(lock)
    folders = {"", ".", posixpath.dirname(lock)}
    return any(source in folders or _matches(source, name) for source in sources)


def _matches(pattern: str, name: str) -> bool:
    last = posixpath.basename(pattern)
    if last.count("*") > 4 or "*" not in last:
        return last == name
    return re.fullmatch(".*".join(re.escape(part) for part in last.split("*")), name) is not None


def _find(observations: Observations, file: str, directory: str, given: InstallCommand) -> str:
    """The repository's path of a requirement file a command names; images copy files about: the name will do.

    Of several with that name, an image that is built in a folder of its own takes the one that lies there.
    """
    path = _normal(directory, file)
    if path in observations.files:
        return path
    beside = _normal(posixpath.dirname(given.place.path), file)
    if given.where == "image" and beside in observations.files:
        return beside
    parts = [part for part in file.split("/") if part not in ("", ".", "..")]
    for length in range(len(parts), 0, -1):
        tail = "/".join(parts[-length:])
        candidates = [known for known in observations.requirements if known == tail or known.endswith("/" + tail)]
        if tail in candidates:
            return tail
        if len(candidates) == 1:
            return candidates[0]
    return path


def _normal(directory: str, file: str) -> str:
    return posixpath.normpath(posixpath.join(directory, file))


def _any_exporter(locks: tuple[LockFile, ...], directory: str) -> str:
    return next((lock.path for tool in ("uv", "poetry", "pdm") if (lock := _lock_for(tool, locks, directory))), "")


def _exported(locks: tuple[LockFile, ...], directory: str, file: str, observations: Observations) -> str:
    """Why a requirement file that is not in the repository is no lock; "" when it was exported from one on the way."""
    if _any_exporter(locks, directory) and _mentions_export(observations):
        return ""
    return f"{file} is not in the repository"


def _mentions_export(observations: Observations) -> bool:
    return any(
        _EXPORT.search(text)
        for path, text in observations.sources.items()
        if path in observations.dockerfiles or path.endswith((".yml", ".yaml", ".sh", "Makefile"))
    )
