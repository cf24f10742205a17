"""Migrations: the tables of a release, applied by Alembic."""

import asyncio
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url

from .database import Database


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


async def upgrade(url: str) -> None:
    """Apply every migration that the database lacks; the folder of an embedded database is made."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(command.upgrade, _config(url), "head")


async def pending(database: Database) -> list[str]:
    """The migrations that the database lacks, oldest first."""

    def applied(connection: Connection) -> tuple[str, ...]:
        return tuple(MigrationContext.configure(connection).get_current_heads())

    async with database.engine.connect() as connection:
        heads = await connection.run_sync(applied)
    return [] if heads == _heads() else [name for name in _revisions() if name not in _ancestry(heads)]


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(""))


def _heads() -> tuple[str, ...]:
    return tuple(_scripts().get_heads())


def _revisions() -> list[str]:
    return [script.revision for script in reversed(list(_scripts().walk_revisions()))]


def _ancestry(heads: tuple[str, ...]) -> set[str]:
    return {script.revision for head in heads for script in _scripts().iterate_revisions(head, "base")}
