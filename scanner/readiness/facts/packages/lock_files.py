"""Lock files as facts: what they cover, and whether they still say what the manifest beside them asks for."""

from __future__ import annotations

import hashlib
import json
import posixpath
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from readiness.extract.locks import Lock
from readiness.extract.observations import Observations
from readiness.extract.requirements import Requirements
from readiness.facts.packages.manifests import Declared
from readiness.facts.place import Place

MANIFESTS = {"uv": "pyproject.toml", "poetry": "pyproject.toml", "pdm": "pyproject.toml", "pylock": "pyproject.toml",
             "pipenv": "Pipfile"}  # fmt: skip

_BROUGHT_ALONG = frozenset({
    "annotated-types", "anyio", "attrs", "certifi", "charset-normalizer", "click", "distro", "h11", "httpcore",
    "idna", "jiter", "markupsafe", "mdurl", "multidict", "packaging", "pydantic-core", "sniffio", "six",
    "typing-extensions", "urllib3", "yarl", "zipp",
})  # fmt: skip
_ENOUGH = 5

_LEGACY_KEYS = ("dependencies", "source", "extras", "dev-dependencies")
_PROJECT_KEYS = ("requires-python", "dependencies", "optional-dependencies")


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lock file or a fully locked requirement list.

    `in_sync` says whether it fits its manifest; None where that cannot be told. `why` names the first thing that does
    not fit. `packages` maps normalised names to the versions chosen.
    """

    place: Place
    text: str
    path: str
    tool: str
    packages: dict[str, tuple[str, ...]]
    in_sync: bool | None
    why: str = ""


def lock_files(observations: Observations, declared: tuple[Declared, ...]) -> tuple[LockFile, ...]:
    """Every lock file, and every requirement list that is one; conda's platform exports have tool `conda-explicit`."""
    found = [_lock_file(observations, lock, declared) for lock in observations.locks.values()]
    found.extend(
        LockFile(
            Place(path, 1, 1), f"{path}: every line exact, transitive", path, "requirements",
            {item.name: (_version(item.specifier),) for item in requirements.required if item.name}, True,
        )
        for path, requirements in observations.requirements.items()
        if is_transitive(requirements)
    )  # fmt: skip
    return tuple(sorted(found, key=lambda lock: lock.path))


def is_transitive(requirements: Requirements) -> bool:
    """Whether a list pins everything, dependencies of dependencies too.

    All lines exact, and hashes, the resolver's `# via`, or several distributions that nobody asks for himself but that
    every HTTP client or web framework brings along (as `pip freeze` writes them) tell that it is complete. Exact pins
    without any of these are direct pins: what those need in turn still floats.
    """
    required = requirements.required
    if not required or not all(item.pinned for item in required):
        return False
    if all(item.hashed or item.url for item in required) or any(item.via for item in required):
        return True
    return len(_BROUGHT_ALONG & {item.name for item in required}) >= _ENOUGH


def _version(specifier: str) -> str:
    return specifier.lstrip("= ")


def _lock_file(observations: Observations, lock: Lock, declared: tuple[Declared, ...]) -> LockFile:
    folder = posixpath.dirname(lock.path)
    manifest = posixpath.join(folder, MANIFESTS.get(lock.tool, ""))
    why, in_sync = "", None
    document = observations.document(manifest) if lock.tool in MANIFESTS else None
    if document is not None:
        if lock.tool == "poetry" and lock.content_hash:
            in_sync = lock.content_hash in _poetry_hashes(document.plain())
            why = "" if in_sync else "its content-hash is not that of pyproject.toml"
        else:
            why = _first_mismatch(lock, [item for item in declared if item.manifest == manifest])
            in_sync = not why
    place = Place(lock.path, lock.line, lock.line)
    return LockFile(place, lock.path, lock.path, lock.tool, lock.packages, in_sync, why)


def _first_mismatch(lock: Lock, wanted: list[Declared]) -> str:
    """What a manifest asks for and the lock file does not hold, in words; "" when all is there."""
    for item in wanted:
        versions = lock.packages.get(item.name)
        if versions is None:
            return f"{item.name} is not in it"
        if item.specifier and versions and all(satisfies(version, item.specifier) is False for version in versions):
            return f"{item.name} {item.specifier} is asked for, {versions[0]} is locked"
    return ""


def satisfies(version: str, specifier: str) -> bool | None:
    """Whether a version satisfies a PEP 440 specifier; None when one of them is not in that form."""
    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return None


def _poetry_hashes(plain: object) -> set[str]:
    """The content hashes that Poetry's releases compute for a `pyproject.toml`.

    Poetry 1 hashes four tables of `[tool.poetry]` (absent ones as null) and `group`; Poetry 2 adds parts of `[project]`
    and, in later releases, `[dependency-groups]`. Source: `poetry/packages/locker.py`, `_get_content_hash`.
    """
    content = plain if isinstance(plain, dict) else {}
    poetry = _table(_table(content.get("tool")).get("poetry"))
    project = {key: value for key in _PROJECT_KEYS if (value := _table(content.get("project")).get(key)) is not None}
    groups = content.get("dependency-groups")
    legacy: dict[str, object] = {key: poetry.get(key) for key in _LEGACY_KEYS}
    present: dict[str, object] = {key: value for key, value in legacy.items() if value is not None}
    if poetry.get("group") is not None:
        legacy["group"] = present["group"] = poetry["group"]
    candidates: list[dict[str, object]] = [legacy]
    for part in (legacy, present):
        modern: dict[str, object] = {"project": project, "tool": {"poetry": part}}
        candidates.append(modern)
        if groups is not None:
            candidates.append({**modern, "dependency-groups": groups})
    return {hashlib.sha256(json.dumps(item, sort_keys=True, default=str).encode()).hexdigest() for item in candidates}


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
