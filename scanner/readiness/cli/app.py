"""The commands, put together. Each one imports what it needs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from readiness import __version__
from readiness.cli.badge import badge
from readiness.cli.baseline import baseline
from readiness.cli.checks import checks
from readiness.cli.compare import compare
from readiness.cli.explain import explain
from readiness.cli.new import new
from readiness.cli.scan import scan

app = typer.Typer(
    name="readiness",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: it reads the same in a terminal, a pipe and a log
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"readiness {__version__}")
        raise typer.Exit


@app.callback()
def readiness(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Is this AI project ready for production? readiness reads it and says how ready, and why."""


app.command()(scan)
app.command(no_args_is_help=True)(explain)
app.command()(checks)
app.command()(compare)
app.command()(baseline)
app.command()(badge)
app.command()(new)
