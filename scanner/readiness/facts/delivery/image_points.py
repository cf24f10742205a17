"""The six points of a reproducible, unprivileged image, and what spoils it whatever else is right.

1 tags · 2 lock · 3 user · 4 context · 5 command · 6 built in CI. Each point says where it is met and what is missing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from readiness.extract.dockerfile import ImageName, parse_image, substitute
from readiness.extract.observations import Observations
from readiness.facts.delivery.commands import Command
from readiness.facts.delivery.compose import ComposeService
from readiness.facts.delivery.containers import Image, Point, run_commands
from readiness.facts.delivery.dockerignore import excludes, glob_fits
from readiness.facts.delivery.image_command import real_command, scripts_of
from readiness.facts.delivery.image_vetoes import find_vetoes
from readiness.facts.delivery.runners import expand
from readiness.facts.packages.lock_files import is_transitive
from readiness.facts.place import Evidence, Place

_MOVING = frozenset({"latest", "production", "prod", "main", "master", "nightly", "edge"})
_ROOT_USERS = frozenset({"root", "0", "0:0", "root:root", "0:root", "root:0"})
_PYTHON_INSTALLERS = frozenset({"pip", "pip3", "uv", "poetry", "pipenv", "pdm", "conda", "mamba", "pixi"})
_LOCK_NAMES = {
    "uv": ("uv.lock",),
    "poetry": ("poetry.lock",),
    "pipenv": ("Pipfile.lock",),
    "pdm": ("pdm.lock",),
    "npm": ("package-lock.json",),
    "conda-lock": ("conda-lock.yml",),
    "pixi": ("pixi.lock",),
}


@dataclass(frozen=True, slots=True)
class ImageReport:
    """What one serving image does of the six points; `vetoes` keep it from being ready whatever the points say."""

    image: Image
    place: Place
    text: str
    pinned_tags: Point
    locked: Point
    non_root: Point
    clean_context: Point
    real_command: Point
    built_in_ci: Point
    vetoes: tuple[Evidence, ...]

    @property
    def all_points(self) -> tuple[Point, ...]:
        """The six points in the catalogue's order."""
        return (self.pinned_tags, self.locked, self.non_root, self.clean_context, self.real_command, self.built_in_ci)

    @property
    def points(self) -> int:
        """How many of the six points are met."""
        return sum(point.met for point in self.all_points)

    @property
    def has_lock(self) -> bool:
        """Whether point 2 is met."""
        return self.locked.met

    @property
    def is_unprivileged(self) -> bool:
        """Whether point 3 is met."""
        return self.non_root.met

    @property
    def locked_or_unprivileged(self) -> bool:
        """Whether at least one of points 2 and 3 is met."""
        return self.locked.met or self.non_root.met

    @property
    def missing(self) -> str:
        """What is missing, one clause per point, the vetoes last."""
        clauses = [point.missing for point in self.all_points if not point.met and point.missing]
        return "; ".join([*clauses, *(veto.text for veto in self.vetoes)])


def report_image(observations: Observations, image: Image, compose: tuple[ComposeService, ...]) -> ImageReport:
    """Judge nothing, measure everything: the six points and the vetoes of one image."""
    return ImageReport(
        image=image,
        place=image.place,
        text=image.text,
        pinned_tags=_tags(observations, image, compose),
        locked=_lock(observations, image),
        non_root=_user(observations, image),
        clean_context=_context(observations, image),
        real_command=real_command(observations, image),
        built_in_ci=_built(image),
        vetoes=tuple(find_vetoes(observations, image)),
    )


# 1 tags ------------------------------------------------------------


def is_pinned(image: ImageName) -> bool:
    """Whether a reference names one release: a digest, or a tag that does not move by its name.

    A reference whose tag the deployer fills in (`${VERSION}`) is not held against the repository.
    """
    if image.digest or image.name == "scratch":
        return True
    if not image.tag:
        return "$" in image.text
    return not _MOVING & set(re.split(r"[-_.]", image.tag.lower()))


