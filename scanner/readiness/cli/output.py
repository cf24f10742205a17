"""Where results go: standard output or a file. Everything else that the command line says goes to standard error."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.errors import UsageError

if TYPE_CHECKING:
    from rich.text import Text

    from readiness.report.page import ColorSystem, Page

STDOUT = Path("-")


def emit(text: str, output: Path | None = None, encoding: str = "utf-8") -> None:
    """Write a result to standard output, or whole into a file.

    A reader that closes the pipe early (`| head`) is no error.

    Raises:
        UsageError: the file cannot be written.
    """
    if output is not None and output != STDOUT:
        _write_file(output, text)
        return
    try:
        binary = getattr(sys.stdout, "buffer", None)
        if binary is None:
            sys.stdout.write(text)
        else:
            sys.stdout.flush()
            binary.write(text.encode(encoding, "backslashreplace"))
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output once more when it exits, and would complain then.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def emit_page(draw: Callable[[Page, bool], list[Text]], output: Path | None = None) -> None:
    """Lay a page out for where it goes, and write it: with colour for a terminal, plain for a pipe or a file.

    `draw` is given the page and whether it will be seen in colour.
    """
    from readiness.report.page import Page, render

    if output is not None and output != STDOUT:
        emit(render(draw(Page.of(), False), None), output)
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    width = shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() or "COLUMNS" in os.environ else 80
    colours = _colours()
    emit(render(draw(Page.of(width, encoding), colours is not None), colours), encoding=encoding)


def _colours() -> ColorSystem | None:
    """What the terminal can show: nothing in a pipe, with NO_COLOR or with TERM=dumb."""
    if os.environ.get("NO_COLOR"):
        return None
    from rich.console import Console

    found = Console(file=sys.stdout).color_system
    if found in ("standard", "256", "truecolor"):
        return found  # type: ignore[return-value]  # rich types it as a plain text
    return None


def _write_file(path: Path, text: str) -> None:
    """Write a file whole or not at all: beside it first, then in its place."""
    data = text.encode("utf-8", "backslashreplace")
    target = Path(os.path.realpath(path))  # a link stays a link: what it points at is replaced
    try:
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            target.write_bytes(data)  # a device or a pipe; a folder says so itself
            return
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(_mode(target))
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{path} cannot be written: {reason}; name another file with --output") from error


def _mode(target: Path) -> int:
    """The mode that an ordinary write would leave."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    umask = os.umask(0o077)
    os.umask(umask)
    return 0o666 & ~umask
