"""The embedded cache: vectors and answers in one SQLite file."""

import asyncio
import threading
import time
from collections.abc import Iterator

import apsw
import sqlite_vec  # type: ignore[import-untyped]

from ..answering.answer import Answer, Outcome
from ..data.embedding import DIMENSIONS, embed
from ..settings import Settings
from .cache_rules import MOST_PER_TENANT, CacheScope, fingerprint

_NEIGHBOURS = 8
_TABLES = f"""
CREATE TABLE IF NOT EXISTS answers (id INTEGER PRIMARY KEY, tenant TEXT, scope TEXT, words TEXT, body TEXT, until REAL);
CREATE INDEX IF NOT EXISTS by_tenant ON answers (tenant, id);
CREATE VIRTUAL TABLE IF NOT EXISTS vectors USING vec0(
    id INTEGER PRIMARY KEY, scope TEXT PARTITION KEY, embedding FLOAT[{DIMENSIONS}] distance_metric=cosine
);
"""


class SqliteCache:
    """Finds near questions by sqlite-vec; every call blocks in a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        settings.state.mkdir(parents=True, exist_ok=True)
        self._file = apsw.Connection(str(settings.state / "cache.db"))
        self._file.set_busy_timeout(5000)
        self._file.enable_load_extension(True)
        self._file.load_extension(sqlite_vec.loadable_path())
        self._file.enable_load_extension(False)
        self._file.execute(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {_TABLES}").fetchall()
        self._distance = settings.cache_distance
        self._seconds = settings.cache_hours * 3600
        self._one_at_a_time = threading.Lock()

    async def lookup(self, scope: CacheScope, question: str) -> Answer | None:
        """The answer to a question that asks the same."""
        return await asyncio.to_thread(self._lookup, scope, question)

    async def store(self, scope: CacheScope, question: str, answer: Answer) -> None:
        """Remember a plain answer until its time is over or newer ones need the room."""
        if answer.outcome is Outcome.ANSWERED and self._seconds:
            await asyncio.to_thread(self._store, scope, question, answer)

    async def close(self) -> None:
        """Close the file."""
        with self._one_at_a_time:
            self._file.close()

    def _lookup(self, scope: CacheScope, question: str) -> Answer | None:
        near = (
            "SELECT a.words, a.body FROM vectors v JOIN answers a ON a.id = v.id WHERE v.embedding MATCH ? AND v.k = ? "
            "AND v.scope = ? AND v.distance <= ? AND a.until > ? ORDER BY v.distance"
        )
        words, vector = fingerprint(question), sqlite_vec.serialize_float32(embed(question))
        with self._one_at_a_time:
            found = self._file.execute(near, (vector, _NEIGHBOURS, scope.key, self._distance, time.time())).fetchall()
        return next((Answer.model_validate_json(str(body)) for known, body in found if known == words), None)

    def _store(self, scope: CacheScope, question: str, answer: Answer) -> None:
        words, vector = fingerprint(question), sqlite_vec.serialize_float32(embed(question))
        with self._one_at_a_time, self._file:
            for stale in self._stale(scope, words):
                self._file.execute("DELETE FROM vectors WHERE id = ?", (stale,))
                self._file.execute("DELETE FROM answers WHERE id = ?", (stale,))
            self._file.execute(
                "INSERT INTO answers (tenant, scope, words, body, until) VALUES (?, ?, ?, ?, ?)",
                (scope.tenant, scope.key, words, answer.model_dump_json(), time.time() + self._seconds),
            )
            self._file.execute(
                "INSERT INTO vectors (id, scope, embedding) VALUES (last_insert_rowid(), ?, ?)", (scope.key, vector)
            )

    def _stale(self, scope: CacheScope, words: str) -> list[int]:
        """What a new answer replaces: the same question's, what is over, and the oldest beyond the limit."""
        rows: Iterator[tuple[int]] = self._file.execute(
            "SELECT id FROM answers WHERE tenant = ? AND (until <= ? OR (scope = ? AND words = ?)) UNION "
            "SELECT id FROM (SELECT id FROM answers WHERE tenant = ? ORDER BY id DESC LIMIT -1 OFFSET ?)",
            (scope.tenant, time.time(), scope.key, words, scope.tenant, MOST_PER_TENANT - 1),
        )
        return [row[0] for row in rows]
