"""Markdown: headings, tables, links and code fences; enough to see what a document says and where."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t](.*))?")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*")
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\(\s*<?([^()\s<>]{1,1000})>?[^()]{0,300}\)")
_DIVIDER = re.compile(r":?-+:?")
_CELL = re.compile(r"(?<!\\)\|")
_MAX_LINES = 20_000
_MAX_LINE = 5_000


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: `level` from 1, its text without markers, and the last line of the section below it."""

    level: int
    text: str
    line: int
    section_end: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the header's cells and the rows' cells. `line` is the header's; rows follow from `line + 2`."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Link:
    """A link or image: its text and where it points."""

    text: str
    target: str
    line: int


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block of code: its language in lower case ("" if none is named) and its text. `line` is the opening."""

    language: str
    text: str
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Markdown:
    """One Markdown file; `words` counts the words outside code."""

    path: str
    headings: tuple[Heading, ...]
    tables: tuple[Table, ...]
    links: tuple[Link, ...]
    fences: tuple[Fence, ...]
    words: int
    lines: int


def read_markdown(path: str, text: str) -> Markdown:
    """Reads a Markdown file; at most 20,000 lines of at most 5,000 characters are looked at."""
    lines = [line[:_MAX_LINE] for line in text.split("\n")[:_MAX_LINES]]
    fences, inside = _fences(lines)
    headings: list[tuple[int, str, int]] = []
    tables: list[Table] = []
    links: list[Link] = []
    words = 0
    start = _after_front_matter(lines)
    for index in range(start, len(lines)):
        if index in inside:
            continue
        line = lines[index]
        words += len(line.split())
        if (heading := _HEADING.fullmatch(line)) is not None:
            headings.append((len(heading[1]), _title(heading[2] or ""), index + 1))
        elif _is_title(lines, index, inside):
            underline = lines[index + 1].lstrip()
            headings.append((1 if underline.startswith("=") else 2, line.strip(), index + 1))
        elif "|" in line and index + 1 < len(lines) and _is_divider(lines[index + 1]):
            tables.append(_table(lines, index, inside))
        if "](" in line:
            links.extend(Link(match[1].strip(), match[2], index + 1) for match in _LINK.finditer(line))
    return Markdown(path, _sections(headings, len(lines)), tuple(tables), tuple(links), fences, words, len(lines))


def _after_front_matter(lines: list[str]) -> int:
    """Where the text begins: a YAML front matter between `---` lines is no Markdown."""
    if lines and lines[0].rstrip() == "---":
        for index in range(1, min(len(lines), 200)):
            if lines[index].rstrip() == "---":
                return index + 1
    return 0


def _title(written: str) -> str:
    """A heading's text without the closing row of `#` that some writers add."""
    text = written.strip()
    bare = text.rstrip("#")
    return bare.rstrip() if not bare or bare[-1] in " \t" else text


def _is_divider(line: str) -> bool:
    return "|" in line and all(_DIVIDER.fullmatch(cell) for cell in _cells(line))


def _is_title(lines: list[str], index: int, inside: set[int]) -> bool:
    line = lines[index]
    if not line.strip() or index + 1 >= len(lines) or index + 1 in inside or line.lstrip()[0] in "|>-*+#":
        return False
    return _UNDERLINE.fullmatch(lines[index + 1]) is not None


def _fences(lines: list[str]) -> tuple[tuple[Fence, ...], set[int]]:
    """The fenced blocks, and the indices of all lines that belong to one."""
    fences: list[Fence] = []
    inside: set[int] = set()
    opened: tuple[int, str, str] | None = None
    for index, line in enumerate(lines):
        match = _FENCE.fullmatch(line)
        if opened is None:
            if match is not None:
                opened = (index, match[1], match[2].lower())
        elif match is not None and match[1].startswith(opened[1]) and not match[2]:
            fences.append(Fence(opened[2], "\n".join(lines[opened[0] + 1 : index]), opened[0] + 1, index + 1))
            inside.update(range(opened[0], index + 1))
            opened = None
    if opened is not None:
        fences.append(Fence(opened[2], "\n".join(lines[opened[0] + 1 :]), opened[0] + 1, len(lines)))
        inside.update(range(opened[0], len(lines)))
    return tuple(fences), inside


def _table(lines: list[str], start: int, inside: set[int]) -> Table:
    end = start + 2
    while end < len(lines) and end not in inside and "|" in lines[end]:
        end += 1
    rows = tuple(_cells(lines[index]) for index in range(start + 2, end))
    return Table(_cells(lines[start]), rows, start + 1, end)


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in _CELL.split(line.strip().removeprefix("|").removesuffix("|")))


def _sections(headings: list[tuple[int, str, int]], lines: int) -> tuple[Heading, ...]:
    """Each heading with the end of its section: the line before the next heading of its level or above."""
    ends: list[int] = [lines] * len(headings)
    open_sections: list[int] = []
    for index, (level, _, line) in enumerate(headings):
        while open_sections and headings[open_sections[-1]][0] >= level:
            ends[open_sections.pop()] = line - 1
        open_sections.append(index)
    return tuple(Heading(*heading, end) for heading, end in zip(headings, ends, strict=True))
