"""Saved reports, read from where the command line names them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from readiness.errors import UsageError

if TYPE_CHECKING:
    from readiness.report.model import Report


def read_report(path: Path) -> Report:
    """The report in a file that `readiness scan --format json` wrote.

    Raises:
        UsageError: the file cannot be read, or is none.
    """
    from readiness.report.saved import from_json

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from error
    except UnicodeError as error:
        raise UsageError(f"{path} is not UTF-8 text; write it with `readiness scan --format json`") from error
    return from_json(text, str(path))
