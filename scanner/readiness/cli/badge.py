"""`readiness badge`: the score as a picture for a README."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readiness.cli.output import emit
from readiness.cli.scan import scan_folder
from readiness.cli.words import unknown
from readiness.errors import UsageError

if TYPE_CHECKING:
    from readiness.report.model import Report


class Format(StrEnum):
    """The forms of a badge."""

    SVG = "svg"
    JSON = "json"


def badge(
    path: Annotated[
        Path | None, typer.Argument(help="The folder of the repository.  [default: .]", show_default=False)
    ] = None,
    *,
    form: Annotated[
        Format, typer.Option("--format", "-f", help="A picture, or the JSON of a shields endpoint.")
    ] = Format.SVG,
    layer: Annotated[str | None, typer.Option("--layer", metavar="NAME", help="The badge of one layer.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the badge into this file.", show_default=False)
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="Judge as of this day; default: the commit's or our tables'."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="GLOB", help="Leave out files that match; may be given again."),
    ] = None,
    isolated: Annotated[
        bool, typer.Option("--isolated", "--no-config", help="Ignore the repository's own configuration.")
    ] = False,
    saved: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Draw a saved JSON report; nothing is scanned."),
    ] = None,
) -> int:
    """Draw a badge with score and grade."""
    from readiness.report.badge import badge_of, to_endpoint, to_svg

    if saved is not None and (path is not None or as_of is not None or exclude or isolated):
        raise UsageError("--report draws what is saved; leave out the folder, --as-of, --exclude and --isolated")
    if saved is not None:
        report = _saved(saved)
    else:
        report, _ = scan_folder(path or Path(), as_of=as_of, exclude=exclude or [], isolated=isolated)
    try:
        drawn = badge_of(report, layer)
    except KeyError:
        raise unknown("layer", layer or "", [one.name for one in report.layers]) from None
    emit(to_svg(drawn) if form is Format.SVG else to_endpoint(drawn), output)
    return 0


def _saved(path: Path) -> Report:
    from readiness.report.saved import from_json

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from error
    except UnicodeError as error:
        raise UsageError(f"{path} is not UTF-8 text; write it with `readiness scan --format json`") from error
    return from_json(text, str(path))
