"""The record as a file: one entry a line, and a last line that says how many there were and where the chain stood."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from sqlalchemy import Select, select

from ..storage.database import Database
from ..storage.tables import AuditEntry
from .chain import GENESIS, Verification, entry_digest

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
    """The lines of the file. The last one holds `entries`, `head` (the chain's last digest) and `lines` (theirs)."""
    count, seal, head = 0, hashlib.sha256(), GENESIS
    async with database.reading() as session:
        last = select(AuditEntry.digest).order_by(AuditEntry.number.desc()).limit(1)
        head = (await session.scalars(last)).one_or_none() or GENESIS
        async for entry in await session.stream_scalars(query):
            values = {name: getattr(entry, name) for name in FIELDS} | {"at": entry.at.isoformat()}
            line = json.dumps(values, ensure_ascii=False, sort_keys=True)
            seal.update(line.encode())
            count += 1
            yield line
    yield json.dumps({"entries": count, "head": head, "lines": seal.hexdigest()})


def verify_export(lines: Iterable[str], *, expected_head: str = "") -> Verification:
    """Check a file against itself: every entry's digest, the links between neighbours, and the last line.

    Args:
        expected_head: the head noted when the file was made; without it a file forged as a whole passes.
    """
    count, number, previous, seal = 0, 0, GENESIS, hashlib.sha256()
    for line in lines:
        body = json.loads(line)
        if "lines" in body:
            whole = (body["entries"], body["lines"]) == (count, seal.hexdigest())
            problem = "" if whole else "entries were added, changed or removed"
            if expected_head and body["head"] != expected_head:
                problem = "this is not the file whose head was noted"
            return Verification(count, body["head"], number + 1 if problem else None, problem)
        entry = AuditEntry(**body | {"at": datetime.fromisoformat(body["at"])})
        linked = entry.number != number + 1 or entry.previous == previous
        if entry.number <= number or not linked or entry.digest != entry_digest(entry):
            return Verification(count, previous, entry.number, f"entry {entry.number} was changed")
        count, number, previous = count + 1, entry.number, entry.digest
        seal.update(line.strip().encode())
    return Verification(count, previous, number + 1, "the last line is missing: the file was cut short")
