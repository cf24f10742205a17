"""The hash chain: every entry carries the digest of the one before, so a changed or missing entry shows."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..storage.tables import AuditEntry, now

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done, and by whom. Details hold hashes and versions, never content."""

    tenant: str
    actor: str
    action: str
    subject: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk along the chain found; broken_at is the number of the first entry that does not fit."""

    entries: int
    head: str
    broken_at: int | None = None
    problem: str = ""


def content_digest(text: str) -> str:
    """The SHA-256 of a text: proves what was said without keeping it."""
    return hashlib.sha256(text.encode()).hexdigest()


async def append(session: AsyncSession, event: Event) -> AuditEntry:
    """Add an entry to the chain; the session must come from `Database.writing(chained=True)`."""
    last = (await session.execute(select(AuditEntry).order_by(AuditEntry.number.desc()).limit(1))).scalar_one_or_none()
    entry = AuditEntry(
        number=last.number + 1 if last else 1,
        at=now(),
        tenant=event.tenant,
        actor=event.actor,
        action=event.action,
        subject=event.subject,
        details=event.details,
        previous=last.digest if last else GENESIS,
    )
    entry.digest = entry_digest(entry)
    session.add(entry)
    await session.flush()
    return entry


async def verify(session: AsyncSession, *, expected_head: str = "") -> Verification:
    """Walk the whole chain.

    Args:
        expected_head: the digest of the last entry as it was noted elsewhere; without it, entries missing at the end
            cannot be told from entries never written.
    """
    previous, count, seen_head = GENESIS, 0, not expected_head
    async for entry in await session.stream_scalars(select(AuditEntry).order_by(AuditEntry.number)):
        count += 1
        if entry.number != count:
            return Verification(count, previous, count, f"entry {count} is missing")
        if entry.previous != previous or entry.digest != entry_digest(entry):
            return Verification(count, previous, entry.number, f"entry {entry.number} was changed")
        previous = entry.digest
        seen_head = seen_head or previous == expected_head
    if not seen_head:
        return Verification(count, previous, count + 1, "the entry that was noted as the last one is missing")
    return Verification(count, previous)


def entry_digest(entry: AuditEntry) -> str:
    """The digest that an entry must carry."""
    body = [
        entry.number,
        entry.at.isoformat(),
        entry.tenant,
        entry.actor,
        entry.action,
        entry.subject,
        entry.details,
        entry.previous,
    ]
    return hashlib.sha256(
        json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).hexdigest()
