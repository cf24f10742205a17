"""How a command does its work: open the services, do it, and speak plainly when it cannot be done."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NoReturn, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from sqlalchemy.exc import SQLAlchemyError

from ..errors import Refused
from ..observability import logs
from ..problems import told
from ..services import Services, open_services
from ..settings import Settings
from ..storage.migrate import pending

T = TypeVar("T")
Opening = Callable[[Settings], AbstractAsyncContextManager[Services]]


def run(work: Callable[[Services], Awaitable[T]], opening: Opening = open_services) -> T:
    """Run an asynchronous piece of work with the services open."""
    settings = load_settings()

    async def opened() -> T:
        async with opening(settings) as services:
            if behind := await pending(services.database):
                lacking = ", ".join(behind)
                stop(f"The database lacks this release's tables ({lacking}): run the migrate command first.", 2)
            return await work(services)

    return plainly(settings, lambda: asyncio.run(opened()))


def plainly(settings: Settings, work: Callable[[], T]) -> T:
    """Do it, or say in a line why not and exit: with 1 when it is refused, with 2 when something is not there."""
    try:
        return work()
    except Refused as refused:
        stop(str(refused), 1)
    except (SQLAlchemyError, ConnectionError, TimeoutError) as error:
        place = settings.database.rpartition("@")[2]  # without its password
        stop(f"The database at {place} cannot be used: {told(error)}. Is DATABASE_URL right, and is there room?", 2)
    except (OSError, ValueError) as error:
        stop(str(error), 2)


def load_settings() -> Settings:
    """The settings, or a plain word about what is wrong with them; from here on the command logs as they say."""
    try:
        settings = Settings()
    except FileNotFoundError as missing:
        stop(str(missing), 2)
    except ValidationError as wrong:
        lines = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in wrong.errors()]
        stop("A setting is wrong (service.toml, .env or the environment):\n  " + "\n  ".join(lines), 2)
    logs.configure(settings)
    return settings


def stop(message: str, code: int) -> NoReturn:
    """Say what is wrong on stderr and leave."""
    typer.secho(message, err=True, fg=typer.colors.RED)
    raise typer.Exit(code)


def show(heads: str, rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; its heads are separated by commas, and what stands in the first column is never broken."""
    first, *others = heads.split(",")
    table = Table(Column(first, no_wrap=True), *others)
    for row in rows:
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    Console().print(table if table.rows else "There are none.")
