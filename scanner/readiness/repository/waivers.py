"""Waivers: findings that a repository's owners accept, in their configuration, for a reason and for a time.

    [[waivers]]
    check = "fallback-path"
    path = "src/batch/"                      # a pattern; without it the whole repository
    reason = "the nightly job may fail"
    owner = "platform team"
    expires = 2027-03-31                     # the last day on which it holds

    [[waivers]]
    check = "rate-limiting"
    kind = "satisfied-elsewhere"             # it counts as done; evidence says where
    evidence = "https://wiki.example.org/gateway#limits"
    reason = "the platform's gateway limits every tenant"
    owner = "platform team"
    expires = 2027-03-31

Who leaves out a reason, an owner or an end is told so, as for any other key. A day that is no day is no error: the
waiver counts as expired, and that is reported, so that a slip of the pen never keeps a finding away for good.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from readiness.errors import UsageError

KINDS = ("accepted", "satisfied-elsewhere")
MOST_WAIVERS = 500
LONGEST_TEXT = 2000

WAIVER_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {
        "check": {"$ref": "#/$defs/check"},
        "path": {"type": "string", "description": "a pattern; without it the whole repository"},
        "reason": {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT},
        "owner": {"type": "string", "minLength": 1, "description": "a person or a team"},
        "expires": {"type": "string", "format": "date", "description": "the last day on which it holds"},
        "kind": {"enum": list(KINDS), "default": "accepted"},
        "evidence": {"type": "string", "description": "where it is satisfied, for `satisfied-elsewhere`"},
    },
    "required": ["check", "reason", "owner", "expires"],
    "additionalProperties": False,
    "if": {"properties": {"kind": {"const": "satisfied-elsewhere"}}, "required": ["kind"]},
    "then": {"required": ["evidence"]},
}

_REQUIRED = ("check", "reason", "owner", "expires")
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*(?:tool[ \t]*\.[ \t]*readiness[ \t]*\.[ \t]*)?waivers[ \t]*\]\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Waiver:
    """One entry, as it is written; `expires` is an ISO day or what stands in its place.

    `path` is a pattern in the language of `.gitignore`, empty for the whole repository. `source` and `line` say where
    the entry is written; the line is 1 where the entries are not tables of their own.
    """

    check: str
    reason: str
    owner: str
    expires: str
    path: str = ""
    kind: str = "accepted"
    evidence: str = ""
    source: str = ""
    line: int = 1


def read_waivers(where: str, value: object, checked_pattern: Callable[[str, str], str]) -> tuple[Waiver, ...]:
    """The waivers of a configuration.

    Args:
        where: what to call the list in an error.
        value: the list, as TOML gives it.
        checked_pattern: returns a pattern that is allowed, raises UsageError for another.

    Raises:
        UsageError: no list of tables, an unknown key, a required one that is missing or empty, a value of a wrong kind.
    """
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise UsageError(f"{where} must be tables: write each one below a line [[waivers]].")
    if len(value) > MOST_WAIVERS:
        raise UsageError(f"{where} has {len(value)} entries, at most {MOST_WAIVERS} are allowed.")
    return tuple(
        _waiver(f"{where}, entry {number}", entry, checked_pattern) for number, entry in enumerate(value, start=1)
    )


def located(waivers: tuple[Waiver, ...], text: str, source: str) -> tuple[Waiver, ...]:
    """The waivers with the place where each is written in `text`, the content of the file `source`."""
    lines = [text.count("\n", 0, found.start()) + 1 for found in _HEADER.finditer(text)]
    if len(lines) != len(waivers):  # written inline, as `waivers = [{…}]`
        lines = [1] * len(waivers)
    return tuple(replace(waiver, source=source, line=line) for waiver, line in zip(waivers, lines, strict=True))


def _waiver(where: str, entry: Mapping[str, object], checked_pattern: Callable[[str, str], str]) -> Waiver:
    known = (*_REQUIRED, "path", "kind", "evidence")
    for key in entry:
        if key not in known:
            raise UsageError(f"{where}: unknown key {key[:80]!r}. Known are: {', '.join(known)}.")
    given = {key: _text(f"{where}: {key}", value) for key, value in entry.items()}
    for key in _REQUIRED:
        if not given.get(key):
            raise UsageError(f"{where}: {key} is missing. A waiver says {', '.join(_REQUIRED[:-1])} and when it ends.")
    if given.get("path"):
        checked_pattern(given["path"], f"{where}: path")
    kind = given.get("kind", "accepted")
    if kind not in KINDS:
        raise UsageError(f"{where}: kind is {kind[:80]!r}, one of {' and '.join(KINDS)} was expected.")
    if kind == "satisfied-elsewhere" and not given.get("evidence"):
        raise UsageError(f"{where}: evidence is missing. Say where it is satisfied: an address, or a file.")
    return Waiver(
        check=given["check"],
        reason=given["reason"],
        owner=given["owner"],
        expires=given["expires"],
        path=given.get("path", ""),
        kind=kind,
        evidence=given.get("evidence", ""),
    )


def _text(where: str, value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()  # of a moment only the day counts; it is written out and found to be no day
    if isinstance(value, str) and len(value) <= LONGEST_TEXT:
        return " ".join(value.split())
    if isinstance(value, str):
        raise UsageError(f"{where} is longer than {LONGEST_TEXT} characters.")
    if where.endswith(": expires"):
        return str(value)[:80]
    raise UsageError(f"{where} must be a text.")
