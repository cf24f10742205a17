"""Changes to the data as people make them: done, counted, and written into the audit."""

import asyncio
from pathlib import Path

from sqlalchemy import exists, select

from ..audit.chain import Event, append
from ..observability.metrics import Metrics
from ..security.keys import Caller
from ..storage.database import Database
from ..storage.tables import AuditEntry
from .ingest import Report, ingest, replay
from .library import Library, Version
from .sources import TableSource


class DataChanges:
    """What a person may do to the data; the metrics count the records, the database holds the audit."""

    def __init__(self, library: Library, database: Database, metrics: Metrics) -> None:
        self._library, self._database, self._metrics = library, database, metrics

    async def ingest(self, caller: Caller, source: Path | str | TableSource) -> Report:
        """Take a source in; see `ingest.ingest`."""
        return await self._record(caller, await asyncio.to_thread(ingest, self._library, source))

    async def replay(self, caller: Caller) -> Report:
        """Check the quarantined records again; see `ingest.replay`."""
        return await self._record(caller, await asyncio.to_thread(replay, self._library))

    async def roll_back(self, caller: Caller, prefix: str) -> Version:
        """Answer from an earlier version; the record of it and the change stand or fall together."""
        before, version = self._library.current(), self._library.get(prefix)
        async with self._database.writing(chained=True) as session:
            details = {"from": before.id if before else None}
            await append(session, Event(caller.tenant, caller.actor, "data.rolled_back", version.id, details))
            await asyncio.to_thread(self._library.rollback, version.id)
        return version

    async def _record(self, caller: Caller, report: Report) -> Report:
        counts = {"accepted": report.accepted, "quarantined": len(report.quarantined), "unchanged": report.unchanged}
        for result, count in counts.items():
            self._metrics.ingested(result, count)
        if version := report.version:
            details = {**counts, "parent": version.parent, "contract_version": version.contract_version}
            of_this = exists().where(AuditEntry.action == "data.ingested", AuditEntry.subject == version.id)
            async with self._database.writing(chained=True) as session:
                # Killed between the version and its entry, the next ingest, of whatever source, makes up for it.
                if report.created or not await session.scalar(select(of_this)):
                    await append(session, Event(caller.tenant, caller.actor, "data.ingested", version.id, details))
        return report
