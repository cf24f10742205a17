"""What has changed since a revision: for each file that is not as it was, its older version.

Compared is with the commit where the history of that revision and of what is scanned part, so that what others have
done since counts for neither. Contents are compared, not what git's index believes of them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from readiness.repository.commit import has_filters, is_blob
from readiness.repository.git_command import GitFailedError, output_of
from readiness.repository.index import Entry
from readiness.repository.limits import MEBIBYTE
from readiness.repository.objects import Blobs, sizes_of, tree_entries
from readiness.repository.opening import resolved_root
from readiness.repository.reading import Reader
from readiness.repository.renames import renamed
from readiness.repository.revision import find_commit, git_top, unreadable
from readiness.repository.sorting import printable
from readiness.repository.tracked import below, find_work_tree
from readiness.repository.tree import File, Repository, UnreadableError

_LARGEST_VERSION = 20 * MEBIBYTE  # that of a notebook, the largest file that is compared by what it says


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from a revision.

    `base` is the commit that was compared with: where the histories part, or, when they have nothing in common that is
    in this clone (`shared_history` is False), the revision itself. `old` has an entry for each scanned file that is new
    or differs: its older version, None for a new file and where that cannot be read; contents are read when asked for.
    `moved` gives the former paths of renamed files by their new ones; their older versions are those.
    """

    revision: str
    base: str
    shared_history: bool
    old: Mapping[str, bytes | None]
    moved: Mapping[str, str]


def changes_since(root: Path, revision: str, repository: Repository) -> Changes:
    """What differs between a revision and the files of a repository as they are now.

    Parameters:
        root: the scanned folder.
        revision: a commit, in whatever way git lets one be named.
        repository: what was found below `root`, in the work tree or at another revision.

    Raises:
        UsageError: `root` is in no git repository, the revision is not in it, or git is missing or fails.
    """
    resolved = resolved_root(root)
    top = git_top(resolved, root)
    prefix = below(resolved, top)
    try:
        commit = find_commit(top, revision).revision
        shared = _merge_base(top, commit, repository.revision or "HEAD")
        base = shared or commit
        before = {
            printable(entry.path[len(prefix) :]): entry
            for entry in tree_entries(top, base, prefix)
            if stat.S_ISREG(entry.mode)
        }
        fresh = [file for file in repository.files if file.path not in before]
        moved = renamed(top, base, fresh, _vanished(before, repository))
        versions: dict[str, Entry | None] = dict(_different(resolved, prefix, repository, before))
        versions |= {file.path: before.get(moved.get(file.path, "")) for file in fresh}
        sizes = sizes_of(top, base, (entry.sha for entry in versions.values() if entry is not None))
    except GitFailedError as error:
        raise unreadable(revision, error) from None
    blobs = Blobs(top, {name: size for name, size in sizes.items() if size <= _LARGEST_VERSION})
    return Changes(revision, base, shared is not None, _Versions(versions, blobs), moved)


def _merge_base(top: str, revision: str, head: str) -> str | None:
    """Where two histories part; None where they have nothing in common, as far as this clone knows them."""
    try:
        return output_of(top, "merge-base", revision, head).decode("ascii", "replace").strip()
    except GitFailedError as error:
        if error.status == 1:
            return None
        raise


def _different(
    root: str, prefix: str, repository: Repository, before: Mapping[str, Entry]
) -> Iterator[tuple[str, Entry]]:
    """The files that were there before and had another content."""
    converted = _converted(root, prefix)
    for file in repository.files:
        entry = before.get(file.path)
        if entry is not None and not _is_same(file, entry, converted.get(file.path)):
            yield file.path, entry


def _is_same(file: File, entry: Entry, staged: Entry | None) -> bool:
    try:
        if is_blob(file.read(), entry.sha):
            return True
    except UnreadableError:
        return True  # nothing will be said of it
    if staged is None or staged.sha != entry.sha or not isinstance(file.read, Reader):
        return False
    try:
        status = os.lstat(file.read.path)
    except OSError:
        return False
    return (status.st_mtime_ns, status.st_size) == (staged.modified_ns, staged.size)


def _converted(root: str, prefix: str) -> Mapping[str, Entry]:
    """What is staged, by path, where git may write out other contents than it stores (filters, large files).

    There alone the index must be believed; elsewhere a content that differs has been changed.
    """
    tree = find_work_tree(root)
    if tree is None or not has_filters(tree.top, tree.entries):
        return {}
    return {printable(entry.path[len(prefix) :]): entry for entry in tree.entries if entry.path.startswith(prefix)}


def _vanished(before: Mapping[str, Entry], repository: Repository) -> dict[str, Entry]:
    """What was at paths that are no more; what is passed over now is still there."""
    there = {file.path for file in repository.files}.union(repository.others)
    passed = {skipped.path for skipped in repository.skipped}
    return {
        path: entry
        for path, entry in before.items()
        if path not in there and path not in passed and not any(above in passed for above in _above(path))
    }


def _above(path: str) -> Iterator[str]:
    """The directories above a path, as `Skipped.path` has them."""
    at = path.find("/")
    while at >= 0:
        yield path[: at + 1]
        at = path.find("/", at + 1)


@dataclass(frozen=True, slots=True)
class _Versions(Mapping[str, bytes | None]):
    """Older versions by path, each read when it is asked for."""

    entries: Mapping[str, Entry | None]
    blobs: Blobs

    def __getitem__(self, path: str) -> bytes | None:
        entry = self.entries[path]
        try:
            return self.blobs.read(entry.sha) if entry is not None else None
        except UnreadableError:
            return None

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)
