"""keys: who may call the service."""

from typing import Annotated

import typer

from ..security.keys import LOCAL_OPERATOR
from .run import run, show

app = typer.Typer(help="Issue, list and revoke API keys.", no_args_is_help=True)


@app.command()
def issue(
    name: Annotated[str, typer.Argument(help="Who or what will use it; the audit calls them so.")],
    tenant: Annotated[str, typer.Option(help="The tenant it belongs to.")] = "default",
    scopes: Annotated[str, typer.Option(help="Of ask, feedback, review, operate, audit, admin.")] = "ask,feedback",
) -> None:
    """Issue a key and show its secret, this once."""
    wanted = {scope.strip() for scope in scopes.split(",") if scope.strip()}
    secret, row = run(lambda services: services.keys.issue(name, tenant, wanted))
    typer.echo(secret)
    typer.echo(f"Key {row.id} for {name} of {tenant}: {', '.join(row.scopes)}. It is not shown again.", err=True)


@app.command(name="list")
def list_keys() -> None:
    """Show every key, without its secret."""
    rows = (
        (
            k.id,
            k.name,
            k.tenant,
            ", ".join(k.scopes),
            f"{k.created_at:%Y-%m-%d}",
            k.revoked_at and f"{k.revoked_at:%Y-%m-%d}",
        )
        for k in run(lambda services: services.keys.all())
    )
    show("Key,Name,Tenant,Scopes,Issued,Revoked", rows)


@app.command()
def revoke(key: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")]) -> None:
    """End a key: it stops working everywhere within five seconds."""
    row = run(lambda services: services.keys.revoke(LOCAL_OPERATOR, key))
    typer.echo(f"Revoked {row.id} ({row.name} of {row.tenant}).")
