"""data: take documents in, look at their versions, go back to an earlier one."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from ..data.changes import DataChanges
from ..data.contract import load_contract
from ..data.drift import compare
from ..data.ingest import Report
from ..data.quarantine import Quarantine
from ..data.sources import READABLE, TableSource
from ..errors import Refused
from ..security.keys import LOCAL_OPERATOR
from ..services import Services
from .run import run, show

app = typer.Typer(help="Ingest documents; list, compare and roll back their versions.", no_args_is_help=True)
_SETTLED_S = 2.0  # a file that changed this recently may still be on its way


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="A JSONL, CSV or Parquet file, a folder, an address. [inbox]")] = "",
    table: Annotated[str, typer.Option(help="A table of the database at --address.")] = "",
    address: Annotated[str, typer.Option(envvar="DATA_SOURCE_URL", help="A SQLAlchemy address.")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Keep looking into the inbox until stopped.")] = False,
) -> None:
    """Check records against the contract: those that pass make a new version, the others go to quarantine."""
    if table and not address:
        raise typer.BadParameter("--table needs --address, or DATA_SOURCE_URL in the environment.")

    async def work(services: Services) -> None:
        if not (source or table):
            return await _inbox(services, watch)
        origin = source if "://" in source else Path(source)
        return _tell(await _changes(services).ingest(LOCAL_OPERATOR, TableSource(address, table) if table else origin))

    run(work)


@app.command()
def replay() -> None:
    """Check the quarantined records again, after the contract or the records were mended."""
    _tell(run(lambda services: _changes(services).replay(LOCAL_OPERATOR)))


@app.command()
def quarantine() -> None:
    """List the records that were not accepted, and why."""

    async def work(services: Services) -> None:
        store = Quarantine(services.library.folder)
        rows = store.rows()
        show("Source,Line,Since,Why", ((r.source, r.line, f"{r.at:%Y-%m-%d}", "; ".join(r.reasons)) for r in rows))
        typer.echo(f"{len(rows)} records in {store.path}")

    run(work)


@app.command()
def versions() -> None:
    """List the versions, the newest first; the current one is marked."""

    async def work(services: Services) -> None:
        current, found = services.library.current(), services.library.versions()
        names = ("* " + v.id if v == current else v.id for v in found)
        facts = ((f"{v.created_at:%Y-%m-%d %H:%M}", v.rows, v.chunks, v.parent) for v in found)
        show("Version,Made (UTC),Records,Passages,Parent", ((n, *f) for n, f in zip(names, facts, strict=True)))

    run(work)


@app.command()
def diff(before: str, after: str) -> None:
    """Show the keys that were added, removed or changed from one version to another."""

    async def work(services: Services) -> None:
        found = services.library.diff(before, after)
        sides = (("added", found.added), ("removed", found.removed), ("changed", found.changed))
        show("Change,Key", ((name, key) for name, keys in sides for key in keys))

    run(work)


@app.command()
def rollback(version: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")]) -> None:
    """Answer from an earlier version. The later ones stay, so the way back is the same command."""
    found = run(lambda services: _changes(services).roll_back(LOCAL_OPERATOR, version))
    typer.echo(f"Answers now come from {found.id} ({found.rows} records of {found.created_at:%Y-%m-%d %H:%M} UTC).")


@app.command()
def drift(
    version: Annotated[str, typer.Argument(help="The version to judge. [the current one]")] = "",
    reference: Annotated[str, typer.Option(help="The version to compare with. [its parent]")] = "",
) -> None:
    """Compare the data with a reference; exits with 1 when a field has moved beyond the contract's limits."""

    async def work(services: Services) -> bool:
        library = services.library
        judged = library.get(version) if version else library.current()
        base = reference or (judged.parent if judged else None)
        if not judged or not base:
            raise Refused("There is no earlier version to compare with: ingest twice, or name one with --reference.")
        contract = load_contract(services.settings.root / "data" / "contract.yaml")
        found = compare(library.records(library.get(base)), library.records(judged), contract)
        for item in found:
            services.metrics.drift(item.field, item.psi)
        rows = (
            (
                d.field,
                f"{d.psi:.3f}",
                d.test,
                f"{d.statistic:.3f}",
                d.p and f"{d.p:.4f}",
                "drifted" if d.over else "calm",
            )
            for d in found
        )
        show("Field,PSI,Test,Statistic,p,Verdict", rows)
        return any(item.over for item in found)

    if run(work):
        raise typer.Exit(1)


async def _inbox(services: Services, watch: bool) -> None:
    inbox = services.settings.state / "inbox"
    done = inbox / "done"
    done.mkdir(parents=True, exist_ok=True)
    typer.echo(f"Looking into {inbox} for {', '.join(READABLE)}" + (" until Ctrl-C." if watch else "."))
    failed: set[tuple[Path, float]] = set()
    while True:
        for path in sorted(path for path in inbox.iterdir() if path.suffix.lower() in READABLE):
            changed = path.stat().st_mtime
            if (path, changed) in failed or (watch and time.time() - changed < _SETTLED_S):
                continue
            try:
                _tell(await _changes(services).ingest(LOCAL_OPERATOR, path))
                path.replace(done / f"{time.time_ns()}-{path.name}")
            except Refused as refused:
                failed.add((path, changed))
                typer.secho(f"{path.name} stays in the inbox: {refused}", err=True, fg=typer.colors.RED)
        if not watch:
            break
        await asyncio.sleep(_SETTLED_S)
    if failed:
        raise typer.Exit(1)


def _changes(services: Services) -> DataChanges:
    return DataChanges(services.library, services.database, services.metrics)


def _tell(report: Report) -> None:
    show("Accepted,Unchanged,Quarantined", [(report.accepted, report.unchanged, len(report.quarantined))])
    if report.quarantined:
        typer.echo("  `data quarantine` says what was wrong.")
    if report.stale:
        typer.echo("  The source is stale: its newest record is older than the contract allows.")
    name = report.version.id if report.version else "none"
    typer.echo(f"New version: {name}" if report.created else f"Nothing new: the version stays {name}.")
