"""Path patterns in the language of `.gitignore`, matched in linear time.

The patterns of a scanned repository are hostile input: a translation into one regular expression per pattern would let
`a*a*a*a*b` stall the scanner. Here a pattern is matched segment by segment; inside a segment `fnmatch.translate` gives
an expression that does not backtrack across its stars, and `**` is matched over segments by the two-pointer method, so
that the cost is at most the length of the pattern times the length of the path.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

LONGEST_PATTERN = 512
MOST_PATTERNS = 2_000

Segment = Callable[[str], object]
_SPECIAL = frozenset("*?[\\")


def _anything(name: str) -> bool:
    return True


def _segment(text: str) -> Segment | None:
    """How one segment of a pattern matches a name; None stands for `**`."""
    if text == "**":
        return None
    if not _SPECIAL.intersection(text):
        return text.__eq__
    if not text.strip("*"):
        return _anything
    escaped = re.sub(r"\\(.)", lambda match: f"[{match[1]}]" if match[1] in "*?[" else match[1], text)
    try:
        return re.compile(fnmatch.translate(escaped.replace("[^", "[!"))).match
    except re.error:
        return "/".__eq__  # no name contains a slash: a class that cannot be read matches nothing


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a pattern file. `anchored` rules match from the base, the others match a name at any depth."""

    segments: tuple[Segment | None, ...]
    anchored: bool
    directory_only: bool
    negated: bool
    text: str

    def matches(self, path: str, directory: bool) -> bool:
        """Whether the rule matches `path` (relative to its base) itself; what lies below a match is the caller's."""
        if self.directory_only and not directory:
            return False
        if not self.anchored:
            only = self.segments[0]
            return only is None or bool(only(path.rpartition("/")[2]))
        return _matches_all(self.segments, path.split("/"))


def _matches_all(pattern: Sequence[Segment | None], names: Sequence[str]) -> bool:
    at = name = 0
    star = resume = -1
    while name < len(names):
        if at < len(pattern) and pattern[at] is None:
            star, resume = at, name
            at += 1
            continue
        segment = pattern[at] if at < len(pattern) else None
        if segment is not None and segment(names[name]):
            at += 1
            name += 1
        elif star >= 0:
            resume += 1
            at, name = star + 1, resume
        else:
            return False
    return all(segment is None for segment in pattern[at:])


def rule(line: str) -> Rule | None:
    """Read one line of a `.gitignore`; None for a comment, an empty line and a line of unreasonable length."""
    text = line.rstrip("\r\n")
    while text.endswith(" ") and not text.endswith("\\ "):
        text = text[:-1]
    if not text or text.startswith("#") or len(text) > LONGEST_PATTERN:
        return None
    negated = text.startswith("!")
    text = text[negated:]
    directory_only = text.endswith("/")
    body = text.rstrip("/") if directory_only else text
    anchored = "/" in body
    parts = [part for part in body.split("/") if part]
    if not parts:
        return None
    segments = [_segment(part) for part in parts]
    if anchored and segments[-1] is None:
        segments.append(_anything)  # "a/**" is everything below a, not a itself
    return Rule(tuple(segments), anchored, directory_only, negated, text)


@dataclass(slots=True)
class Rules:
    """The rules of one pattern file, in order: the last one that matches decides.

    Plain names (`.venv/`) and plain endings (`*.log`), which are most of what people write, are found by look-up.
    """

    _names: dict[str, list[tuple[int, Rule]]] = field(default_factory=dict)
    _endings: dict[str, list[tuple[int, Rule]]] = field(default_factory=dict)
    _others: list[tuple[int, Rule]] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Rules:
        """Read the lines of a pattern file; at most `MOST_PATTERNS` rules are kept."""
        rules = cls()
        read = [made for made in map(rule, lines) if made is not None]
        for number, made in enumerate(read[:MOST_PATTERNS]):
            rules._add(number, made)
        return rules

    def _add(self, number: int, made: Rule) -> None:
        body = made.text.rstrip("/")
        ending = body[2:]
        if made.anchored:
            self._others.append((number, made))
        elif not _SPECIAL.intersection(body):
            self._names.setdefault(body, []).append((number, made))
        elif body.startswith("*.") and ending and not _SPECIAL.union(".").intersection(ending):
            self._endings.setdefault(ending, []).append((number, made))
        else:
            self._others.append((number, made))

    def decide(self, path: str, directory: bool) -> bool | None:
        """True: the path is matched; False: a `!` rule takes it back; None: no rule speaks of it."""
        name = path.rpartition("/")[2]
        candidates = [*self._names.get(name, ()), *self._others]
        if "." in name:
            candidates += self._endings.get(name.rpartition(".")[2], ())
        best: tuple[int, Rule] | None = None
        for number, candidate in candidates:
            if (best is None or number > best[0]) and candidate.matches(path, directory):
                best = number, candidate
        return None if best is None else not best[1].negated

    def covers(self, path: str) -> bool:
        """Whether the rules match the file `path` or a directory above it."""
        parts = path.split("/")
        above = ("/".join(parts[:end]) for end in range(1, len(parts)))
        return any(self.decide(directory, directory=True) for directory in above) or bool(
            self.decide(path, directory=False)
        )
