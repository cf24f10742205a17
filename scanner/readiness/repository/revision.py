"""A repository as of a revision: read out of git's objects, with nothing checked out and nothing written."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from readiness.errors import UsageError
from readiness.repository.commit import Commit, commit_at
from readiness.repository.configuration import Configuration
from readiness.repository.git_command import GitFailedError, output_of
from readiness.repository.index import Entry
from readiness.repository.limits import KIBIBYTE, Budget, Limits
from readiness.repository.objects import Blobs, refuse_foreign_objects, sizes_of, tree_entries
from readiness.repository.opening import name_of, search_of
from readiness.repository.selection import Listing
from readiness.repository.sorting import Sorter, printable
from readiness.repository.tracked import WorkTree, below, top_of, tracked_files
from readiness.repository.tree import Repository, UnreadableError

_LIMITS = Limits()
_LONGEST_REVISION = 1000
_LONGEST_TARGET = 4 * KIBIBYTE
_HASH = re.compile(rb"(?:[0-9a-f]{40}|[0-9a-f]{64})\n")


def open_revision(
    root: Path,
    revision: str,
    configuration: Configuration,
    limits: Limits = _LIMITS,
    exclude: Sequence[str] = (),
) -> Repository:
    """List what could be read below `root` at a revision, as `open_repository` does for the work tree.

    Where the repository is a partial clone, what is missing in it is passed over, with that as its reason.

    Parameters:
        root: the folder to scan: a git repository, or a folder inside one.
        revision: a commit, in whatever way git lets one be named: `v1.2`, `main~3`, a hash.
        configuration: what the repository's owners say of it.
        limits: how much is read at most.
        exclude: further patterns, from the command line.

    Raises:
        UsageError: as `open_repository`; also where `root` is in no git repository, the revision is not in it, or does
            not have the folder, and where git is missing or fails.
    """
    search = search_of(root, configuration, limits, exclude)
    top = git_top(search.root, root)
    prefix = below(search.root, top)
    try:
        with search.budget.spending():
            commit = find_commit(top, revision)
            entries = tree_entries(top, commit.revision, prefix)
            listing = tracked_files(WorkTree(top, tuple(entries)), search)
            if listing is None and prefix:
                raise UsageError(f"{root}: there is no such folder in revision `{revision}`.")
            listing = listing or Listing()
            store = _store(top, commit, prefix, entries, listing, search.budget)
    except GitFailedError as error:
        raise unreadable(revision, error) from None
    sorter = Sorter(search, store, configuration.roles)
    sorter.sort(listing)
    return Repository(
        name=name_of(search.root, top),
        revision=commit.revision,
        dirty=False,
        committed=commit.committed,
        files=tuple(sorter.files),
        skipped=sorter.all_skipped(),
        others=tuple(sorter.others),
        prefix=printable(prefix),
    )


def git_top(resolved: str, root: Path) -> str:
    """The top of the work tree that the folder `resolved` lies in.

    Raises:
        UsageError: it lies in none; `root` is what it is called there.
    """
    top = top_of(resolved)
    if top is None:
        raise UsageError(
            f"{root}: no git repository, so that it has no revisions. A linked work tree and a submodule, whose `.git` "
            "is a file that points elsewhere, are not followed: name the repository itself."
        )
    return top


def find_commit(top: str, revision: str) -> Commit:
    """The commit that a user's words mean.

    Raises:
        UsageError: there is none.
        GitFailedError: git is missing, or its objects are not to be read.
    """
    if not revision or len(revision) > _LONGEST_REVISION or revision.startswith("-") or not revision.isprintable():
        raise UsageError(
            f"{revision[:80]!r} is no revision. Name a branch, a tag or a commit, such as `main` or `v1.0`."
        )
    refuse_foreign_objects(top)
    try:
        output = output_of(top, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        if not _HASH.fullmatch(output):  # `^main` and `a..b` are not one commit
            raise GitFailedError("no single commit", 128)
        return commit_at(top, output.decode().strip())
    except GitFailedError as error:
        if error.status is None:
            raise
        raise UsageError(
            f"there is no revision `{revision}` in this repository. Fetch it first: a shallow clone has only the "
            "newest commits."
        ) from None


def unreadable(revision: str, error: GitFailedError) -> UsageError:
    """What is said where git cannot read a revision that exists."""
    return UsageError(f"the revision `{revision}` cannot be read: {error}.")


def _store(
    top: str, commit: Commit, prefix: str, entries: Sequence[Entry], listing: Listing, budget: Budget
) -> _Committed:
    listed = set(listing.paths)
    by_path = {path: entry for entry in entries if (path := entry.path[len(prefix) :]) in listed}
    sizes = sizes_of(top, commit.revision, (entry.sha for entry in by_path.values()))
    links = {entry.sha for entry in by_path.values() if stat.S_ISLNK(entry.mode)}
    targets = Blobs(top, {name: size for name, size in sizes.items() if name in links and size <= _LONGEST_TARGET})
    for name in targets.sizes:
        targets.announce(name)
    return _Committed(by_path, Blobs(top, sizes), targets, budget)


@dataclass(frozen=True, slots=True)
class _Committed:
    """The `Store` of a revision: its entries by path, the contents of files, and what is written in links."""

    entries: dict[str, Entry]
    blobs: Blobs
    targets: Blobs
    budget: Budget

    def link_above(self, raw: str) -> str | None:
        """None: in a tree nothing lies below a link."""
        return None

    def look(self, raw: str) -> tuple[int, int]:
        """The mode and size; size 0 where a partial clone has left the content out."""
        entry = self.entries[raw]
        return entry.mode, self.blobs.sizes.get(entry.sha, 0)

    def target(self, raw: str) -> str:
        """What is written in a link; empty where it cannot be read."""
        try:
            return os.fsdecode(self.targets.read(self.entries[raw].sha))
        except UnreadableError:
            return ""

    def reader(self, raw: str, limit: int) -> Callable[[], bytes]:
        """`File.read`; what is asked for here is read in this order, so that it can be read ahead."""
        name = self.entries[raw].sha
        if name not in self.blobs.sizes:
            raise UnreadableError("cannot be read: its content is not in this clone")
        self.blobs.announce(name)
        return BlobReader(self.blobs, name, self.budget)


@dataclass(frozen=True, slots=True)
class BlobReader:
    """`File.read` of a revision; the size was looked at before, and a blob never changes."""

    blobs: Blobs
    name: bytes
    budget: Budget

    def __call__(self) -> bytes:
        """The file's bytes."""
        if self.budget.exhausted:
            raise UnreadableError(self.budget.reason)
        with self.budget.spending():
            return self.blobs.read(self.name)
