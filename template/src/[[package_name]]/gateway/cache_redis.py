"""Redis in front of a cache: the same question again, from whichever replica; when Redis is down, only slower."""

from hashlib import sha256
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from ..answering.answer import Answer, Outcome
from .cache_rules import AnswerCache, CacheScope, fingerprint

_PATIENCE_S = 0.25


class RedisCache:
    """Asks Redis, then the cache behind it."""

    def __init__(self, behind: AnswerCache, url: str, hours: int) -> None:
        self._behind = behind
        self._redis: Any = Redis.from_url(url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S)
        self._seconds = hours * 3600
        self._warned = False

    async def lookup(self, scope: CacheScope, question: str) -> Answer | None:
        """The answer that Redis has, or the one behind."""
        body = await self._ask("get", _key(scope, question))
        return Answer.model_validate_json(body) if body else await self._behind.lookup(scope, question)

    async def store(self, scope: CacheScope, question: str, answer: Answer) -> None:
        """Remember a plain answer in both."""
        if answer.outcome is Outcome.ANSWERED and self._seconds:
            await self._ask("set", _key(scope, question), answer.model_dump_json(), ex=self._seconds)
        await self._behind.store(scope, question, answer)

    async def close(self) -> None:
        """Close both."""
        await self._redis.aclose()
        await self._behind.close()

    async def _ask(self, command: str, *arguments: str, **options: int) -> Any:
        try:
            reply = await getattr(self._redis, command)(*arguments, **options)
        except (RedisError, OSError) as error:
            if not self._warned:
                structlog.get_logger().warning("cache.redis_unreachable", error=type(error).__name__)
            self._warned = True
            return None
        self._warned = False
        return reply


def _key(scope: CacheScope, question: str) -> str:
    return f"answers:{scope.key}:{sha256(fingerprint(question).encode()).hexdigest()[:32]}"
