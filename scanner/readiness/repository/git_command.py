"""The one way git is ever started on a scanned repository: nothing of that repository is run by it.

What can run a program out of `.git/config`, even through GitPython: `status`, `diff`, `is_dirty`, `ls-files`
(`core.fsmonitor`, `filter.*.clean`, `diff.external`), and whatever reads an object that is missing, which in a partial
clone is fetched through `remote.*.uploadpack` - `Repo().head.commit` with GitPython's default object database does so,
and `protocol.allow=never` does not prevent it, because `protocol.file.allow` in the repository overrides it. Hence:

- only commands that touch neither index, work tree, attributes nor hooks (`rev-list`, `rev-parse`, `merge-base`,
  `ls-tree`, `cat-file` without filters), with `GIT_ALLOW_PROTOCOL` empty (the environment beats every configuration),
  no system or user configuration, and a limit to their time, their memory and what they may say;
- the repository's directories given by name, so that nothing in the caller's environment (`GIT_DIR` inside a hook) or
  in the repository (`core.worktree`) redirects it. Git then no longer asks who owns them: that question protects
  commands that obey the configuration, and none is obeyed here; a checkout of another user in a container is read.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import Any, BinaryIO, cast

_SECONDS = 20
_SAFE = (
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.untrackedCache=false"),
    *("-c", "core.commitGraph=false"),
    *("-c", "protocol.allow=never"),
)
_LARGEST_ALLOCATION = "512m"  # a forged object, or a reference that is a link to /dev/zero, must not take it all
_SHORT = 4096


class GitFailedError(Exception):
    """Git is missing, or did not do what it was asked; the message says which, `status` is what git ended with."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


def output_of(top: str, *arguments: str, limit: int = _SHORT) -> bytes:
    """What a git command prints.

    Parameters:
        top: the work tree, whose `.git` is a directory.
        arguments: the command and its arguments.
        limit: the number of bytes it may print at most.

    Raises:
        GitFailedError: git is missing, fails, prints more, or takes too long.
    """
    with conversation(top, *arguments) as (_, answers):
        output = answers.read(limit + 1)
        if len(output) > limit:
            raise GitFailedError(f"git has more to say than the {limit} bytes that are read")
    return output


@contextmanager
def conversation(top: str, *arguments: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The input and the output of a git process, which does not outlive the block.

    Whoever leaves the block without an error has read the output to its end.

    Raises:
        GitFailedError: as `output_of`; also where the process ends in the midst of the conversation.
    """
    wrapper = _start(top, arguments)  # ends its process when nobody refers to it any more
    process: Popen[bytes] = wrapper.proc
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        process.kill()

    watchdog = threading.Timer(_SECONDS, expire)
    watchdog.daemon = True
    watchdog.start()
    try:
        with process:
            try:
                yield cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
            except BaseException:
                process.kill()
                raise
    except OSError:  # its end of a pipe is closed
        raise _failure(process, expired.is_set()) from None
    finally:
        watchdog.cancel()
    if process.returncode != 0:
        raise _failure(process, expired.is_set())


def _failure(process: Popen[bytes], expired: bool) -> GitFailedError:
    if expired:
        return GitFailedError(f"git took more than {_SECONDS} seconds")
    return GitFailedError("git could not do it", process.returncode)


def _start(top: str, arguments: tuple[str, ...]) -> Any:
    try:
        import git  # at run time only: without a git program GitPython cannot even be imported
    except ImportError:
        raise GitFailedError("git is not installed") from None
    try:
        # As a process: `execute` on its own keeps whatever is printed, however much that is.
        return git.Git(top).execute(["git", *_SAFE, *arguments], istream=PIPE, env=_environment(top), as_process=True)
    except (git.GitError, OSError, ValueError) as error:
        missing = isinstance(error, git.GitCommandNotFound)
        raise GitFailedError("git is not installed" if missing else "git cannot be started") from None


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
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "0",
        "GIT_CONFIG_PARAMETERS": "",
        "GIT_ALLOW_PROTOCOL": "",
        "GIT_ALLOC_LIMIT": _LARGEST_ALLOCATION,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
