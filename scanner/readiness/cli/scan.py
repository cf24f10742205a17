"""`readiness scan`: how ready is this repository, and what should be mended first?"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readiness.cli.output import emit, emit_page
from readiness.cli.words import unknown
from readiness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text

    from readiness.report.model import Report
    from readiness.report.page import Page


class Format(StrEnum):
    """The forms of a report."""

    TERMINAL = "terminal"
    JSON = "json"


def scan(
    path: Annotated[Path, typer.Argument(help="The folder of the repository.")] = Path(),
    *,
    form: Annotated[Format, typer.Option("--format", "-f", help="The form of the report.")] = Format.TERMINAL,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the report into this file.", show_default=False)
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every check with its evidence.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show the score and nothing else.")] = False,
    check: Annotated[
        str | None,
        typer.Option("--check", metavar="NAME", help="Show one check with all its places and their code."),
    ] = None,
    fail_under: Annotated[
        float | None,
        typer.Option("--fail-under", metavar="SCORE", min=0, max=100, help="Exit with code 1 below this score."),
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
) -> int:
    """Say how ready a repository is for production, and what to fix first.

    Nothing of the repository is run, changed or sent anywhere.
    """
    if verbose and quiet:
        raise UsageError("--verbose and --quiet ask for opposite things; give one of them")
    if check is not None and (quiet or form is not Format.TERMINAL):
        raise UsageError("--check shows one check in the terminal; leave out --quiet and --format")
    report, gate = scan_folder(path, as_of=as_of, exclude=exclude or [], isolated=isolated)
    if form is Format.JSON:
        from readiness.report.json import to_json

        emit(to_json(report), output)
    else:
        emit_page(_drawing(report, verbose=verbose, quiet=quiet, check=check), output)
    if fail_under is not None:
        return _gate(report, fail_under, "--fail-under")
    return _gate(report, *gate) if gate else 0


def scan_folder(
    path: Path, *, as_of: str | None, exclude: list[str], isolated: bool
) -> tuple[Report, tuple[float, str] | None]:
    """Scan with the repository's configuration, unless isolated from it.

    Returns:
        The report, and the score that the configuration demands with where it does so.
    """
    from readiness.cli.progress import Watch
    from readiness.repository.configuration import Configuration, load_configuration, parse_date
    from readiness.scanning import scan as scan_repository

    day = parse_date(as_of) if as_of is not None else None
    configuration = Configuration() if isolated else load_configuration(path)
    with Watch() as progress:
        report = scan_repository(path, as_of=day, exclude=exclude, configuration=configuration, progress=progress)
    if configuration.fail_under is None:
        return report, None
    return report, (configuration.fail_under, f"fail-under in {configuration.source}")


def _drawing(report: Report, *, verbose: bool, quiet: bool, check: str | None) -> Callable[[Page, bool], list[Text]]:
    from readiness.report import detail, terminal

    if check is not None:
        chosen = report.check(check)
        if chosen is None:
            names = [one.name for one in report.checks]
            raise unknown("check", check, names, "`readiness checks` lists them all")
        return lambda page, colour: detail.one_check(report, chosen, page)
    if verbose:
        return lambda page, colour: detail.verbose(report, page)
    if quiet:
        return lambda page, colour: terminal.quiet(report, page)
    return lambda page, colour: terminal.summary(report, page)


def _gate(report: Report, least: float, source: str) -> int:
    """Exit code 1, and the reason in words, when the score is under what is demanded."""
    if report.score is None or report.score.value >= least:
        return 0
    sys.stderr.write(f"readiness: the score {report.score.value:.1f} is under {least:g} ({source})\n")
    return 1
