"""`readiness scan`: how ready is this repository, and what should be mended first?"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readiness.cli.formats import Format, rendered, targets
from readiness.cli.options import AsOf, ConfigFile, Exclude, Isolated, NoWaivers, configuration_of, scanned
from readiness.cli.output import emit, emit_page
from readiness.cli.words import unknown
from readiness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text

    from readiness.report.model import Report
    from readiness.report.page import Page


def scan(
    path: Annotated[Path, typer.Argument(help="The folder of the repository.")] = Path(),
    *,
    form: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="The form of the report.  [default: terminal]", show_default=False),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="[FORMAT=]FILE",
            help="Write the report into this file; with FORMAT= may be given again.",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every check with its evidence.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show the score and nothing else.")] = False,
    check: Annotated[
        str | None,
        typer.Option("--check", metavar="NAME", help="Show one check with all its places and their code."),
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-under", metavar="[LAYER=]SCORE", help="Exit with code 1 below this score; may be given again."
        ),
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-on",
            metavar="WHAT",
            help="Exit with code 1 for a finding of this weight (critical, high, medium, low) or heavier, of this "
            "check, or a new one (new); may be given again.",
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline", metavar="FILE", help="Report only what this baseline does not know.", show_default=False
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="REV", help="Report only what is in lines changed since REV.")
    ] = None,
    as_of: AsOf = None,
    exclude: Exclude = None,
    config: ConfigFile = None,
    isolated: Isolated = False,
    no_waivers: NoWaivers = False,
) -> int:
    """Say how ready a repository is for production, and what to fix first.

    Nothing of the repository is run, changed or sent anywhere.
    """
    from readiness.cli.demands import demands_of
    from readiness.report.gate import judge_gate

    goes_to = targets(form, output or [])
    on_page = any(one.form is Format.TERMINAL for one in goes_to)
    if verbose and quiet:
        raise UsageError("--verbose and --quiet ask for opposite things; give one of them")
    if check is not None and (quiet or not on_page):
        raise UsageError("--check shows one check in the terminal; leave out --quiet and --format")
    configuration = configuration_of(path, config, isolated)
    compares = baseline is not None or since is not None or configuration.baseline is not None
    demands = demands_of(fail_under, fail_on, configuration, compares=compares)
    waivers = not (isolated or no_waivers)
    report = scanned(path, configuration, as_of=as_of, exclude=exclude, waivers=waivers, baseline=baseline, since=since)
    report = replace(report, gate=judge_gate(report, demands))
    draw = _drawing(report, verbose=verbose, quiet=quiet, check=check)
    for target in goes_to:
        if target.form is Format.TERMINAL:
            emit_page(draw, target.path)
        else:
            emit(rendered(report, target.form), target.path)
    return _say_gate(report)


def _drawing(report: Report, *, verbose: bool, quiet: bool, check: str | None) -> Callable[[Page, bool], list[Text]]:
    from readiness.report import detail, terminal

    if check is not None:
        chosen = report.check(_current(check))
        if chosen is None:
            names = [one.name for one in report.checks]
            raise unknown("check", check, names, "`readiness checks` lists them all")
        return lambda page, colour: detail.one_check(report, chosen, page)
    if verbose:
        return lambda page, colour: detail.verbose(report, page)
    if quiet:
        return lambda page, colour: terminal.quiet(report, page)
    return lambda page, colour: terminal.summary(report, page)


def _current(check: str) -> str:
    """The name a check has now."""
    from readiness.assess.catalogue import load_catalogue

    return load_catalogue().names.get(check, check)


def _say_gate(report: Report) -> int:
    """Exit code 1, and each demand that is not met in words."""
    if report.gate is None or report.gate.met:
        return 0
    for demand in report.gate.demands:
        if not demand.met:
            sys.stderr.write(f"readiness: {demand.says} ({demand.demand})\n")
    return 1
