"""`readiness compare OLD NEW`: what changed, and how much of it is the owners' work."""

from __future__ import annotations

import stat
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readiness.cli.options import AsOf, ConfigFile, Exclude, Isolated, NoWaivers, configuration_of, scanned
from readiness.cli.output import emit, emit_page
from readiness.cli.saved import read_report
from readiness.errors import UsageError

if TYPE_CHECKING:
    from readiness.report.comparison import Comparison
    from readiness.report.model import Report


class Format(StrEnum):
    """The forms of a comparison."""

    TERMINAL = "terminal"
    JSON = "json"
    MARKDOWN = "markdown"


class Kind(StrEnum):
    """What OLD or NEW names."""

    SAVED = "a saved report"
    FOLDER = "a folder"
    REVISION = "a revision"


def compare(
    old: Annotated[str, typer.Argument(metavar="OLD", help="A saved JSON report, a folder, or a git revision.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same, later.")],
    *,
    repository: Annotated[
        Path, typer.Option("--repository", metavar="PATH", help="The repository that revisions are of.")
    ] = Path(),
    form: Annotated[Format, typer.Option("--format", "-f", help="The form of the comparison.")] = Format.TERMINAL,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the comparison into this file.", show_default=False)
    ] = None,
    as_of: AsOf = None,
    exclude: Exclude = None,
    config: ConfigFile = None,
    isolated: Isolated = False,
    no_waivers: NoWaivers = False,
) -> int:
    """Say what changed from one report, folder or revision to another: score, layers, checks and findings.

    A name that is a file or a folder is taken for one; a revision of that name is written refs/heads/NAME. Nothing is
    checked out. Both sides are judged with one configuration, that of NEW where it is a folder and else that of the
    repository, and as of one day, that of NEW.
    """
    from readiness.assess.catalogue import load_catalogue
    from readiness.report import comparison

    kinds = (_kind(old), _kind(new))
    scans = any(kind is not Kind.SAVED for kind in kinds)
    if not scans and (as_of is not None or exclude or config is not None or isolated or no_waivers):
        raise UsageError("both reports are saved and nothing is scanned; leave out the options of a scan")
    root = Path(new) if kinds[1] is Kind.FOLDER else repository
    configuration = configuration_of(root, config, isolated or not scans)
    # A baseline changes what is reported of a scan, and here all of it is compared.
    configuration = replace(configuration, baseline=None)

    def report_of(side: str, kind: Kind, day: str | None) -> Report:
        if kind is Kind.SAVED:
            return read_report(Path(side))
        folder, revision = (Path(side), None) if kind is Kind.FOLDER else (repository, side)
        waivers = not (isolated or no_waivers)
        return scanned(folder, configuration, as_of=day, exclude=exclude, waivers=waivers, revision=revision)

    later = report_of(new, kinds[1], as_of)
    earlier = report_of(old, kinds[0], as_of or later.as_of)
    names = load_catalogue().names if earlier.ruler.hash != later.ruler.hash else {}
    _emit(comparison.compare(earlier, later, names), form, output)
    return 0


def _kind(side: str) -> Kind:
    try:
        mode = Path(side).stat().st_mode
    except (OSError, ValueError):
        return Kind.REVISION  # no path, or none that could be read
    return Kind.FOLDER if stat.S_ISDIR(mode) else Kind.SAVED


def _emit(found: Comparison, form: Format, output: Path | None) -> None:
    from readiness.report import compared

    if form is Format.JSON:
        emit(compared.to_json(found), output)
    elif form is Format.MARKDOWN:
        emit(compared.to_markdown(found), output)
    else:
        emit_page(lambda page, colour: compared.to_page(found, page), output)
