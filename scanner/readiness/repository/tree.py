"""A repository as the scanner sees it: the files it may read, and those it passed over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Role(StrEnum):
    """What a file is for (rules-of-evidence.md, "Path classes"). Only SERVING files drive the checks of sites."""

    SERVING = "serving"
    SCRIPT = "script"
    TEST = "test"
    EVAL = "eval"
    EXAMPLE = "example"
    NOTEBOOK = "notebook"
    ARCHIVED = "archived"
    VENDORED = "vendored"


class UnreadableError(Exception):
    """A file that was there when the repository was opened cannot be read after all; the message is the reason."""


@dataclass(frozen=True, slots=True)
class File:
    """One readable file: `path` relative to the root with `/`, `size` in bytes, `read` returns its bytes (bounded).

    Bytes of a name that are not UTF-8 appear in `path` as `\\xff`, so that a path can always be written anywhere.
    `read` raises `UnreadableError` where the file has gone, has grown over its limit, or the time is used up.
    """

    path: str
    size: int
    role: Role
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was passed over, and why, in words for the user."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Repository:
    """What was found under a root, each tuple in the order of the paths.

    `committed` is the commit's date (UTC). `others` are the paths of files that exist but
    hold no text (images, archives, model weights …): nothing is passed over there, yet a fact may ask for one.
    In `skipped`, a path that ends with `/` is a directory that was not entered. `prefix` leads from the top of the git
    work tree to the root (`services/chat/`); it is empty where they are the same, or where there is no work tree.
    """

    name: str
    revision: str | None
    dirty: bool
    committed: date | None
    files: tuple[File, ...]
    skipped: tuple[Skipped, ...]
    others: tuple[str, ...] = ()
    prefix: str = ""
