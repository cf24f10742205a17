"""Suppressions: comments by which owners accept a finding beside the code it is about.

    reply = model.invoke(text)  # readiness: ignore[llm-timeout-set] runs at night, under a job limit

At the end of a line the comment speaks of that line; on a line of its own, of the first line below that is no comment.
In Python only real comments count, never texts that look like one. Everywhere else the comment signs of the usual
languages do; JSON, tables and lock files have no comments, and are for waivers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract.comments import python_comments
from readiness.extract.kinds import Kind, kind_of
from readiness.extract.observations import Observations
from readiness.repository.tree import Role

_MARK = "readiness:"
_NO_COMMENTS = frozenset({Kind.JSON, Kind.JSON_LINES, Kind.TABLE, Kind.LOCK})
_MOST = 1000
"""Suppressions of one repository that are looked at; who has more has no use for a score."""

_LONGEST_LINE = 2000
_BODY = r"readiness:[ \t]{0,4}ignore(?:\[(?P<checks>[^\]\n]{0,400})\])?(?P<reason>.*)"
_IN_PYTHON = re.compile(rf"#[ \t]{{0,4}}{_BODY}")
_ELSEWHERE = re.compile(rf"(?:^|(?<=\s))(?:#|//|;|--|/\*|<!--|\{{#-?|\{{\{{!(?:--)?)[ \t]{{0,4}}{_BODY}")
_IN_MARKDOWN = re.compile(rf"<!--[ \t]{{0,4}}{_BODY}")
_CLOSERS = re.compile(r"(?:\*/|--+>|-?#\}|(?:--)?\}\})\s*$")
_COMMENT_LINE = re.compile(r"\s*(?:#|//|;|--|/\*|<!--|\{#|\{\{!)")
_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_IN_A_CELL = re.compile(r'(?:\\n)?",?\s*$')


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment: where it stands, the line it speaks of, the checks it names (as written) and the reason it gives."""

    path: str
    line: int
    target: int
    checks: tuple[str, ...]
    reason: str


def find_suppressions(observations: Observations) -> tuple[Suppression, ...]:
    """Every suppression in the files that were read, by path and line; vendored files have no say."""
    found: list[Suppression] = []
    for path, text in sorted(observations.sources.items()):
        if _MARK in text and observations.files[path].role is not Role.VENDORED:
            found += _in_file(path, text)
    return tuple(found[:_MOST])


def _in_file(path: str, text: str) -> Iterator[Suppression]:
    kind = kind_of(path)
    if kind in _NO_COMMENTS:
        return
    lines = text.split("\n")
    for number, comment in _comments(kind, text, lines):
        checks = tuple(name for part in (comment["checks"] or "").split(",") if (name := part.strip()))
        reason = _CLOSERS.sub("", comment["reason"]).strip(" \t:-–—")
        yield Suppression(path, number, _target(lines, number), checks, reason)


def _comments(kind: Kind, text: str, lines: list[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """The line numbers and contents of the comments that begin like a suppression."""
    if kind is Kind.PYTHON:
        for number, comment in python_comments(text):
            if written := _IN_PYTHON.match(comment[:_LONGEST_LINE]):
                yield number, written
        return
    pattern = _IN_MARKDOWN if kind is Kind.MARKDOWN else _ELSEWHERE
    fenced = False
    for number, line in enumerate(lines, start=1):
        if kind is Kind.MARKDOWN and _FENCE.match(line):
            fenced = not fenced
        if _MARK not in line or fenced or len(line) > _LONGEST_LINE:
            continue
        found = pattern.search(_cell_line(line) if kind is Kind.NOTEBOOK else line)
        if found:
            yield number, found


def _cell_line(line: str) -> str:
    """A line of a notebook's code, out of the JSON that holds it."""
    return _IN_A_CELL.sub("", line.strip().removeprefix('"'))


def _target(lines: list[str], number: int) -> int:
    """The line that a comment speaks of: its own, or where it stands alone the next one that is no comment."""
    at = number
    while at <= len(lines) and _COMMENT_LINE.match(_cell_line(lines[at - 1])):
        at += 1
    return at if at <= len(lines) else number
