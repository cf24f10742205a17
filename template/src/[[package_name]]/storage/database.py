"""The engine and its sessions: SQLite in a file by default, PostgreSQL by address, with the same behaviour."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

_CHAIN_LOCK = 7_041  # PostgreSQL advisory lock that serialises the audit chain


class Database:
    """The service's database.

    Args:
        url: an async SQLAlchemy address, sqlite+aiosqlite:///… or postgresql+asyncpg://…
    """

    def __init__(self, url: str) -> None:
        self.embedded = make_url(url).get_backend_name() == "sqlite"
        # What stands in a statement may be somebody's question: an error must not repeat it.
        options: dict[str, Any] = {"pool_pre_ping": not self.embedded, "hide_parameters": True}
        if self.embedded:
            make_folder(url)
        else:
            options |= {"pool_size": 10, "max_overflow": 10, "pool_timeout": 5}
            options["connect_args"] = {"timeout": 5, "command_timeout": 10}
        self.engine: AsyncEngine = create_async_engine(url, **options)
        if self.embedded:
            event.listen(self.engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(self.engine.sync_engine, "begin", _begin_sqlite)
        self._writing = self.engine.execution_options(sqlite_writes=True) if self.embedded else self.engine
        # SQLite has one writer at a time, and who waits for it in there polls; in here they queue.
        self._turn: AbstractAsyncContextManager[None] = asyncio.Lock() if self.embedded else nullcontext()
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session that reads; nothing it changes is kept."""
        async with self._sessions() as session:
            yield session

    @asynccontextmanager
    async def writing(self, *, chained: bool = False) -> AsyncIterator[AsyncSession]:
        """A session in one transaction, kept when the block ends well and undone otherwise.

        Args:
            chained: the transaction appends to the audit chain, so it must wait for any other that does.
        """
        async with self._turn, self._sessions(bind=self._writing) as session, session.begin():
            if chained and not self.embedded:
                await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})
            yield session

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()


def make_folder(url: str) -> None:
    """Make the folder of an embedded database; a server needs none."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver must not open transactions by itself: _begin_sqlite says which kind.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # A writer takes the lock at once: upgrading a reader's transaction fails as soon as two of them try.
    immediate = connection.get_execution_options().get("sqlite_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
