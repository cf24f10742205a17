"""A house of its own for the evals: nothing outside the project's files takes part, no key, no server, no state."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..data.ingest import ingest
from ..services import Services, open_services
from ..settings import Settings
from ..storage.migrate import upgrade


@asynccontextmanager
async def isolated(settings: Settings) -> AsyncIterator[Services]:
    """The services with the sample data, the placeholder and a database, all of them gone at the end."""
    with TemporaryDirectory(prefix="evals-") as folder:
        changes = {"state": Path(folder), "database_url": "", "redis_url": None, "judge_share": 0.0}
        changes |= {"model": "placeholder:standard", "fallback_models": []}
        inside = settings.model_copy(update=changes)
        await upgrade(inside.database)
        async with open_services(inside) as services:
            await asyncio.to_thread(ingest, services.library, settings.root / "data" / "sample")
            yield services
