"""Which commit a work tree stands at, and whether it has been changed since.

What is staged is told by hashing the index into a tree name, what is changed by hashing files, both without git; when
in doubt (filters, line endings, too much to hash) a file counts as unchanged.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from readiness.repository.git_command import GitFailedError, output_of
from readiness.repository.index import DamagedIndexError, Entry, tree_of
from readiness.repository.limits import MEBIBYTE
from readiness.repository.reading import read_bytes
from readiness.repository.tree import UnreadableError

_MOST_HASHED = 128 * MEBIBYTE
_ATTRIBUTES = (b"filter", b"ident", b"working-tree-encoding")
_SHA1 = 20


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its name, its day (UTC), the name of its tree."""

    revision: str
    committed: date | None
    tree: str


def head_commit(top: str) -> Commit | None:
    """The commit at HEAD of the work tree at `top`; None without commits, without git, or where git cannot read it."""
    try:
        return commit_at(top, "HEAD")
    except GitFailedError:
        return None


def commit_at(top: str, name: str) -> Commit:
    """The commit of this name: `HEAD`, or a hash in full; never what a user wrote.

    Raises:
        GitFailedError: there is none, or git cannot read it.
    """
    output = output_of(top, "rev-list", "--no-walk", "--max-count=1", "--format=%H %ct %T", name, "--")
    try:
        return _commit(output.decode().splitlines()[-1])
    except (ValueError, IndexError):
        raise GitFailedError("git named no commit") from None


def _commit(line: str) -> Commit:
    revision, seconds, tree = line.split(" ")
    try:
        committed = datetime.fromtimestamp(int(seconds), UTC).date()
    except (ValueError, OverflowError, OSError):
        committed = None  # a forged commit can be of any year
    return Commit(revision, committed, tree)


def is_dirty(top: str, entries: Sequence[Entry], commit: Commit) -> bool:
    """Whether the tracked files differ from the commit: staged, changed, or gone. Untracked files do not count.

    Parameters:
        top: the work tree.
        entries: its whole index.
        commit: the commit at HEAD.
    """
    if not all(entry.settled for entry in entries):
        return True
    try:
        if tree_of(list(entries)) != commit.tree:
            return True
    except DamagedIndexError:
        return False
    doubtful = has_filters(top, entries)
    hashed = 0
    for entry in entries:
        if entry.is_submodule or not entry.expected:
            continue
        try:
            status = os.lstat(f"{top}/{entry.path}")
        except (FileNotFoundError, NotADirectoryError):
            return True
        except (OSError, ValueError):
            continue
        if stat.S_IFMT(status.st_mode) != stat.S_IFMT(entry.mode):
            return True
        if not stat.S_ISREG(status.st_mode) or (status.st_mtime_ns, status.st_size) == (entry.modified_ns, entry.size):
            continue
        hashed += status.st_size
        if not doubtful and hashed <= _MOST_HASHED and _changed(f"{top}/{entry.path}", entry):
            return True
    return False


def has_filters(top: str, entries: Sequence[Entry]) -> bool:
    """Whether attributes may make a file differ from its blob although nobody changed it."""
    paths = [".git/info/attributes"]
    paths += [entry.path for entry in entries if entry.path.rpartition("/")[2] == ".gitattributes"]
    for path in paths[:1000]:
        try:
            content = read_bytes(f"{top}/{path}", MEBIBYTE)
        except (UnreadableError, ValueError):
            continue
        if any(word in content for word in _ATTRIBUTES):
            return True
    return False


def _changed(path: str, entry: Entry) -> bool:
    """Whether the file is another than its blob, whichever way its lines end."""
    try:
        content = read_bytes(path, _MOST_HASHED)
    except (UnreadableError, ValueError):
        return False
    return not is_blob(content, entry.sha)


def is_blob(content: bytes, name: bytes) -> bool:
    """Whether git would store this content under this name, whichever way its lines end."""
    if _blob(content, len(name)) == name:
        return True
    return b"\r\n" in content and name in blob_names(content, len(name))


def blob_names(content: bytes, length: int) -> tuple[bytes, bytes]:
    """The names that git gives to a content, as it is and with its lines ending as in the repository.

    Parameters:
        content: of a file.
        length: that of the repository's hashes, in bytes: SHA-1 or SHA-256.
    """
    return _blob(content, length), _blob(content.replace(b"\r\n", b"\n"), length)


def _blob(content: bytes, length: int) -> bytes:
    data = b"blob %d\0" % len(content) + content
    digest = hashlib.sha1(data, usedforsecurity=False) if length == _SHA1 else hashlib.sha256(data)
    return digest.digest()
