"""Requirement files, in pip's syntax."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_COMMENT = re.compile(r"(^|\s)#.*$")
_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(.*)", re.DOTALL)
_HASH = re.compile(r"--hash[= ]\s*\S+")
_PER_LINE_OPTION = re.compile(r"\s--?[A-Za-z][\w-]*(?:[= ]\s*\S+)?.*$", re.DOTALL)
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_COMMIT = re.compile(r"@[0-9a-f]{40}(?:[#?].*)?$")
_VCS = re.compile(r"(?:git|hg|svn|bzr)\+")
_ADDRESS = re.compile(r"(?:(?:git|hg|svn|bzr)\+)?[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_SEPARATOR = re.compile(r"[-_.]+")
_MAX_LINES = 20_000


def normalise(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503): lower case, runs of `-_.` as one `-`."""
    return _SEPARATOR.sub("-", name.strip()).lower()


@dataclass(frozen=True, slots=True)
class Requirement:
    """One required distribution.

    `name` is normalised and empty where only an address is given; `specifier` as written (`==1.2`, `>=1,<2`, ``);
    `url` for addresses and local paths; `pinned` when exactly one release or commit satisfies it; `via` when a comment
    of the resolver tells who asked for it.
    """

    name: str
    specifier: str
    line: int
    end_line: int
    extras: tuple[str, ...] = ()
    marker: str = ""
    url: str = ""
    editable: bool = False
    hashed: bool = False
    pinned: bool = False
    via: bool = False


@dataclass(frozen=True, slots=True)
class Requirements:
    """One requirement file: what it asks for, which others it includes (`-r`) or is constrained by (`-c`)."""

    path: str
    required: tuple[Requirement, ...]
    includes: tuple[tuple[str, int], ...] = ()
    constraints: tuple[tuple[str, int], ...] = ()
    options: tuple[tuple[str, int], ...] = field(default=())


def parse_requirement(text: str, line: int = 1, end: int = 1, *, via: bool = False) -> Requirement | None:
    """One requirement specifier (PEP 508, or pip's addresses and paths); None for what is none."""
    editable = bool(re.match(r"(?:-e|--editable)[= \t]", text))
    body = re.sub(r"^(?:-e|--editable)[= \t]+", "", text) if editable else text
    hashed = _HASH.search(body) is not None
    body = _PER_LINE_OPTION.sub("", body).strip()
    if len(body) > 1 and body[0] == body[-1] and body[0] in "'\"":
        body = body[1:-1]
    if not body or body.startswith("-"):
        return None
    if _ADDRESS.match(body) or body.startswith((".", "/")) or re.match(r"[\w./-]+\.(?:whl|tar\.gz|zip)$", body):
        body, _, marker = body.partition(" ;")
        egg = _EGG.search(body)
        name = normalise(egg[1]) if egg else ""
        fixed = _fixed(body, hashed)
        return Requirement(name, "", line, end, (), marker.strip(), body.strip(), editable, hashed, fixed, via)
    match = _NAME.fullmatch(body)
    if match is None:
        return None
    extras = tuple(sorted(normalise(extra) for extra in (match[2] or "").split(",") if extra.strip()))
    rest = match[3].strip()
    if rest.startswith("@"):
        url, _, marker = rest[1:].strip().partition(" ;")
        fixed = _fixed(url, hashed)
        return Requirement(
            normalise(match[1]), "", line, end, extras, marker.strip(), url.strip(), editable, hashed, fixed, via
        )
    specifier, _, marker = rest.partition(";")
    specifier = specifier.strip().strip("()").strip()
    if specifier and specifier[0] not in "=<>!~":
        return None
    exact = is_exact(specifier)
    return Requirement(
        normalise(match[1]), specifier, line, end, extras, marker.strip(), "", editable, hashed, exact, via
    )


def is_exact(specifier: str) -> bool:
    """Whether a specifier admits one release only: `==1.2.3` or `===…`, not `==1.*`."""
    return any(clause.strip().startswith("==") and not clause.strip().endswith("*") for clause in specifier.split(","))


def _fixed(url: str, hashed: bool) -> bool:
    address = url.strip()
    if _VCS.match(address):
        return _COMMIT.search(address) is not None
    return hashed or bool(_ADDRESS.match(address)) or address.startswith((".", "/"))


def read_requirements(path: str, text: str) -> Requirements:
    """Reads a requirement file. Lines that are no requirement are passed over, as are those after the first 20,000."""
    required: list[Requirement] = []
    includes: list[tuple[str, int]] = []
    constraints: list[tuple[str, int]] = []
    options: list[tuple[str, int]] = []
    for line, end, body, via in _logical_lines(text):
        include = re.match(r"(?:-r|--requirement)[= \t]*(\S+)", body)
        constraint = re.match(r"(?:-c|--constraint)[= \t]*(\S+)", body)
        if include:
            includes.append((include[1], line))
        elif constraint:
            constraints.append((constraint[1], line))
        elif body.startswith("-") and not re.match(r"(?:-e|--editable)[= \t]", body):
            options.append((body, line))
        elif (requirement := parse_requirement(body, line, end, via=via)) is not None:
            required.append(requirement)
    return Requirements(path, tuple(required), tuple(includes), tuple(constraints), tuple(options))


def _logical_lines(text: str) -> list[tuple[int, int, str, bool]]:
    """(first line, last line, text without comments, whether a `# via` comment belongs to it), continuations joined."""
    lines = text.split("\n")[:_MAX_LINES]
    logical: list[tuple[int, int, str, bool]] = []
    index = 0
    while index < len(lines):
        start = index
        parts: list[str] = []
        via = "# via" in lines[index] and not lines[index].lstrip().startswith("#")
        while True:
            part = _COMMENT.sub("", lines[index]).rstrip()
            continues = part.endswith("\\") and index + 1 < len(lines)
            parts.append(part[:-1].rstrip() if part.endswith("\\") else part)
            index += 1
            if not continues:
                break
        body = " ".join(part.strip() for part in parts).strip()
        if body:
            # The resolver writes "# via" on the same line or indented below the requirement.
            via = via or (index < len(lines) and re.match(r"\s+# via\b", lines[index]) is not None)
            logical.append((start + 1, index, body, via))
    return logical
