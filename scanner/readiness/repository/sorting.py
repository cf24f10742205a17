"""From listed paths to files that can be read, files that hold no text, and files passed over with a reason."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from readiness.repository.globs import Rules
from readiness.repository.kinds import Kind, kind_of, largest
from readiness.repository.limits import size_in_words
from readiness.repository.reading import not_regular, too_large
from readiness.repository.roles import role_of
from readiness.repository.selection import EXCLUDED, Listing, Search
from readiness.repository.tree import File, Role, Skipped, UnreadableError

_ROOT = "./"


def printable(path: str) -> str:
    """A raw path as text that any encoder accepts: bytes that are not UTF-8 become `\\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class Store(Protocol):
    """Where the listed files lie: a work tree, or the objects of a revision. Paths are raw, below the root."""

    def link_above(self, raw: str) -> str | None:
        """The topmost directory above a path that is a link, whatever the listing believes it to be."""

    def look(self, raw: str) -> tuple[int, int]:
        """The mode (as `stat` has it) and the size of what is there; raises `UnreadableError` with the reason."""

    def target(self, raw: str) -> str:
        """What is written in a link; empty where it cannot be read."""

    def reader(self, raw: str, limit: int) -> Callable[[], bytes]:
        """`File.read` of a regular file; raises `UnreadableError` where it is known that it will not be read."""


@dataclass(slots=True)
class Sorter:
    """Looks at each listed path once, in the order of the paths, and never opens anything."""

    search: Search
    store: Store
    roles: Mapping[str, Role]
    files: list[File] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    _overrides: list[tuple[Rules, Role]] = field(default_factory=list)
    _listed: dict[str, str] = field(default_factory=dict)
    _targets: dict[str, str] = field(default_factory=dict)
    _bytes: int = 0

    def __post_init__(self) -> None:
        self._overrides = [(Rules.of([pattern]), role) for pattern, role in self.roles.items()]

    def sort(self, listing: Listing) -> None:
        """Sort the paths of a listing into `files`, `others` and `skipped`."""
        for path, reason in listing.skipped.items():
            self.skipped[printable(path) if path != "/" else _ROOT] = reason
        for raw in sorted(listing.paths):
            path = printable(raw)
            if path in self._listed:
                self._skip(path, "another file's name looks the same in print")
                continue
            self._listed[path] = raw
        for path, raw in sorted(self._listed.items()):
            if self.search.budget.exhausted:
                self._skip(path, self.search.budget.reason)
                continue
            with self.search.budget.spending():
                self._sort(path, raw)
        read = {file.path for file in self.files}
        for path, target in self._targets.items():
            if target in read:
                self._skip(path, f"symbolic link to {target}, which is read itself")

    def all_skipped(self) -> tuple[Skipped, ...]:
        """Everything passed over, refused directories included, in the order of the paths."""
        refused = {printable(path) + "/": reason for path, reason in self.search.selection.refused.items()}
        return tuple(Skipped(path, reason) for path, reason in sorted({**refused, **self.skipped}.items()))

    def _skip(self, path: str, reason: str) -> None:
        self.skipped[path] = reason

    def _sort(self, path: str, raw: str) -> None:
        if self.search.selection.excluded.decide(raw, directory=False):
            return self._skip(path, EXCLUDED)
        link = self.store.link_above(raw)
        if link is not None:
            return self._skip(printable(link), "symbolic link")
        try:
            mode, size = self.store.look(raw)
        except UnreadableError as error:
            return self._skip(path, str(error))
        special = not_regular(mode)
        if special is not None:
            if stat.S_ISLNK(mode):
                self._targets[path] = _target(raw, self.store.target(raw))
            return self._skip(path, special)
        kind = kind_of(path)
        if len(self.files if kind is not Kind.OPAQUE else self.others) >= self.search.limits.files:
            return self._skip(path, f"over the limit of {self.search.limits.files} files")
        if kind is Kind.OPAQUE:
            return self.others.append(path)
        return self._take(path, raw, size, largest(kind, self.search.limits))

    def _take(self, path: str, raw: str, size: int, limit: int) -> None:
        if size > limit:
            return self._skip(path, too_large(size, limit))
        if self._bytes + size > self.search.limits.total_bytes:
            return self._skip(path, f"over the limit of {size_in_words(self.search.limits.total_bytes)} for all files")
        try:
            reader = self.store.reader(raw, limit)
        except UnreadableError as error:
            return self._skip(path, str(error))
        self._bytes += size
        self.files.append(File(path, size, self._role(path), reader))
        return None

    def _role(self, path: str) -> Role:
        for rules, role in self._overrides:
            if rules.covers(path):
                return role
        return role_of(path)


def _target(raw: str, written: str) -> str:
    """Where a link leads, as a path below the root; what leads elsewhere is the path of no file there."""
    return printable(posixpath.normpath(posixpath.join(raw.rpartition("/")[0], written))) if written else ""
