"""The record as a file, one entry a line: with its digests, so that anybody can check the chain of a whole export."""

import json
from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import Select, select

from ..storage.database import Database
from ..storage.tables import AuditEntry

FIELDS = ("number", "at", "tenant", "actor", "action", "subject", "details", "previous", "digest")


def entries(
    *, tenant: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> Select[tuple[AuditEntry]]:
    """The entries of a tenant (or of all) from a time on and before another."""
    query = select(AuditEntry).order_by(AuditEntry.number)
    query = query if tenant is None else query.where(AuditEntry.tenant == tenant)
    query = query if since is None else query.where(AuditEntry.at >= since)
    return query if until is None else query.where(AuditEntry.at < until)


async def export(database: Database, query: Select[tuple[AuditEntry]]) -> AsyncIterator[str]:
    """The lines of the file."""
    async with database.reading() as session:
        async for entry in await session.stream_scalars(query):
            values = {name: getattr(entry, name) for name in FIELDS} | {"at": entry.at.isoformat()}
            yield json.dumps(values, ensure_ascii=False, sort_keys=True)
