"""Migrations: the tables of a release, applied by Alembic."""

import asyncio
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from .database import Database, make_folder


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


async def upgrade(url: str) -> None:
    """Apply every migration that the database lacks."""
    make_folder(url)
    database = Database(url)
    try:
        behind = await pending(database)
    finally:
        await database.close()
    if behind:
        await asyncio.to_thread(command.upgrade, _config(url), "head")


async def pending(database: Database) -> list[str]:
    """The migrations that the database lacks, oldest first.

    One that a newer release has migrated lacks none: while that release is rolled out, or back, this one goes on.
    """

    def applied(connection: Connection) -> tuple[str, ...]:
        return tuple(MigrationContext.configure(connection).get_current_heads())

    async with database.engine.connect() as connection:
        heads = await connection.run_sync(applied)
    if not {script.revision for script in _scripts().walk_revisions()}.issuperset(heads):
        return []
    missing = _scripts().iterate_revisions("heads", heads or "base")
    return [script.revision for script in missing][::-1]


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(""))
