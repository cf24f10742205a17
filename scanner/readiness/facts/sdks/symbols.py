"""How many symbols are written as one: braces (`a.{B,C}().{d,e}`) and stars (`sklearn.**().predict`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise, product

MAX_EXPANSION = 20_000
_NAME = r"[A-Za-z]\w*"  # a public name
_STARS = {"**": rf"{_NAME}(?:\.{_NAME})*", "*": _NAME}
_MARK = re.compile(r"[{},]")
_PART = re.compile(r"\*\*|\*|[{},]|[^*{},]+")


@lru_cache(maxsize=4096)
def expand(pattern: str) -> tuple[str, ...]:
    """Brace expansion: `a.{B,C}().{d,e}` -> four symbols; alternatives may be empty and may nest.

    Raises ValueError where braces do not match or the result would be unreasonably long.
    """
    if "{" not in pattern and "}" not in pattern:
        return (pattern,)
    parts = list(_parts(pattern))
    size = 1
    for alternatives in parts:
        size *= len(alternatives)
    if size > MAX_EXPANSION:
        raise ValueError(f"expands to {size} symbols; the limit is {MAX_EXPANSION}")
    return tuple("".join(choice) for choice in product(*parts))


def as_expression(pattern: str) -> str:
    """The regular expression of a pattern with stars: `*` is one name, `**` names with dots between them."""
    translated = {"{": "(?:", "}": ")", "*": _STARS["*"], "**": _STARS["**"]}
    depth, found = 0, []
    for part in _PART.findall(pattern):
        depth += {"{": 1, "}": -1}.get(part, 0)
        if part == ",":
            found.append("|" if depth else ",")
        else:
            found.append(translated.get(part) or re.escape(part))
    return "".join(found)


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """The expression of a pattern, compiled when it is first needed: few repositories need more than a handful."""
    return re.compile(as_expression(pattern))


def roots(pattern: str) -> set[str]:
    """The top-level names that the symbols of a pattern begin with."""
    head = pattern
    if "{" in pattern.partition(".")[0]:
        closing, _ = _group(pattern, pattern.index("{"))
        head = pattern[: closing + 1]
    return {root(symbol) for symbol in expand(head)}


def root(path: str) -> str:
    """The top-level name of a canonical path: `openai` of `openai.OpenAI().chat`."""
    return path.partition(".")[0].removesuffix("()")


def prefixes(path: str) -> Iterator[tuple[str, str]]:
    """(beginning, rest) at every boundary of a path, the longest beginning first."""
    yield path, ""
    for index in range(len(path) - 1, 0, -1):
        if path[index] in ".(":
            yield path[:index], path[index:]


def _parts(pattern: str) -> Iterator[list[str]]:
    """The pattern cut at its outer braces: for each part, what it may be."""
    start = 0
    while (opening := pattern.find("{", start)) >= 0:
        closing, commas = _group(pattern, opening)
        if "}" in pattern[start:opening]:
            raise ValueError("a closing brace without its opening one")
        yield [pattern[start:opening]]
        cuts = [opening, *commas, closing]
        yield [text for left, right in pairwise(cuts) for text in expand(pattern[left + 1 : right])]
        start = closing + 1
    if "}" in pattern[start:]:
        raise ValueError("a closing brace without its opening one")
    yield [pattern[start:]]


def _group(pattern: str, opening: int) -> tuple[int, list[int]]:
    """Where the group that opens here closes, and the commas that part it."""
    depth = 0
    commas: list[int] = []
    for match in _MARK.finditer(pattern, opening):
        mark = match.group()
        if mark == "{":
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth == 0:
                return match.start(), commas
        elif depth == 1:
            commas.append(match.start())
    raise ValueError("an opening brace without its closing one")
