"""How fast one caller may ask: a moving window in this process, or in Redis for all replicas together."""

import time

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string

from ..errors import TooMany
from ..settings import Settings
from .keys import Caller

_RETRY_REDIS_S = 30.0
_PATIENCE_S = 0.5


class RateLimit:
    """Requests per minute for each tenant and actor.

    While Redis is away each process counts for itself: a broken limiter never stops the service.

    Args:
        settings: requests_per_minute and redis_url are read.
    """

    def __init__(self, settings: Settings) -> None:
        self._rate = RateLimitItemPerMinute(settings.requests_per_minute)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared, self._away_until = self._own, 0.0
        if settings.redis_url:
            address = f"async+{settings.redis_url.get_secret_value()}"
            patience = {"socket_timeout": _PATIENCE_S, "socket_connect_timeout": _PATIENCE_S}
            storage = storage_from_string(address, implementation="redispy", **patience)
            assert isinstance(storage, Storage)
            self._shared = MovingWindowRateLimiter(storage)

    async def check(self, caller: Caller) -> None:
        """Count one request.

        Raises:
            TooMany: the caller has used up this minute; it says when to come back.
        """
        if time.monotonic() >= self._away_until:
            try:
                await self._hit(self._shared, caller)
            except self._shared.storage.base_exceptions as error:
                if not self._away_until:
                    structlog.get_logger().warning("rate_limit.without_redis", error=type(error).__name__)
                self._away_until = time.monotonic() + _RETRY_REDIS_S
            else:
                self._away_until = 0.0
                return
        await self._hit(self._own, caller)

    async def _hit(self, limiter: MovingWindowRateLimiter, caller: Caller) -> None:
        if await limiter.hit(self._rate, caller.tenant, caller.actor):
            return
        window = await limiter.get_window_stats(self._rate, caller.tenant, caller.actor)
        wait = max(1, min(60, round(window.reset_time - time.time())))
        raise TooMany(f"More than {self._rate.amount} requests in a minute: come back in {wait} s.", retry_after_s=wait)
