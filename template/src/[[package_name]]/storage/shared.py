"""Redis, when there is one: what the replicas share for speed. Whatever is in it, the rest of the service knows too."""

import time
from importlib import import_module
from typing import Any

import structlog

from ..settings import Settings

_PATIENCE_S = 0.25
_RETRY_S = 5.0


class Shared:
    """Commands to Redis that never fail: without it, or while it is away, every reply is None."""

    def __init__(self, settings: Settings) -> None:
        self._redis: Any = None
        if settings.redis_url:  # an extra: imported only where an address asks for it
            self._redis = import_module("redis.asyncio").from_url(
                settings.redis_url.get_secret_value(), socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
            )
        self._away_until = 0.0

    async def ask(self, command: str, *arguments: Any, **options: Any) -> Any:
        """The reply to a command."""
        if self._redis is None or time.monotonic() < self._away_until:
            return None
        try:
            return await getattr(self._redis, command)(*arguments, **options)
        except Exception as error:  # whatever is wrong with Redis, the service goes on
            self._away_until = time.monotonic() + _RETRY_S
            structlog.get_logger().warning("redis.unreachable", error=type(error).__name__)
            return None

    async def close(self) -> None:
        """Give the connections back."""
        if self._redis:
            await self._redis.aclose()
