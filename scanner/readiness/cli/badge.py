"""`readiness badge`: the score as a picture for a README.

`--max-age` is the one place of readiness that looks at a clock, and only where `--as-of` names no day: whether a
measurement has become old depends on when somebody asks.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readiness.cli.options import ConfigFile, Exclude, Isolated, NoWaivers, configuration_of, day_of, scanned
from readiness.cli.output import emit
from readiness.cli.saved import read_report
from readiness.cli.words import unknown
from readiness.errors import UsageError

if TYPE_CHECKING:
    pass


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
        typer.Option(
            "--as-of",
            metavar="DATE",
            help="Judge as of this day; default: the commit's or our tables'. With --max-age also the day on which "
            "the age is taken; default: today by the system's clock, in UTC.",
        ),
    ] = None,
    max_age: Annotated[
        int | None,
        typer.Option(
            "--max-age", metavar="DAYS", min=0, help="Draw what was measured longer ago than this grey, as stale."
        ),
    ] = None,
    exclude: Exclude = None,
    config: ConfigFile = None,
    isolated: Isolated = False,
    no_waivers: NoWaivers = False,
    saved: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Draw a saved JSON report; nothing is scanned."),
    ] = None,
) -> int:
    """Draw a badge with score, grade, waived points and date."""
    from readiness.report.badge import badge_of, to_endpoint, to_svg

    if saved is not None and (path is not None or exclude or config or isolated or no_waivers):
        raise UsageError("--report draws what is saved; leave out the folder and the options of a scan")
    if saved is not None and as_of is not None and max_age is None:
        raise UsageError("--report has the day it was judged on; --as-of says with --max-age how old that is")
    today = _today(as_of) if max_age is not None else None
    if saved is not None:
        report = read_report(saved)
    else:
        folder = path or Path()
        configuration = configuration_of(folder, config, isolated)
        waivers = not (isolated or no_waivers)
        report = scanned(folder, configuration, as_of=as_of, exclude=exclude, waivers=waivers)
    try:
        drawn = badge_of(report, layer, today=today, max_age=max_age)
    except KeyError:
        raise unknown("layer", layer or "", [one.name for one in report.layers]) from None
    emit(to_svg(drawn) if form is Format.SVG else to_endpoint(drawn), output)
    return 0


def _today(as_of: str | None) -> date:
    return day_of(as_of) or datetime.now(tz=UTC).date()
