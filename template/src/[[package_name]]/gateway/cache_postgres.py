"""The cache beside a PostgreSQL database, shared by all replicas: by fingerprint alone, it needs no extension."""

from datetime import timedelta

from sqlalchemy import text

from ..answering.answer import Answer, Outcome
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import now
from .cache_rules import MOST_PER_TENANT, CacheScope, fingerprint

_TABLE = """CREATE TABLE IF NOT EXISTS answer_cache (tenant TEXT, scope TEXT, words TEXT, body TEXT NOT NULL,
until TIMESTAMPTZ NOT NULL, PRIMARY KEY (scope, words))"""
_LOOKUP = "SELECT body FROM answer_cache WHERE scope = :scope AND words = :words AND until > :at"
_TIDY = """DELETE FROM answer_cache WHERE tenant = :tenant AND (until <= :at OR (scope, words) IN (
SELECT scope, words FROM answer_cache WHERE tenant = :tenant ORDER BY until DESC OFFSET :most))"""
_STORE = """INSERT INTO answer_cache (tenant, scope, words, body, until) VALUES (:tenant, :scope, :words, :body, :until)
ON CONFLICT (scope, words) DO UPDATE SET body = excluded.body, until = excluded.until"""


class PostgresCache:
    """One row for a question and a scope; no migration knows the table, it may be dropped at any time."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._time = timedelta(hours=settings.cache_hours)

    async def prepare(self) -> "PostgresCache":
        """Create the table if it is not there."""
        async with self._database.writing(chained=True) as session:  # two replicas starting at once wait for each other
            await session.execute(text(_TABLE))
        return self

    async def lookup(self, scope: CacheScope, question: str) -> Answer | None:
        """The answer to a question that asks the same."""
        asked = {"scope": scope.key, "words": fingerprint(question), "at": now()}
        async with self._database.reading() as session:
            body = await session.scalar(text(_LOOKUP), asked)
        return Answer.model_validate_json(body) if body else None

    async def store(self, scope: CacheScope, question: str, answer: Answer) -> None:
        """Remember a plain answer until its time is over or newer ones need the room."""
        if answer.outcome is not Outcome.ANSWERED or not self._time:
            return
        known = {"tenant": scope.tenant, "scope": scope.key, "words": fingerprint(question)}
        kept = {"body": answer.model_dump_json(), "until": now() + self._time}
        async with self._database.writing() as session:
            await session.execute(text(_STORE), known | kept)
            await session.execute(text(_TIDY), {"tenant": scope.tenant, "at": now(), "most": MOST_PER_TENANT})

    async def close(self) -> None:
        """The database is closed by its owner."""
