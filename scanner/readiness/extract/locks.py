"""Lock files: which exact release of every distribution was chosen."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from readiness.extract.requirements import normalise
from readiness.extract.unread import Unread

MAX_BYTES = 16 * 1024 * 1024
"""Longer lock files are not read."""

TOOLS: dict[str, str] = {
    "uv.lock": "uv",
    "poetry.lock": "poetry",
    "pdm.lock": "pdm",
    "Pipfile.lock": "pipenv",
    "pylock.toml": "pylock",
    "conda-lock.yml": "conda-lock",
    "conda-lock.yaml": "conda-lock",
}
"""File name -> the tool that writes it. `pylock.<name>.toml` is a pylock too (PEP 751)."""

_NAMED_PYLOCK = re.compile(r"pylock\.[^.]+\.toml")
_ENTRY = re.compile(r'(name|version) = "([^"]*)"')
_IN_PLACE = re.compile(r"\b(?:editable|virtual|directory) = ")
_CONTENT_HASH = re.compile(r'content[-_]hash = "([^"]*)"')
_HEADING = re.compile(r"^(?:\[metadata\]|lock-?version\b|version = |package = \[\])", re.MULTILINE)
_EXPLICIT = re.compile(r"^@EXPLICIT[ \t]*\r?$", re.MULTILINE)
_CONDA_ARCHIVE = re.compile(r"\S*/([A-Za-z0-9_.-]+)-([^-/\s]+)-[^-/\s]+\.(?:conda|tar\.bz2)(?:#\S+)?")
_CONDA_ENTRY = re.compile(r"(?:- |  )(name|version): *['\"]?([^'\"\s]+)['\"]?")


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock file.

    `packages` maps normalised names to the versions chosen (several where they depend on the platform), () for what is
    locked by an address or is the project itself. `content_hash` is what the tool recorded of the manifest, with the
    line it stands in.
    """

    path: str
    tool: str
    packages: dict[str, tuple[str, ...]]
    content_hash: str = ""
    line: int = 1


def lock_tool(name: str) -> str:
    """The tool whose lock file has this name, "" for other files."""
    return TOOLS.get(name) or ("pylock" if _NAMED_PYLOCK.fullmatch(name) else "")


def is_explicit_export(text: str) -> bool:
    """Whether a text is conda's platform export (`@EXPLICIT` and a list of archives)."""
    return _EXPLICIT.search(text[:4096]) is not None


def read_lock(path: str, text: str) -> Lock:
    """Reads a lock file by its name, or conda's explicit export. Raises `Unread` when it is not valid."""
    if len(text) > MAX_BYTES:
        raise Unread(f"lock file of more than {MAX_BYTES // 1024 // 1024} MB")
    tool = lock_tool(path.rpartition("/")[2])
    try:
        if tool == "pipenv":
            return _pipenv(path, text)
        if tool == "conda-lock":
            return Lock(path, tool, _conda_lock(text))
        if not tool:
            return Lock(path, "conda-explicit", _explicit(text))
        return _lines(path, tool, text)
    except RecursionError:
        raise Unread("nested too deeply to be read safely") from None
    except ValueError as error:
        raise Unread(f"not a valid lock file: {error}") from None


def _lines(path: str, tool: str, text: str) -> Lock:
    """The TOML that uv, Poetry, PDM and `pip lock` write, one key a line; ten times as fast as reading it as TOML."""
    found: dict[str, list[str]] = {}
    recorded = name = version = ""
    in_package = is_project = False
    for line in [*text.split("\n"), "["]:
        if line.startswith("["):
            if in_package and name:
                found.setdefault(normalise(name), []).extend([version] if version and not is_project else [])
            in_package, name, version, is_project = line.startswith("[[package"), "", "", False
        elif in_package and (entry := _ENTRY.match(line)) is not None:
            name, version = (entry[2], version) if entry[1] == "name" else (name, entry[2])
        elif in_package and line.startswith("source"):
            is_project = _IN_PLACE.search(line) is not None
        elif (digest := _CONTENT_HASH.match(line)) is not None:
            recorded = digest[1]
    if not found and not _HEADING.search(text):
        raise Unread("not a valid lock file: it lists no packages")
    return Lock(path, tool, _frozen(found), recorded, _line_of(text, recorded))


def _pipenv(path: str, text: str) -> Lock:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise Unread("not a valid lock file: it holds no mapping")
    found: dict[str, list[str]] = {}
    for group in ("default", "develop"):
        entries = content.get(group)
        for name, entry in entries.items() if isinstance(entries, dict) else []:
            versions = found.setdefault(normalise(name), [])
            version = entry.get("version") if isinstance(entry, dict) else None
            if isinstance(version, str):
                versions.append(version.removeprefix("=="))
    meta = content.get("_meta")
    digest = meta.get("hash") if isinstance(meta, dict) else None
    recorded = digest.get("sha256") if isinstance(digest, dict) else None
    recorded = recorded if isinstance(recorded, str) else ""
    return Lock(path, "pipenv", _frozen(found), recorded, _line_of(text, recorded))


def _conda_lock(text: str) -> dict[str, tuple[str, ...]]:
    """The list under `package:`; such files are too long to be read as YAML, and written by one tool in one style."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.split("\n"):
        match = _CONDA_ENTRY.match(line)
        if match is not None and match[1] == "name":
            name = normalise(match[2])
        elif match is not None and name:
            found.setdefault(name, []).append(match[2])
            name = ""
    return _frozen(found)


def _explicit(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        match = _CONDA_ARCHIVE.fullmatch(line.strip()[:1000])
        if match is not None:
            found.setdefault(normalise(match[1]), []).append(match[2])
    return _frozen(found)


def _frozen(found: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(sorted(set(found[name]))) for name in sorted(found)}


def _line_of(text: str, recorded: str) -> int:
    at = text.rfind(recorded) if recorded else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else 1
