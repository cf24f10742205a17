"""Reading one file of a hostile tree: never through a link, never from a pipe or a device, never more than allowed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from readiness.repository.limits import Budget, size_in_words
from readiness.repository.tree import UnreadableError

# O_NONBLOCK: opening a pipe that replaced a file must not wait for a writer. Windows has neither flag, nor the danger.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_KINDS = (
    (stat.S_ISLNK, "symbolic link"),
    (stat.S_ISFIFO, "named pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
    (stat.S_ISDIR, "directory"),
)


def in_words(error: OSError) -> str:
    """A file system's error as a reason: "cannot be read: permission denied"."""
    return f"cannot be read: {(error.strerror or type(error).__name__).lower()}"


def not_regular(mode: int) -> str | None:
    """What a file is when it is not a regular one, in words; None for a regular file."""
    if stat.S_ISREG(mode):
        return None
    return next((words for matches, words in _KINDS if matches(mode)), "not a regular file")


def read_bytes(path: str, limit: int) -> bytes:
    """The bytes of the regular file at `path`.

    Parameters:
        path: an absolute path whose directories are already known to be real ones.
        limit: the largest size, in bytes, that is accepted.

    Raises:
        UnreadableError: not a regular file, larger than `limit`, or the file system refuses.
    """
    try:
        _require_regular(os.lstat(path).st_mode)
        descriptor = os.open(path, _FLAGS)
        try:
            status = os.fstat(descriptor)
            _require_regular(status.st_mode)
            if status.st_size > limit:
                raise UnreadableError(too_large(status.st_size, limit))
            return _read(descriptor, status.st_size, limit)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnreadableError(in_words(error)) from error


def too_large(size: int, limit: int) -> str:
    """Why a file of `size` bytes is passed over."""
    return f"too large: {size_in_words(size)}, the limit is {size_in_words(limit)}"


def _require_regular(mode: int) -> None:
    kind = not_regular(mode)
    if kind is not None:
        raise UnreadableError(kind)


def _read(descriptor: int, expected: int, limit: int) -> bytes:
    """Read to the end; a file that grows meanwhile, or whose size the system does not tell, still ends at `limit`."""
    chunks: list[bytes] = []
    size = 0
    while size <= limit:
        chunk = os.read(descriptor, min(max(expected + 1 - size, 65536), limit + 1 - size))
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
    raise UnreadableError(too_large(size, limit))


@dataclass(frozen=True, slots=True)
class Reader:
    """`File.read` of a work tree: reads the file anew at each call, within its limit and the repository's time."""

    path: str
    limit: int
    budget: Budget

    def __call__(self) -> bytes:
        """The file's bytes, as they are now."""
        if self.budget.exhausted:
            raise UnreadableError(self.budget.reason)
        with self.budget.spending():
            return read_bytes(self.path, self.limit)
