"""audit: check the record, take it out, and end the retention of content."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ..audit.chain import Verification, verify
from ..audit.export import entries, export
from ..audit.retention import purge
from ..security.keys import LOCAL_OPERATOR
from ..services import Services
from .run import run, stop

app = typer.Typer(help="The audit record.", no_args_is_help=True)
Time = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="In UTC.")]


@app.command(name="verify")
def check(
    head: Annotated[str, typer.Option(help="The digest you noted as the last; shows what is missing at the end.")] = "",
) -> None:
    """Check that no entry was changed or removed; exits with 1 when one was."""

    async def chain(services: Services) -> Verification:
        async with services.database.reading() as session:
            return await verify(session, expected_head=head)

    found = run(chain)
    if found.problem:
        stop(f"The record is broken: {found.problem}.", 1)
    typer.echo(f"{found.entries} entries, none changed or missing. Note the head elsewhere: {found.head}")


@app.command(name="export")
def write(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to write the entries, one JSON object a line.")],
    tenant: Annotated[str | None, typer.Option(help="Of one tenant only.")] = None,
    since: Time = None,
    until: Time = None,
) -> None:
    """Write the record to a file."""
    since, until = (time and time.replace(tzinfo=UTC) for time in (since, until))

    async def work(services: Services) -> int:
        count = 0
        with file.open("w", encoding="utf-8") as out:
            async for line in export(services.database, entries(tenant=tenant, since=since, until=until)):
                out.write(line + "\n")
                count += 1
        return count

    typer.echo(f"{run(work)} entries in {file}.")


@app.command(name="purge")
def end_retention() -> None:
    """Remove the content of answers older than retention_days; run it every day."""
    count = run(lambda services: purge(services.settings, services.database, LOCAL_OPERATOR))
    typer.echo(f"{count} answers lost their content; that they were given stays on record.")
