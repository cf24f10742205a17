"""The files of a git work tree: what its index names, below the scanned root."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from readiness.repository.index import DamagedIndexError, Entry, read_index
from readiness.repository.selection import ENVIRONMENT_FILE, INSTALLED, Listing, Search
from readiness.repository.tree import UnreadableError


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A git work tree: its top directory, and all entries of its index."""

    top: str
    entries: tuple[Entry, ...]


def find_work_tree(root: str) -> WorkTree | None:
    """The work tree that `root` (absolute, resolved) lies in; None where there is none that can be read."""
    top = top_of(root)
    try:
        return WorkTree(top, tuple(read_index(f"{top}/.git/index"))) if top is not None else None
    except (OSError, UnreadableError, DamagedIndexError):
        return None


def top_of(root: str) -> str | None:
    """The top directory of the work tree that `root` (absolute, resolved) lies in; None where there is none.

    Only a real `.git` directory is believed: a `.git` file points elsewhere, and such a tree (a linked work tree, a
    submodule) is walked instead.
    """
    top = root
    while not os.path.lexists(f"{top}/.git"):
        above = os.path.dirname(top)
        if above == top:
            return None
        top = above
    try:
        return top if stat.S_ISDIR(os.lstat(f"{top}/.git").st_mode) else None
    except OSError:
        return None


def below(root: str, top: str) -> str:
    """What the paths of a work tree begin with when they lie below `root`: "" or `backend/`."""
    base = os.path.relpath(root, top).replace(os.sep, "/")
    return "" if base == "." else f"{base}/"


def tracked_files(tree: WorkTree, search: Search) -> Listing | None:
    """List the tracked files below the root; None where nothing below it is tracked, so that it must be walked.

    Untracked files are left out, whether ignored or not: they are no part of the revision that is reported.
    """
    prefix = below(search.root, tree.top)
    listing = Listing()
    entries = [entry for entry in tree.entries if entry.path.startswith(prefix)]
    if not entries:
        return None
    for entry in entries:
        directory, _, name = entry.path[len(prefix) :].rpartition("/")
        if name == ENVIRONMENT_FILE and directory and search.selection.enters(directory):
            search.selection.refuse(directory, INSTALLED)
    for entry in entries:
        path = entry.path[len(prefix) :]
        if not search.selection.enters(path.rpartition("/")[0]):
            continue
        if entry.is_submodule:
            listing.skipped[path + "/"] = "git submodule: a repository of its own"
        else:
            listing.paths.append(path)
    return listing
