"""The list of tracked files, read from `.git/index` without running git.

Git's own listing can be made to run programs by the repository's configuration (`core.fsmonitor`; a sparse index with a
missing tree fetches through `remote.*.uploadpack`), and it does not tell the recorded file status that the dirty flag
needs. The format is a table: https://git-scm.com/docs/index-format, versions 2 to 4.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.repository.limits import MEBIBYTE
from readiness.repository.reading import read_bytes

LARGEST_INDEX = 128 * MEBIBYTE
_MOST_PATH_BYTES = 256 * MEBIBYTE  # version 4 shares prefixes: a small index can spell out very long paths
_LONGEST_PATH = 4096
_ENTRY = struct.Struct(">10I20sH")
_CHECKSUM = 20
_EXTENDED, _STAGE, _ASSUME_VALID = 0x4000, 0x3000, 0x8000
_SKIP_WORKTREE, _INTENT_TO_ADD = 0x4000, 0x2000
_TREE_MODE = 0o40000


class DamagedIndexError(Exception):
    """The index is damaged, or of a kind that is not read (split, sparse, SHA-256)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tracked path: what is staged for it, and the status its file had when it was last known to be equal to that.

    `path` is raw (bytes that are not UTF-8 as surrogate escapes); `sha` is the blob's name; `expected` says whether git
    expects the file in the work tree (not so in a sparse checkout); `settled` is False for a conflict or `git add -N`.
    """

    path: str
    mode: int
    sha: bytes
    size: int
    modified_ns: int
    expected: bool
    settled: bool

    @property
    def is_submodule(self) -> bool:
        """Whether the entry is the commit of another repository."""
        return stat.S_IFMT(self.mode) == 0o160000


def read_index(path: str) -> list[Entry]:
    """Read an index file.

    Raises:
        DamagedIndexError: damaged, too large, or of a kind that is not read.
        UnreadableError: not a plain file, or the file system refuses.
    """
    data = read_bytes(path, LARGEST_INDEX)
    if len(data) < 12 + _CHECKSUM or data[:4] != b"DIRC":
        raise DamagedIndexError("no index")
    trailer = data[-_CHECKSUM:]
    if trailer.strip(b"\0") and hashlib.sha1(data[:-_CHECKSUM], usedforsecurity=False).digest() != trailer:
        raise DamagedIndexError("checksum")  # also an index of a SHA-256 repository
    version, count = struct.unpack_from(">2I", data, 4)
    if version not in (2, 3, 4):
        raise DamagedIndexError("version")
    try:
        entries, end = _entries(data, count, compressed=version == 4)
        _refuse_required_extensions(data, end)
    except (struct.error, ValueError) as error:
        raise DamagedIndexError("damaged") from error
    return entries


def _entries(data: bytes, count: int, compressed: bool) -> tuple[list[Entry], int]:
    entries: list[Entry] = []
    at, total, previous = 12, 0, b""
    for _ in range(count):
        start = at
        fields = _ENTRY.unpack_from(data, at)
        mode, size, sha, flags = fields[6], fields[9], fields[10], fields[11]
        at += _ENTRY.size
        extended = 0
        if flags & _EXTENDED:
            (extended,) = struct.unpack_from(">H", data, at)
            at += 2
        kept = b""
        if compressed:
            drop, at = _offset(data, at)
            kept = previous[: len(previous) - drop]
        end = data.index(b"\0", at)
        previous = kept + data[at:end]
        at = end + 1 if compressed else start + ((end - start + 8) & ~7)
        total += len(previous)
        if total > _MOST_PATH_BYTES:
            raise DamagedIndexError("paths too long")
        entries.append(
            Entry(
                path=path_of(previous),
                mode=mode,
                sha=sha,
                size=size,
                modified_ns=fields[2] * 1_000_000_000 + fields[3],
                expected=not (flags & _ASSUME_VALID or extended & _SKIP_WORKTREE),
                settled=not (flags & _STAGE or extended & _INTENT_TO_ADD),
            )
        )
    return entries, at


def _offset(data: bytes, at: int) -> tuple[int, int]:
    """A number in the variable-width encoding of version 4, and where it ends."""
    byte = data[at]
    value = byte & 0x7F
    at += 1
    while byte & 0x80:
        if value > _LONGEST_PATH:
            raise DamagedIndexError("damaged")
        byte = data[at]
        value = ((value + 1) << 7) | (byte & 0x7F)
        at += 1
    return value, at


def path_of(path: bytes) -> str:
    """A path as text.

    Raises:
        DamagedIndexError: it leaves the work tree or enters `.git`: git never writes such a one, a forged index may.
    """
    parts = path.split(b"/")
    if len(path) > _LONGEST_PATH or any(part in (b"", b".", b"..") or part.lower() == b".git" for part in parts):
        raise DamagedIndexError("path outside the work tree")
    return os.fsdecode(path)


def _refuse_required_extensions(data: bytes, at: int) -> None:
    """An extension in lower case changes what the entries mean: `link` (split index), `sdir` (sparse index)."""
    while at + 8 <= len(data) - _CHECKSUM:
        if data[at : at + 1].islower():
            raise DamagedIndexError("split or sparse index")
        at += 8 + int(struct.unpack_from(">I", data, at + 4)[0])


def tree_of(entries: list[Entry]) -> str:
    """The name of the tree that a commit of these entries would have, in hexadecimal.

    Comparing it with the tree of the last commit tells whether anything is staged, without reading one object.

    Raises:
        DamagedIndexError: the directories are nested beyond reason.
    """
    directories: defaultdict[bytes, list[tuple[bytes, bytes]]] = defaultdict(list)
    directories[b""]  # an empty repository has a tree too
    size = 0
    for entry in entries:
        path = os.fsencode(entry.path)
        parent, _, name = path.rpartition(b"/")
        for above in _above(parent):
            if above in directories:
                break
            directories[above]
            size += len(above)
            if size > _MOST_PATH_BYTES:
                raise DamagedIndexError("directories nested too deeply")
        directories[parent].append((name, b"%o %s\0%s" % (entry.mode, name, entry.sha)))
    for directory in sorted(directories, key=lambda path: path.count(b"/") if path else -1, reverse=True):
        content = b"".join(record for _, record in sorted(directories[directory]))
        header = b"tree %d\0" % len(content)
        sha = hashlib.sha1(header + content, usedforsecurity=False)
        if not directory:
            return sha.hexdigest()
        parent, _, name = directory.rpartition(b"/")
        directories[parent].append((name + b"/", b"%o %s\0%s" % (_TREE_MODE, name, sha.digest())))
    raise AssertionError("the root is always among the directories")


def _above(directory: bytes) -> Iterator[bytes]:
    """A directory and all those above it, nearest first, without the root."""
    while directory:
        yield directory
        directory = directory.rpartition(b"/")[0]
