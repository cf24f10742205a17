"""Which commit a work tree stands at, and whether it has been changed since; nothing of the repository is ever run.

What can run a program out of `.git/config`, even through GitPython: `status`, `diff`, `is_dirty`, `ls-files`
(`core.fsmonitor`, `filter.*.clean`, `diff.external`), and whatever reads an object that is missing, which in a partial
clone is fetched through `remote.*.uploadpack` - `Repo().head.commit` with GitPython's default object database does so,
and `protocol.allow=never` does not prevent it, because `protocol.file.allow` in the repository overrides it. Hence:

- one git command, `rev-list`, which touches neither index, work tree, attributes nor hooks, with `GIT_ALLOW_PROTOCOL`
  empty (the environment beats every configuration), no system or user configuration, and a time limit;
- the repository's directories given by name, so that nothing in the caller's environment (`GIT_DIR` inside a hook) or
  in the repository (`core.worktree`) redirects it. Git then no longer asks who owns them: that question protects
  commands that obey the configuration, and none is obeyed here; a checkout of another user in a container is read;
- what is staged is told by hashing the index into a tree name, what is changed by hashing files; when in doubt
  (filters, line endings, too much to hash) a file counts as unchanged.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from readiness.repository.index import DamagedIndexError, Entry, tree_of
from readiness.repository.limits import MEBIBYTE
from readiness.repository.reading import read_bytes
from readiness.repository.tree import UnreadableError

_SECONDS = 20
_SAFE = (
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.untrackedCache=false"),
    *("-c", "core.commitGraph=false"),
    *("-c", "protocol.allow=never"),
)
_MOST_HASHED = 128 * MEBIBYTE
_ATTRIBUTES = (b"filter", b"ident", b"working-tree-encoding")


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit at HEAD: its name, its day (UTC), the name of its tree."""

    revision: str
    committed: date | None
    tree: str


def head_commit(top: str) -> Commit | None:
    """The commit at HEAD of the work tree at `top`; None without commits, without git, or where git cannot read it."""
    try:
        import git  # at run time only: without a git program GitPython cannot even be imported
    except ImportError:
        return None
    command = ["git", *_SAFE, "rev-list", "--no-walk", "--max-count=1", "--format=%H %ct %T", "HEAD", "--"]
    try:
        output = git.Git(top).execute(command, env=_environment(top), kill_after_timeout=_SECONDS, with_exceptions=True)
        return _commit(str(output).splitlines()[-1])
    except (git.GitError, OSError, ValueError, IndexError):
        return None


def _environment(top: str) -> dict[str, str]:
    """Names every place git would otherwise take from the caller's environment or the repository's configuration."""
    directory = f"{top}/.git"
    return {
        "GIT_DIR": directory,
        "GIT_COMMON_DIR": directory,
        "GIT_WORK_TREE": top,
        "GIT_INDEX_FILE": f"{directory}/index",
        "GIT_OBJECT_DIRECTORY": f"{directory}/objects",
        "GIT_SHALLOW_FILE": f"{directory}/shallow",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        "GIT_NAMESPACE": "",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "0",
        "GIT_CONFIG_PARAMETERS": "",
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }


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
    doubtful = _has_filters(top, entries)
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


def _has_filters(top: str, entries: Sequence[Entry]) -> bool:
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
    return entry.sha not in (_blob(content), _blob(content.replace(b"\r\n", b"\n")))


def _blob(content: bytes) -> bytes:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).digest()
