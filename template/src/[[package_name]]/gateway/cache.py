"""Answers that were given before, found again by their meaning: the embedding proposes, the words decide."""

from importlib import import_module

from ..settings import Settings
from ..storage.database import Database
from .cache_postgres import PostgresCache
from .cache_rules import AnswerCache, CacheScope
from .cache_sqlite import SqliteCache

__all__ = ["AnswerCache", "CacheScope", "open_cache"]


async def open_cache(database: Database, settings: Settings) -> AnswerCache:
    """The cache for this database, with Redis in front when there is one; CACHE_HOURS=0 remembers nothing."""
    cache: AnswerCache = (
        SqliteCache(settings) if database.embedded else await PostgresCache(database, settings).prepare()
    )
    if settings.redis_url is None:
        return cache
    redis = import_module(".cache_redis", __package__)  # an extra
    layered: AnswerCache = redis.RedisCache(cache, settings.redis_url.get_secret_value(), settings.cache_hours)
    return layered
