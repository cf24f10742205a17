"""Where `copier update` will find the template again: the source and version that a project's answers name."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from readiness._resources import data_root, version
from readiness.errors import UsageError

ENVIRONMENT = "READINESS_TEMPLATE_SOURCE"
_SECONDS = 20
_SAFE = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "protocol.allow=never")
_ADDRESS = re.compile(r"(?:(?:https|ssh|git|git\+https|git\+ssh|file)://|gh:|gl:|[\w.-]+@[\w.-]+:)\S+")


@dataclass(frozen=True, slots=True)
class Source:
    """A repository with the template, and which of its commits (a tag, as a rule) the project is made from.

    `updates` is false where nobody said where the repository is: then `address` is only where the package lies.
    `dirty` is true where the template has changes that are not committed, and so cannot be found again.
    """

    address: str
    commit: str
    updates: bool = True
    dirty: bool = False


def find_source(address: str | None = None) -> Source:
    """Where updates come from: the address given, else the environment's, else this checkout, else nowhere.

    Raises:
        UsageError: the address is none that `copier update` could use.
    """
    given = address if address is not None else os.environ.get(ENVIRONMENT)
    root = data_root()
    checkout = _described(root)
    released = f"v{version()}"
    if given:
        return Source(_checked(given), checkout[0] if checkout and Path(given).resolve() == root else released)
    if checkout is not None:
        return Source(str(root), *checkout[:1], dirty=checkout[1])
    return Source(str(root), released, updates=False)


def _checked(address: str) -> str:
    """The address, absolute: a relative one would be looked for inside the project.

    A password in it would end in a file that is committed.
    """
    if re.search(r"[\x00-\x20\x7f]", address) and not Path(address).is_dir():
        raise UsageError(f"--template-source `{address}` has blanks or controls in it: write the repository's address")
    if _ADDRESS.fullmatch(address):
        if "://" in address and urlsplit(address).password is not None:
            raise UsageError(
                "--template-source has a password in it, and would be written into the project: "
                "leave it out and let git ask for it"
            )
        return address
    folder = Path(address).expanduser()
    if not (folder / "copier.yml").is_file():
        raise UsageError(
            f"--template-source `{address}` is neither an address that git understands nor a folder with copier.yml: "
            "write an address, or the path of a clone of readiness"
        )
    return str(folder.resolve())


def _described(root: Path) -> tuple[str, bool] | None:
    """How git names the commit of a checkout, and whether the template has changed since; None if it is none."""
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "describe", "--tags", "--always", "HEAD")
        changed = _git(root, "status", "--porcelain", "--", "copier.yml", "template")
    except (OSError, subprocess.SubprocessError):
        return None
    return commit, bool(changed)


def _git(root: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(  # noqa: S603  # our own checkout, and nothing of its configuration runs
        ["git", *_SAFE, "-C", str(root), *arguments],  # noqa: S607  # whichever git the user has
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=_SECONDS,
    )
    return done.stdout.strip()
