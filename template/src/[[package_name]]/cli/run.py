"""How a command does its work: open the services, do it, and speak plainly when it cannot be done."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import NoReturn, TypeVar

import typer
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from ..errors import Refused
from ..services import Services, open_services
from ..settings import Settings
from ..storage.migrate import pending

T = TypeVar("T")


def run(work: Callable[[Services], Awaitable[T]]) -> T:
    """Run an asynchronous piece of work with the services open.

    Exits with 1 when the work is refused, with 2 when the settings or the database are not as they must be.
    """
    settings = load_settings()

    async def opened() -> T:
        async with AsyncExitStack() as stack:
            try:
                services = await stack.enter_async_context(open_services(settings))
            except ValueError as wrong:
                stop(str(wrong), 2)
            if behind := await pending(services.database):
                stop(
                    f"The database lacks this release's tables ({', '.join(behind)}): run the migrate command first.", 2
                )
            return await work(services)

    try:
        return asyncio.run(opened())
    except Refused as refused:
        stop(str(refused), 1)
    except (SQLAlchemyError, ConnectionError) as error:
        stop(f"The database at {_safe(settings)} cannot be used: {type(error).__name__}. Is DATABASE_URL right?", 2)


def load_settings() -> Settings:
    """The settings, or a plain word about what is wrong with them."""
    try:
        return Settings()
    except FileNotFoundError as missing:
        stop(str(missing), 2)
    except ValidationError as wrong:
        lines = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in wrong.errors()]
        stop("A setting is wrong (service.toml, .env or the environment):\n  " + "\n  ".join(lines), 2)


def stop(message: str, code: int) -> NoReturn:
    """Say what is wrong on stderr and leave."""
    typer.secho(message, err=True, fg=typer.colors.RED)
    raise typer.Exit(code)


def _safe(settings: Settings) -> str:
    """The database's address without its password."""
    return settings.database.rpartition("@")[2] or settings.database
