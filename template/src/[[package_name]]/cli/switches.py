"""switches: turn a feature, a model or a tenant off, and on again."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ..controls.switches import FEATURES, Kind
from ..security.keys import LOCAL_OPERATOR
from .run import run

app = typer.Typer(help="Kill switches: they hold from the next request on.", no_args_is_help=True)
What = Annotated[Kind, typer.Argument(help="feature, model or tenant.")]
Name = Annotated[str, typer.Argument(help=f"Which one; the features are {', '.join(FEATURES)}.")]
Why = Annotated[str, typer.Option(help="For those who will ask.")]


@app.command(name="list")
def show() -> None:
    """Show every switch that was ever touched."""
    table = Table("Kind", "Name", "State", "Reason", "By", "Since")
    for row in run(lambda services: services.switches.all()):
        table.add_row(row.kind, row.name, "off" if row.off else "on", row.reason, row.actor, f"{row.at:%Y-%m-%d %H:%M}")
    Console().print(table)


@app.command()
def off(kind: What, name: Name, reason: Why) -> None:
    """Switch something off."""
    run(lambda services: services.switches.set(LOCAL_OPERATOR, kind, name, True, reason))
    typer.echo(f"The {kind} {name} is off.")


@app.command()
def on(kind: What, name: Name, reason: Why) -> None:
    """Switch something on again."""
    run(lambda services: services.switches.set(LOCAL_OPERATOR, kind, name, False, reason))
    typer.echo(f"The {kind} {name} is on.")
