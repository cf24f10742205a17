"""migrate: bring the database up to this release's tables."""

import asyncio

import typer
from sqlalchemy.exc import SQLAlchemyError

from ..storage.migrate import upgrade
from .run import load_settings, stop


def migrate() -> None:
    """Bring the database up to date; running it twice changes nothing."""
    settings = load_settings()
    try:
        asyncio.run(upgrade(settings.database))
    except (SQLAlchemyError, OSError) as error:
        stop(f"The database cannot be used: {type(error).__name__}: {error}", 2)
    typer.echo("The database is up to date.")
