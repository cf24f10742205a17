"""A file that could not be read, and why."""

from __future__ import annotations


class Unread(Exception):
    """Raised by a reader for a file it cannot make sense of.

    `reason` is written for the user: what is wrong, and in which line where that is known. Nothing in such a file may
    be judged, neither for nor against the repository.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
