"""The files of a commit and what they hold, out of git's objects.

What is listed and read is bounded here, for a few forged trees that contain one another spell out more files than
there are atoms. Nothing that is missing is fetched (`git_command.py`); in a partial clone git would even give up at the
first such object, and is first asked which they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from readiness.repository.git_command import GitFailedError, conversation, output_of
from readiness.repository.index import DamagedIndexError, Entry, path_of
from readiness.repository.limits import MEBIBYTE
from readiness.repository.tree import UnreadableError

_LARGEST_LISTING = 64 * MEBIBYTE
_READ_AHEAD = 8 * MEBIBYTE
_MOST_AHEAD = 1000
_AT_ONCE = 200  # names that are asked for before an answer is read: they, and the answers, fit into a pipe


def refuse_foreign_objects(top: str) -> None:
    """Refuse a repository whose objects lie elsewhere: what is read there is no part of it.

    Raises:
        GitFailedError: it borrows from another repository, or keeps its objects behind a link.
    """
    objects = f"{top}/.git/objects"
    if os.path.lexists(f"{objects}/info/alternates"):
        raise GitFailedError("its objects lie in another repository (.git/objects/info/alternates)")
    try:
        linked = os.path.islink(objects) or any(entry.is_symlink() for entry in _entries(objects))
        linked = linked or any(entry.is_symlink() for entry in _entries(f"{objects}/pack"))
    except OSError:
        raise GitFailedError("its objects cannot be read") from None
    if linked:
        raise GitFailedError("its objects lie behind a symbolic link")


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except FileNotFoundError:
        return []  # an archive tool may have dropped an empty folder


def tree_entries(top: str, commit: str, below: str) -> list[Entry]:
    """The files, links and submodules of a commit, in the shape of an index.

    Parameters:
        top: the work tree.
        commit: a hash in full.
        below: "" for all, or what the paths begin with: `backend/`.

    Raises:
        GitFailedError: the trees are damaged, missing, or more than can be listed.
    """
    arguments = ["--", below] if below else []
    listing = output_of(top, "ls-tree", "-r", "-z", "--full-tree", commit, *arguments, limit=_LARGEST_LISTING)
    entries: dict[str, Entry] = {}
    for record in listing.split(b"\0")[:-1]:
        properties, _, name = record.partition(b"\t")
        try:
            mode, _, sha = properties.split(b" ")
            path = path_of(name)
            entries[path] = Entry(path, int(mode, 8), bytes.fromhex(sha.decode()), 0, 0, expected=True, settled=True)
        except (ValueError, DamagedIndexError):
            raise GitFailedError("a tree is damaged") from None
    return list(entries.values())


def sizes_of(top: str, commit: str, names: Iterable[bytes]) -> dict[bytes, int]:
    """The sizes of the named blobs of a commit; those that are not in this clone are left out.

    Raises:
        GitFailedError: git cannot tell.
    """
    missing = _missing(top, commit) if _is_partial(top) else frozenset()
    sizes: dict[bytes, int] = {}
    with conversation(top, "cat-file", "--batch-check") as (questions, answers):
        for name in _asked([name for name in dict.fromkeys(names) if name not in missing], questions):
            size = _size(name, answers)
            if size is not None:
                sizes[name] = size
        questions.close()
        answers.read(1)
    return sizes


def _is_partial(top: str) -> bool:
    return any(entry.name.endswith(".promisor") for entry in _entries(f"{top}/.git/objects/pack"))


def _missing(top: str, commit: str) -> frozenset[bytes]:
    """The names of the objects of a commit's tree that a partial clone has left out."""
    arguments = ("--objects", "--no-object-names", "--missing=print", "--no-walk")
    output = output_of(top, "rev-list", *arguments, f"{commit}^{{tree}}", "--", limit=_LARGEST_LISTING)
    return frozenset(bytes.fromhex(line[1:].decode()) for line in output.splitlines() if line.startswith(b"?"))


def _asked(names: Sequence[bytes], questions: BinaryIO) -> Iterator[bytes]:
    """Each name, after git was asked about it and those next to it."""
    waiting = iter(names)
    while chunk := list(islice(waiting, _AT_ONCE)):
        questions.write(b"".join(b"%s\n" % name.hex().encode() for name in chunk))
        questions.flush()
        yield from chunk


def _size(name: bytes, answers: BinaryIO) -> int | None:
    """The size in git's answer about a blob; None where it has no such blob."""
    words = answers.readline(200).split()
    if not words or words[0].decode("ascii", "replace") != name.hex():
        raise GitFailedError("git ended in the midst of its answer")
    return int(words[2]) if len(words) == 3 and words[1] == b"blob" else None


@dataclass(slots=True)
class Blobs:
    """The contents of blobs, a few fetched ahead in the order in which they were announced, so that few are kept."""

    top: str
    sizes: Mapping[bytes, int]
    _order: dict[bytes, int] = field(default_factory=dict, repr=False)
    _names: list[bytes] = field(default_factory=list, repr=False)
    _kept: dict[bytes, bytes] = field(default_factory=dict, repr=False)

    def announce(self, name: bytes) -> None:
        """Say that this blob will be read, after those that were announced before."""
        if name not in self._order:
            self._order[name] = len(self._names)
            self._names.append(name)

    def read(self, name: bytes) -> bytes:
        """The bytes of a blob; raises `UnreadableError`."""
        if name not in self._kept:
            self._kept = self._fetched(list(self._ahead(name)))
        if name not in self._kept:
            raise UnreadableError("cannot be read: git's object is damaged or missing")
        return self._kept[name]

    def _ahead(self, name: bytes) -> Iterator[bytes]:
        self.announce(name)
        at, size = self._order[name], 0
        for following in self._names[at : at + _MOST_AHEAD]:
            size += self.sizes.get(following, 0)
            if following != name and size > _READ_AHEAD:
                return
            if following in self.sizes:
                yield following

    def _fetched(self, names: list[bytes]) -> dict[bytes, bytes]:
        """What can be read of these, in their order, up to the first that is damaged."""
        found: dict[bytes, bytes] = {}
        try:
            with conversation(self.top, "cat-file", "--batch") as (questions, answers):
                for name in _asked(names, questions):
                    if _size(name, answers) != self.sizes[name]:
                        raise GitFailedError("git's object has changed")
                    content = answers.read(self.sizes[name] + 1)
                    if len(content) != self.sizes[name] + 1:
                        raise GitFailedError("git ended in the midst of its answer")
                    found[name] = content[:-1]
                questions.close()
                answers.read(1)
        except GitFailedError:
            pass  # a blob is missing from what is returned, and whoever wants it says so
        return found
