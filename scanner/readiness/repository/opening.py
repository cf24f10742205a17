"""Opening a repository: what it consists of, and what of it was passed over and why."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from readiness.errors import UsageError
from readiness.repository.commit import head_commit, is_dirty
from readiness.repository.configuration import Configuration, checked_pattern
from readiness.repository.limits import Budget, Limits
from readiness.repository.on_disk import OnDisk
from readiness.repository.reading import in_words
from readiness.repository.selection import Search, Selection
from readiness.repository.sorting import Sorter, printable
from readiness.repository.tracked import below, find_work_tree, tracked_files
from readiness.repository.tree import Repository
from readiness.repository.walk import walk

_LIMITS = Limits()


def open_repository(
    root: Path, configuration: Configuration, limits: Limits = _LIMITS, exclude: Sequence[str] = ()
) -> Repository:
    """List what can be read below `root`; nothing of it is run, followed or written to.

    In a git work tree these are the tracked files below `root`, as they are in the work tree now; nothing untracked.
    Everywhere else, and where git's index cannot be read, a walk that honours `.gitignore`. Directories of installed
    packages and caches are not entered either way, links never followed.

    Parameters:
        root: the folder to scan; a folder inside a work tree is scanned on its own.
        configuration: what the repository's owners say of it (`load_configuration`).
        limits: how much is read at most.
        exclude: further patterns, from the command line.

    Raises:
        UsageError: `root` does not exist, is no folder or cannot be read; a pattern of `exclude` is wrong.
    """
    search = search_of(root, configuration, limits, exclude)
    tree = find_work_tree(search.root)
    listing = tracked_files(tree, search) if tree is not None else None
    commit = head_commit(tree.top) if tree is not None and listing is not None else None
    sorter = Sorter(search, OnDisk(search.root, search.budget), configuration.roles)
    sorter.sort(listing if listing is not None else walk(search))
    return Repository(
        name=name_of(search.root, tree.top if tree is not None and listing is not None else None),
        revision=commit.revision if commit is not None else None,
        dirty=tree is not None and commit is not None and is_dirty(tree.top, tree.entries, commit),
        committed=commit.committed if commit is not None else None,
        files=tuple(sorter.files),
        skipped=sorter.all_skipped(),
        others=tuple(sorter.others),
        prefix=printable(below(search.root, tree.top)) if tree is not None and listing is not None else "",
    )


def search_of(root: Path, configuration: Configuration, limits: Limits, exclude: Sequence[str]) -> Search:
    """What a listing of `root` works with. Raises `UsageError` as `open_repository` does."""
    resolved = resolved_root(root)
    patterns = [*configuration.exclude, *(checked_pattern(pattern, "--exclude") for pattern in exclude)]
    return Search(resolved, Selection.of(patterns, limits), limits, Budget(limits.seconds))


def resolved_root(root: Path) -> str:
    """The root as an absolute path that a listing can start from. Raises `UsageError`."""
    try:
        resolved = os.path.realpath(root)
        mode = os.stat(resolved).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{root}: there is no such folder. Give the path of a repository.") from None
    except (OSError, ValueError) as error:
        said = in_words(error) if isinstance(error, OSError) else "not a path"
        raise UsageError(f"{root}: {said}.") from None
    if not stat.S_ISDIR(mode):
        raise UsageError(f"{root}: a file, not a folder. Give the folder of the repository that holds it.")
    try:
        with os.scandir(resolved) as entries:
            next(entries, None)
    except OSError as error:
        raise UsageError(f"{root}: the folder {in_words(error)}. Scan as a user who may read it.") from None
    return resolved


def name_of(root: str, top: str | None) -> str:
    """The folder's name; of a folder inside a work tree, with the names from the work tree's on: `shop/backend`."""
    parts = [os.path.basename(root) or root]
    if top is not None and top != root:
        parts = [os.path.basename(top) or top, *os.path.relpath(root, top).split(os.sep)]
    return printable("/".join(parts))