def _tags(observations: Observations, image: Image, compose: tuple[ComposeService, ...]) -> Point:
    seen: list[tuple[ImageName, Place]] = []
    for stage in image.contributing:
        if stage.parent is None:
            seen.append((stage.base, Place(image.dockerfile.path, stage.line, stage.line)))
        for one in stage.instructions:
            source = one.flag("from") if one.name == "COPY" else None
            if source and image.dockerfile.stage_named(source) is None:
                named = parse_image(substitute(source, dict(image.dockerfile.arguments)))
                seen.append((named, image.at(one)))
    files = {service.path for service in image.services}
    folders = {posixpath.dirname(path) for path in files}
    for other in compose:
        beside = other.path in files or (not other.is_local and posixpath.dirname(other.path) in folders)
        if not beside:
            continue
        if other.build is None and other.image is not None:
            seen.append((other.image, other.place))
        elif other.build is not None and (side := observations.dockerfiles.get(other.build.dockerfile)) is not None:
            seen.extend(
                (stage.base, Place(side.path, stage.line, stage.line)) for stage in side.stages if stage.parent is None
            )
    moving = [(one, place) for one, place in seen if not is_pinned(one)]
    if moving:
        names = ", ".join(dict.fromkeys(one.text for one, _ in moving))
        return Point(
            "tags", False, tuple(Evidence(place, one.text) for one, place in moving), f"moving image tags ({names})"
        )
    return Point("tags", True, tuple(Evidence(place, one.text) for one, place in seen[:3]))


# 2 lock ------------------------------------------------------------


def _lock(observations: Observations, image: Image) -> Point:
    missing = "no install from a lock file"
    installs_python = any(
        command.program in _PYTHON_INSTALLERS
        for stage in image.contributing
        for one in stage.instructions
        if one.name == "RUN"
        for command in run_commands(image.dockerfile.path, one)
    )
    for stage in image.contributing:
        copied: list[str] = []
        environment: dict[str, str] = {}
        for one in image.dockerfile.effective(stage):
            if one.name in ("COPY", "ADD") and one.flag("from") is None:
                copied.extend(one.words[:-1])
            elif one.name in ("ENV", "ARG"):
                environment.update(one.pairs)
            elif one.name == "RUN":
                mounts = [value for key, value in one.flags if key == "mount"]
                mounted = [found for value in mounts for found in re.findall(r"(?:source|src)=([^,]+)", value)]
                for command in run_commands(image.dockerfile.path, one):
                    names = _frozen(observations, image.context, command, environment)
                    if not names or (installs_python and names == _LOCK_NAMES["npm"]):
                        continue  # the lock of a frontend says nothing of the packages the service runs on
                    if any(_is_there(observations, image, name, [*copied, *mounted]) for name in names):
                        return Point("lock", True, (Evidence(image.at(one), command.text[:120]),))
                    missing = f"{command.text[:60]} runs without its lock file in the image"
    return Point("lock", False, (), missing)


def _frozen(observations: Observations, context: str, command: Command, environment: dict[str, str]) -> tuple[str, ...]:
    """The lock files from which a command installs exactly; none when it may resolve anew."""
    program, words = command.program, command.arguments
    variables = {**environment, **dict(command.environment)}
    if program == "uv" and words[:1] == ("sync",):
        frozen = {"--frozen", "--locked"} & set(words) or {"UV_FROZEN", "UV_LOCKED"} & set(variables)
        return _LOCK_NAMES["uv"] if frozen else ()
    if program == "uv" and words[:1] == ("export",):
        return _LOCK_NAMES["uv"]
    if program == "poetry" and words[:1] in (("install",), ("sync",), ("export",)):
        return _LOCK_NAMES["poetry"]
    if program == "pipenv" and (words[:1] == ("sync",) or {"--deploy", "--ignore-pipfile"} & set(words)):
        return _LOCK_NAMES["pipenv"]
    if program == "pdm" and (words[:1] == ("sync",) or {"--frozen-lockfile", "--no-lock", "--check"} & set(words)):
        return _LOCK_NAMES["pdm"]
    if program == "npm" and words[:1] == ("ci",):
        return _LOCK_NAMES["npm"]
    if program == "conda-lock" or (program in ("pixi",) and {"--frozen", "--locked"} & set(words)):
        return _LOCK_NAMES["pixi" if program == "pixi" else "conda-lock"]
    if program in ("pip", "pip3", "uv") and {"install", "sync"} & set(words[:2]):
        named = [words[index + 1] for index, word in enumerate(words[:-1]) if word in ("-r", "--requirement")]
        named += [word for word in words if "sync" in words and word.endswith(".txt")]
        compiled = [path for path, one in observations.requirements.items() if is_transitive(one)]
        found = [_in_context([*observations.locks, *compiled], context, name) for name in named]
        return tuple(one for one in found if one) if all(found) else ()
    return ()


