"""The files of a directory that is no git work tree: a walk that prunes, and obeys `.gitignore` as git would."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from readiness.repository.globs import Rules
from readiness.repository.limits import KIBIBYTE
from readiness.repository.reading import in_words, read_bytes
from readiness.repository.selection import ENVIRONMENT_FILE, INSTALLED, Listing, Search
from readiness.repository.tree import UnreadableError

_IGNORE_FILE = ".gitignore"
_LARGEST_IGNORE_FILE = 256 * KIBIBYTE
_METADATA = frozenset({".git", ".hg", ".svn"})
_MOST_PER_FILE = 4  # directory entries seen for each file that may be read


@dataclass(frozen=True, slots=True)
class _Ignored:
    """The pattern files that hold in a directory, nearest first, each with the directory it lies in."""

    files: tuple[tuple[str, Rules], ...] = ()

    def below(self, directory: str, rules: Rules) -> _Ignored:
        return _Ignored(((f"{directory}/" if directory else "", rules), *self.files))

    def covers(self, path: str, directory: bool) -> bool:
        for base, rules in self.files:
            decided = rules.decide(path[len(base) :], directory)
            if decided is not None:
                return decided
        return False


def walk(search: Search) -> Listing:
    """List the files below a root.

    What a `.gitignore` excludes is no part of the repository, just as untracked files are none in a git work tree:
    neither is listed as skipped. A directory that is not entered is, by one line. Links are listed, never followed.
    """
    listing = Listing()
    stack: list[tuple[str, _Ignored]] = [("", _Ignored())]
    left = search.limits.files * _MOST_PER_FILE
    while stack:
        directory, ignored = stack.pop()
        if search.budget.exhausted or left <= 0:
            reason = search.budget.reason if left > 0 else "not entered: too many files in this repository"
            listing.skipped[f"{directory}/"] = reason
            continue
        with search.budget.spending():
            entries = _entries(search, directory, listing)
        left -= len(entries)
        if directory and _is_foreign(directory, {entry.name for entry in entries}, search):
            continue
        if any(entry.name == _IGNORE_FILE for entry in entries):
            ignored = _with_ignore_file(search, directory, ignored)
        stack += reversed([(path, ignored) for path in _visit(search, directory, entries, ignored, listing)])
    return listing


def _visit(
    search: Search, directory: str, entries: Iterable[os.DirEntry[str]], ignored: _Ignored, listing: Listing
) -> list[str]:
    """List the files of one directory and return the directories to enter."""
    enter: list[str] = []
    for entry in entries:
        if entry.name in _METADATA:
            continue
        path = f"{directory}/{entry.name}" if directory else entry.name
        is_directory = _is_directory(entry)
        if ignored.files and ignored.covers(path, is_directory):
            continue
        if not is_directory:
            listing.paths.append(path)
        elif search.selection.enters(path):
            enter.append(path)
    return enter


def _entries(search: Search, directory: str, listing: Listing) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(f"{search.root}/{directory}") as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        listing.skipped[f"{directory}/"] = in_words(error)
        return []


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_foreign(directory: str, names: set[str], search: Search) -> bool:
    """Whether a directory, seen from inside, belongs to somebody else; if so it is refused."""
    if ENVIRONMENT_FILE in names:
        search.selection.refuse(directory, INSTALLED)
        return True
    if ".git" in names:
        search.selection.refuse(directory, "not entered: a git repository of its own")
        return True
    return False


def _with_ignore_file(search: Search, directory: str, ignored: _Ignored) -> _Ignored:
    try:
        content = read_bytes(f"{search.root}/{directory}/{_IGNORE_FILE}", _LARGEST_IGNORE_FILE)
    except UnreadableError:
        return ignored  # the file itself is listed, and skipped with its reason
    return ignored.below(directory, Rules.of(content.decode("utf-8-sig", "surrogateescape").splitlines()))
