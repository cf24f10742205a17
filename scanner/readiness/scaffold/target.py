"""The folder of a new project: whether it may be written, and how it is filled in one go."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from readiness.errors import UsageError

# What may lie in the folder already: `git init` or the clone of an empty repository comes first for many.
_HARMLESS = frozenset({".git"})


def check_target(target: Path) -> Path:
    """Where the project will be, with every link on the way resolved.

    Raises:
        UsageError: something is there already.
    """
    try:
        real = Path(os.path.realpath(target))
        if target.is_symlink() and not real.exists():
            raise UsageError(f"{target} is a link to nowhere: remove it, or name another folder")
        if real.exists() and not real.is_dir():
            raise UsageError(f"{target} is a file: name a folder that does not exist yet")
        found = sorted(entry.name for entry in os.scandir(real) if entry.name not in _HARMLESS) if real.exists() else []
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{target} cannot be a project's folder: {reason}; name another one") from error
    if found:
        raise UsageError(
            f"{target} is not empty (it has {found[0]}): name a folder that does not exist yet, "
            "or one with nothing in it but .git"
        )
    return real


@contextmanager
def filled_at_once(target: Path) -> Iterator[Path]:
    """A folder beside `target` to write into; on success it becomes the target, on failure nothing is left.

    Raises:
        UsageError: the folder cannot be made.
    """
    missing = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        workshop = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:60]}."))
    except OSError as error:
        _remove_empty(missing)
        raise UsageError(f"{target} cannot be made: {error.strerror}; name another folder") from error
    try:
        fresh = workshop / "project"
        fresh.mkdir()  # not the workshop itself: that one nobody else may read
        yield fresh
        _move(fresh, target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}; name another folder") from error
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
        if not target.exists():
            _remove_empty(missing)


def name_from(target: Path) -> str:
    """A project's name from its folder's: `acme-answers` gives "Acme Answers"."""
    plain = unicodedata.normalize("NFKD", target.name).encode("ascii", "ignore").decode("ascii")
    words = re.findall(r"[A-Za-z0-9]+", plain)
    return " ".join(word[0].upper() + word[1:] for word in words)


def _move(fresh: Path, target: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    moved: list[Path] = []
    try:
        for entry in sorted(fresh.iterdir()):
            place = target / entry.name
            if place.exists() or place.is_symlink():
                raise FileExistsError(17, f"{entry.name} has appeared there meanwhile")
            entry.rename(place)
            moved.append(place)
    except OSError:
        for place in moved:
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        raise


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:  # innermost first
        with suppress(OSError):
            folder.rmdir()
