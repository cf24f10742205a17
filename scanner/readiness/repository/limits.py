"""How much of a repository is read at most: a scanner that can be stalled by what it scans protects nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds on what is read; whatever exceeds one is listed as skipped, with the bound as its reason.

    Parameters:
        file_bytes: the largest file of source, configuration or prose that is read.
        notebook_bytes: the largest `*.ipynb` (their outputs are large, their code is not).
        lock_bytes: the largest lock file of a package manager.
        total_bytes: the sum of the sizes of all files that are read, in order of their paths.
        files: how many files are read, in order of their paths.
        depth: how many directories may lie between the root and a file.
        seconds: wall-clock time spent on the file system (listing and reading, not on what is done with the bytes).
            The only limit in which time plays a part: on a sound disk it is never reached, and a report in which it
            was reached says so file by file.
    """

    file_bytes: int = MEBIBYTE
    notebook_bytes: int = 20 * MEBIBYTE
    lock_bytes: int = 8 * MEBIBYTE
    total_bytes: int = 512 * MEBIBYTE
    files: int = 50_000
    depth: int = 100
    seconds: float = 60.0


@dataclass(slots=True)
class Budget:
    """The seconds of `Limits.seconds` that are left. Only the time inside `spending()` counts."""

    total: float
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.total

    @property
    def exhausted(self) -> bool:
        """Whether the time is used up."""
        return self.left <= 0

    @property
    def reason(self) -> str:
        """What is said of a file that was passed over because the time was used up."""
        return f"the {self.total:g} seconds for reading were used up"

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count the time of the block."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.left -= time.monotonic() - start


def size_in_words(size: int) -> str:
    """A size for a reader: "1.5 MiB", "12 KiB", "9 bytes"."""
    if size >= MEBIBYTE:
        return f"{size / MEBIBYTE:.4g} MiB"
    if size >= KIBIBYTE:
        return f"{size / KIBIBYTE:.4g} KiB"
    return f"{size} bytes"
