"""What `.dockerignore` keeps out of a build's context. Source: Docker's documentation of the file."""

from __future__ import annotations

import posixpath
import re

from readiness.extract.observations import Observations
from readiness.facts.delivery.containers import Image

MAX_PATTERNS = 1_000
MAX_PATTERN = 300
MAX_STARS = 10
"""Rules beyond these limits were not written by a person; they fit nothing."""


def excludes(observations: Observations, image: Image, path: str) -> bool:
    """Whether the `.dockerignore` that Docker reads for this image keeps `path` (relative to the context) out.

    Docker reads `<Dockerfile>.dockerignore` if there is one, else `.dockerignore` at the root of the context.
    """
    text = _text(observations, f"{image.dockerfile.path}.dockerignore")
    if text is None:
        text = _text(observations, posixpath.join(image.context, ".dockerignore"))
    return text is not None and is_ignored(text, path)


def is_ignored(text: str, path: str) -> bool:
    """Whether the rules keep a path out; the last rule that fits decides, `!` lets it in again."""
    ignored = False
    for line in text.split("\n")[:MAX_PATTERNS]:
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        lets_in = rule.startswith("!")
        pattern = posixpath.normpath(rule[1:].strip() if lets_in else rule).lstrip("/")
        if _fits(pattern, path):
            ignored = not lets_in
    return ignored


def _fits(pattern: str, path: str) -> bool:
    """A pattern fits a path or a folder above it."""
    parts = path.split("/")
    return any(glob_fits(pattern, "/".join(parts[: index + 1])) for index in range(len(parts)))


def glob_fits(pattern: str, path: str) -> bool:
    """Whether a pattern with `*`, `?`, `[…]` and `**` describes the whole path.

    All ways through the pattern are followed at once, so that no pattern takes longer than its length times the path's;
    patterns and paths beyond the limits fit nothing.
    """
    if len(path) > MAX_PATTERN or not any(mark in pattern for mark in "*?["):
        return path == pattern
    tokens = _tokens(pattern)
    states = _closure({0}, tokens)
    for character in path:
        following: set[int] = set()
        for state in states:
            if state == len(tokens):
                continue
            kind, allowed = tokens[state]
            if kind in ("**", "**/"):
                following.add(state)
                if kind == "**/" and character == "/":
                    following.add(state + 1)
            elif kind == "*":
                if character != "/":
                    following.add(state)
            elif _takes(kind, allowed, character):
                following.add(state + 1)
        states = _closure(following, tokens)
    return len(tokens) in states


def _takes(kind: str, allowed: str, character: str) -> bool:
    if kind == "?":
        return character != "/"
    if kind == "[":
        negated = allowed[:1] in ("^", "!")
        return (character in allowed[negated:]) != negated
    return character == allowed


def _closure(states: set[int], tokens: list[tuple[str, str]]) -> set[int]:
    """The states, and those reached from them by letting a `*` stand for nothing.

    `**/` may do so only where it was entered: inside a folder's name it has to see the `/` first.
    """
    found = set(states)
    waiting = list(states)
    while waiting:
        state = waiting.pop()
        if state < len(tokens) and tokens[state][0] in ("*", "**") and state + 1 not in found:
            found.add(state + 1)
            waiting.append(state + 1)
        if state < len(tokens) and tokens[state][0] == "**/?" and state + 2 not in found:
            found.update((state + 1, state + 2))
            waiting.extend((state + 1, state + 2))
    return found


def _tokens(pattern: str) -> list[tuple[str, str]]:
    """The pattern's parts; `**/` is two: where nothing has been read of it yet (`**/?`), and inside of it (`**/`)."""
    found: list[tuple[str, str]] = []
    index = 0
    if len(pattern) > MAX_PATTERN or pattern.count("*") > MAX_STARS:
        return [("[", "")]  # fits nothing
    while index < len(pattern):
        character = pattern[index]
        if pattern.startswith("**/", index):
            found += [("**/?", ""), ("**/", "")]
            index += 3
        elif pattern.startswith("**", index):
            found.append(("**", ""))
            index += 2
        elif character == "[" and (end := pattern.find("]", index + 2)) > 0:
            found.append(("[", _range(pattern[index + 1 : end])))
            index = end + 1
        else:
            found.append((character, character))
            index += 1
    return found


def _range(text: str) -> str:
    """The characters of a class, `a-z` written out."""

    def spelled(match: re.Match[str]) -> str:
        first, last = ord(match.group(1)), ord(match.group(2))
        return "".join(map(chr, range(first, min(last, first + 128) + 1)))

    return re.sub(r"(.)-(.)", spelled, text)


def _text(observations: Observations, path: str) -> str | None:
    if path in observations.sources:
        return observations.sources[path]
    file = observations.files.get(path)
    if file is None:
        return None
    try:
        return file.read().decode("utf-8", "replace")
    except OSError:
        return None
