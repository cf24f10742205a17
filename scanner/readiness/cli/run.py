"""What happens around every command: errors become one clear line and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer

from readiness.cli.app import app
from readiness.errors import UsageError
from readiness.report.sanitize import clean, one_line

DEBUG = "READINESS_DEBUG"


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing but an interpreter's own exit ever comes out of it."""
    try:
        result = app(args=list(arguments), prog_name="readiness", standalone_mode=False)
    except UsageError as error:
        _say("".join(f"{clean(line)}\n" for line in str(error).splitlines()))
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Exception as error:
        return _failed(error)
    return result if isinstance(result, int) else 0


def _failed(error: Exception) -> int:
    show, code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if callable(show) and isinstance(code, int):  # typer's own: a wrong option, a missing argument, no arguments
        show()
        return code
    if os.environ.get(DEBUG):
        traceback.print_exc()
    what = one_line(f"{type(error).__name__}: {error}")[:300]
    _say(
        f"this is a fault in readiness, not in your code: {what} ({_where(error)}). "
        f"Please report this line; {DEBUG}=1 shows more.\n"
    )
    return 3


def _where(error: BaseException) -> str:
    """The innermost line of ours that the error came through."""
    package = Path(__file__).resolve().parents[1]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if package in Path(frame.filename).parents] or frames
    if not ours:
        return "nowhere"
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"


def _say(text: str) -> None:
    sys.stderr.write(f"readiness: {text}")
