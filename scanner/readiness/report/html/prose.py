"""The catalogue's prose as blocks: paragraphs and lists, with code in them. No Markdown but that."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A run of words; `code` where it stood between backticks."""

    text: str
    code: bool


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph (one line) or a list (a line per item)."""

    items: tuple[Line, ...]
    is_list: bool


def blocks(text: str) -> tuple[Block, ...]:
    """The paragraphs and lists of a text; an item begins with `- `."""
    found: list[tuple[bool, list[str]]] = []
    fresh = True
    for line in (line.strip() for line in text.splitlines()):
        if not line:
            fresh = True
        elif line.startswith("- "):
            if not (found and found[-1][0]):
                found.append((True, []))
            found[-1][1].append(line[2:])
            fresh = False
        elif fresh or not found:
            found.append((False, [line]))
            fresh = False
        else:
            found[-1][1][-1] += f" {line}"
    return tuple(Block(tuple(_spans(item) for item in items), is_list) for is_list, items in found)


def _spans(text: str) -> Line:
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without its partner is a backtick
        return (Span(text, code=False),)
    return tuple(Span(part, code=bool(at % 2)) for at, part in enumerate(parts) if part)
