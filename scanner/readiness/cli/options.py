"""Options that several commands have, and what they say about a repository together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from readiness.errors import UsageError

if TYPE_CHECKING:
    from datetime import date

    from readiness.report.model import Report
    from readiness.repository.configuration import Configuration

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help="Judge as of this day; default: the commit's or our tables'."),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="GLOB", help="Leave out files that match; may be given again."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Read this configuration, not the repository's.", show_default=False),
]
Isolated = Annotated[
    bool,
    typer.Option(
        "--isolated",
        "--no-config",
        help="Ignore all the repository says about itself: configuration, waivers, suppressions.",
    ),
]
NoWaivers = Annotated[
    bool, typer.Option("--no-waivers", help="Count what suppressions and waivers accept: the raw score alone.")
]


def configuration_of(path: Path, config: Path | None, isolated: bool) -> Configuration:
    """The configuration of a scan of `path`.

    Raises:
        UsageError: it is wrong, or `--config` and `--isolated` are given together.
    """
    from readiness.repository.configuration import Configuration, load_configuration

    if isolated and config is not None:
        raise UsageError("--isolated ignores configuration and --config names one; give one of them")
    return Configuration() if isolated else load_configuration(path, config)


def day_of(as_of: str | None) -> date | None:
    """The day that `--as-of` gives.

    Raises:
        UsageError: it is no day.
    """
    from readiness.repository.configuration import parse_date

    return parse_date(as_of) if as_of is not None else None


def scanned(
    path: Path,
    configuration: Configuration,
    *,
    as_of: str | None,
    exclude: list[str] | None,
    waivers: bool,
    baseline: Path | None = None,
    since: str | None = None,
    revision: str | None = None,
) -> Report:
    """Scan with a progress bar, where a person watches.

    Raises:
        UsageError: the path, a pattern, a revision, the baseline or the configuration is wrong.
    """
    from readiness.cli.progress import Watch
    from readiness.scanning import scan

    with Watch() as progress:
        return scan(
            path,
            as_of=day_of(as_of),
            exclude=exclude or [],
            configuration=configuration,
            revision=revision,
            baseline=baseline,
            since=since,
            waivers=waivers,
            progress=progress,
        )
