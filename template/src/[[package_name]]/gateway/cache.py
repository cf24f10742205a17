"""Answers that were given before, found again by their meaning: the embedding proposes, the words decide."""

import asyncio
import re
import threading
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from hashlib import sha256

import apsw
import sqlite_vec  # type: ignore[import-untyped]
import structlog

from ..answering.answer import Answer, Outcome
from ..data.embedding import DIMENSIONS, embed
from ..settings import Settings
from ..storage.shared import Shared

MOST_PER_TENANT = 5_000
_NEIGHBOURS = 8
_TABLES = f"""
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS answers (id INTEGER PRIMARY KEY, tenant TEXT, scope TEXT, words TEXT, body TEXT, until REAL);
CREATE INDEX IF NOT EXISTS by_tenant ON answers (tenant, id);
CREATE INDEX IF NOT EXISTS by_end ON answers (until);
CREATE VIRTUAL TABLE IF NOT EXISTS vectors USING vec0(
    id INTEGER PRIMARY KEY, scope TEXT PARTITION KEY, embedding FLOAT[{DIMENSIONS}] distance_metric=cosine
);
"""
_NEAR = """SELECT a.words, a.body FROM vectors v JOIN answers a ON a.id = v.id WHERE v.embedding MATCH ? AND v.k = ?
AND v.scope = ? AND v.distance <= ? AND a.until > ? ORDER BY v.distance"""
# What a new answer replaces: what is over, whoever's it was; the same question's; the tenant's oldest beyond the limit.
_STALE = """SELECT id FROM answers WHERE until <= ? UNION
SELECT id FROM answers WHERE tenant = ? AND scope = ? AND words = ? UNION
SELECT id FROM (SELECT id FROM answers WHERE tenant = ? ORDER BY id DESC LIMIT -1 OFFSET ?)"""
_FILLER = re.compile("an?|the|please|kindly|i|me|my|we|us|our|you|your|it|its|is|are|am|do|does|hello|thanks")
_ORDERS = re.compile(r"\b(from|to|before|after|than|instead|into|between|over|under|by)\b")


@dataclass(frozen=True, slots=True)
class CacheScope:
    """Where an answer holds: another tenant, prompt, data version or model has its own."""

    tenant: str
    prompt_version: str
    data_version: str
    model: str

    @property
    def key(self) -> str:
        """A short name of the scope."""
        return sha256("\x1f".join(astuple(self)).encode()).hexdigest()[:32]


class AnswerCache:
    """Remembers answers for CACHE_HOURS, in a file of this replica and in Redis, which all replicas ask first."""

    def __init__(self, settings: Settings) -> None:
        self._distance = settings.cache_distance
        self._seconds = settings.cache_hours * 3600
        self._shared = Shared(settings)
        settings.state.mkdir(parents=True, exist_ok=True)
        try:
            self._file = _open(str(settings.state / "cache.db"))
        except apsw.Error as error:  # as below: what is only remembered stops nobody
            structlog.get_logger().warning("cache.unusable", error=type(error).__name__)
            self._file = _open(":memory:")
        self._one_at_a_time = threading.Lock()

    async def lookup(self, scope: CacheScope, question: str) -> Answer | None:
        """The answer to this question, or to one that asks the same."""
        words = fingerprint(question)
        body = await self._shared.ask("get", _key(scope, words))
        body = body or await self._at_hand(self._find, scope, question, words)
        return Answer.model_validate_json(body) if body else None

    async def store(self, scope: CacheScope, question: str, answer: Answer) -> None:
        """Remember an answer until its time is over or newer ones need the room; only a plain answer is kept."""
        if answer.outcome is not Outcome.ANSWERED or not self._seconds:
            return
        words, body = fingerprint(question), answer.model_dump_json()
        await self._shared.ask("set", _key(scope, words), body, ex=self._seconds)
        await self._at_hand(self._keep, scope, question, words, body)

    async def close(self) -> None:
        """Let go of the file and the connections."""
        await self._shared.close()
        with self._one_at_a_time:
            self._file.close()

    async def _at_hand(self, work: Callable[..., str | None], *arguments: object) -> str | None:
        try:
            return await asyncio.to_thread(work, *arguments)
        except apsw.Error as error:  # a disk that is full or broken costs the memory of an answer, not the answer
            structlog.get_logger().warning("cache.unusable", error=type(error).__name__)
            return None

    def _find(self, scope: CacheScope, question: str, words: str) -> str | None:
        near = (sqlite_vec.serialize_float32(embed(question)), _NEIGHBOURS, scope.key, self._distance, time.time())
        with self._one_at_a_time:
            found = self._file.execute(_NEAR, near).fetchall()
        return next((str(body) for known, body in found if known == words), None)

    def _keep(self, scope: CacheScope, question: str, words: str, body: str) -> None:
        vector, at = sqlite_vec.serialize_float32(embed(question)), time.time()
        replaced = (at, scope.tenant, scope.key, words, scope.tenant, MOST_PER_TENANT - 1)
        row = (scope.tenant, scope.key, words, body, at + self._seconds)
        with self._one_at_a_time, self._file:
            stale = self._file.execute(_STALE, replaced).fetchall()
            self._file.executemany("DELETE FROM vectors WHERE id = ?", stale)
            self._file.executemany("DELETE FROM answers WHERE id = ?", stale)
            self._file.execute("INSERT INTO answers (tenant, scope, words, body, until) VALUES (?, ?, ?, ?, ?)", row)
            self._file.execute(
                "INSERT INTO vectors (id, scope, embedding) VALUES (last_insert_rowid(), ?, ?)", (scope.key, vector)
            )


def _open(address: str) -> apsw.Connection:
    file = apsw.Connection(address)
    file.set_busy_timeout(5000)
    file.enable_load_extension(True)
    file.load_extension(sqlite_vec.loadable_path())
    file.enable_load_extension(False)
    file.execute(_TABLES).fetchall()
    return file


def fingerprint(question: str) -> str:
    """The words that carry the meaning, without politeness, endings and order, unless the order matters.

    Lexical distance alone would take E12 for E13, a washer for a dryer and "not covered" for "covered": two questions
    share an answer only when their fingerprints are equal. With an embedding that knows meaning, loosen this.
    """
    words = re.findall(r"[^\W_]+(?:[-.,/][^\W_]+)*", question.casefold().replace("n't", " not").replace("n’t", " not"))
    told = [_stem(word) for word in words if not _FILLER.fullmatch(word)]
    return " ".join(told if _ORDERS.search(question.casefold()) else sorted(told))


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.isalpha() and word.endswith("s") and not word.endswith("ss") else word


def _key(scope: CacheScope, words: str) -> str:
    return f"answers:{scope.key}:{sha256(words.encode()).hexdigest()[:32]}"
