"""The files of a work tree, looked at one by one and never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field

from readiness.repository.limits import Budget
from readiness.repository.reading import Reader, in_words
from readiness.repository.tree import UnreadableError


@dataclass(slots=True)
class OnDisk:
    """The `Store` of the folder `root` (absolute, resolved)."""

    root: str
    budget: Budget
    _links: dict[str, bool] = field(default_factory=lambda: {"": False})

    def link_above(self, raw: str) -> str | None:
        """The topmost directory above a path that is a link in the work tree, whatever git believes it to be."""
        directory = raw.rpartition("/")[0]
        unknown: list[str] = []
        while directory not in self._links:
            unknown.append(directory)
            directory = directory.rpartition("/")[0]
        if self._links[directory]:
            return self.link_above(directory) or directory
        for path in reversed(unknown):
            try:
                self._links[path] = stat.S_ISLNK(os.lstat(f"{self.root}/{path}").st_mode)
            except OSError:
                self._links[path] = False  # missing or closed: what is said of the file itself will tell
            if self._links[path]:
                return path
        return None

    def look(self, raw: str) -> tuple[int, int]:
        """The mode and size of what is there; raises `UnreadableError`."""
        try:
            status = os.lstat(f"{self.root}/{raw}")
        except FileNotFoundError:
            raise UnreadableError("tracked by git, but not in the work tree") from None
        except OSError as error:
            raise UnreadableError(in_words(error)) from None
        return status.st_mode, status.st_size

    def target(self, raw: str) -> str:
        """What is written in a link; empty where it cannot be read."""
        try:
            return os.readlink(f"{self.root}/{raw}")
        except OSError:
            return ""

    def reader(self, raw: str, limit: int) -> Callable[[], bytes]:
        """`File.read` of a regular file; raises `UnreadableError` for one that is closed to us."""
        absolute = f"{self.root}/{raw}"
        if not os.access(absolute, os.R_OK):
            raise UnreadableError("cannot be read: permission denied")
        return Reader(absolute, limit, self.budget)