def _in_context(paths: Iterable[str], context: str, name: str) -> str:
    """The lock file of the repository that a name inside the image stands for, relative to the context."""
    prefix = f"{context}/" if context else ""
    known = [path for path in paths if path.startswith(prefix)]
    bare = posixpath.normpath(name).lstrip("/")
    for path in known:
        inside = path.removeprefix(prefix)
        if inside == bare or bare.endswith(f"/{inside}") or posixpath.basename(bare) == inside:
            return inside
    return ""


def _is_there(observations: Observations, image: Image, name: str, copied: list[str]) -> bool:
    """Whether a lock file exists in the context, is not kept out of it, and was copied before the install."""
    prefix = f"{image.context}/" if image.context else ""
    sources = [posixpath.normpath(one.lstrip("/") or ".") for one in copied]
    for path in observations.files:
        if not path.startswith(prefix) or posixpath.basename(path) != posixpath.basename(name):
            continue
        inside = path.removeprefix(prefix)
        if excludes(observations, image, inside):
            continue
        if any(source in (".", inside) or _is_inside(inside, source) for source in sources):
            return True
    return False


def _is_inside(path: str, source: str) -> bool:
    return path.startswith(f"{source}/") or glob_fits(source, path)


# 3 user, 4 context ------------------------------------------------------------


def _user(observations: Observations, image: Image) -> Point:
    users = [one for one in image.effective if one.name == "USER"]
    if users:
        name = users[-1].words[0] if users[-1].words else ""
        arguments = {
            key: value for one in image.effective if one.name in ("ARG", "ENV") for key, value in one.pairs if value
        }
        resolved = substitute(name, {**dict(image.dockerfile.arguments), **arguments})
        if resolved.lower() not in _ROOT_USERS:
            return Point("user", True, (Evidence(image.at(users[-1]), f"USER {name}"),))
    for service in image.services:
        if service.user and service.user.lower() not in _ROOT_USERS:
            return Point("user", True, (Evidence(service.place, f"user: {service.user}"),))
    base = image.dockerfile.lineage(image.stage)[0].base
    if not users and "nonroot" in base.tag:
        return Point("user", True, (Evidence(image.place, base.text),))
    for command in expand(observations, scripts_of(observations, image)):
        if {"gosu", "su-exec", "setpriv", "runuser"} & {command.program, *command.wrappers}:
            return Point("user", True, (Evidence(command.place, command.text[:120]),))
    return Point("user", False, (), "it runs as root")


def _context(observations: Observations, image: Image) -> Point:
    whole = [
        one
        for stage in image.contributing
        for one in stage.instructions
        if one.name in ("COPY", "ADD") and one.flag("from") is None and any(_is_whole(word) for word in one.words[:-1])
    ]
    if not whole:
        return Point("context", True, (Evidence(image.place, "only named files and folders are copied"),))
    kept = [name for name in (".env", ".git") if not excludes(observations, image, name)]
    if kept:
        return Point(
            "context",
            False,
            tuple(Evidence(image.at(one), f"{one.name} {one.text.split(chr(10))[0][:80]}") for one in whole),
            f"the whole context is copied and .dockerignore leaves {' and '.join(kept)} in it",
        )
    return Point(
        "context", True, tuple(Evidence(image.at(one), ".dockerignore excludes .env and .git") for one in whole[:1])
    )


def _is_whole(word: str) -> bool:
    return posixpath.normpath(word.lstrip("/") or ".") in (".", "*", "..") or word.startswith(("$PWD", "${PWD}"))


def _built(image: Image) -> Point:
    if not image.builds:
        return Point("ci", False, (), "no CI step builds it")
    return Point("ci", True, tuple(Evidence(one.place, one.text[:120]) for one in image.builds[:3]))
