"""switches: turn a feature, a model or a tenant off, and on again."""

from typing import Annotated

import typer

from ..controls.switches import FEATURES, Kind
from ..security.keys import LOCAL_OPERATOR
from .run import run, show

app = typer.Typer(help="Kill switches: they hold from the next request on.", no_args_is_help=True)
What = Annotated[Kind, typer.Argument(help="feature, model or tenant.")]
Name = Annotated[str, typer.Argument(help=f"Which one; the features are {', '.join(FEATURES)}.")]
Why = Annotated[str, typer.Option(help="For those who will ask.")]


@app.command(name="list")
def list_switches() -> None:
    """Show every switch that was ever touched."""
    rows = run(lambda services: services.switches.all())
    facts = ((r.kind, r.name, "off" if r.off else "on", r.reason, r.actor, f"{r.at:%Y-%m-%d %H:%M}") for r in rows)
    show("Kind,Name,State,Reason,By,Since", facts)


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
