"""The record of what was done, as its own tenant may read it."""

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator

from ..audit.chain import Verification, verify
from ..audit.export import entries
from ..problems import problems
from ..storage.tables import AuditEntry
from .dependencies import Auditing, ServicesDep

router = APIRouter(prefix="/v1/audit", tags=["audit"], responses=problems())


def written_out(moment: str) -> str:
    """Only dates: a bare number would be taken for seconds since 1970."""
    if not re.match(r"\d{4}-", moment):
        raise ValueError("write the date and the time out, such as 2026-01-31T08:00:00Z")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(written_out)]


class Entry(BaseModel):
    """Something that was done."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    digest: str


@router.get("", response_model=list[Entry])
async def read(
    caller: Auditing,
    services: ServicesDep,
    since: Moment | None = None,
    until: Moment | None = None,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="The last number of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[AuditEntry]:
    """The tenant's entries, the oldest first."""
    query = entries(tenant=caller.tenant, since=since, until=until).where(AuditEntry.number > after).limit(limit)
    for column, wanted in ((AuditEntry.actor, actor), (AuditEntry.action, action), (AuditEntry.subject, subject)):
        query = query if wanted is None else query.where(column == wanted)
    async with services.database.reading() as session:
        return list(await session.scalars(query))


@router.get("/verify")
async def check(_caller: Auditing, services: ServicesDep, head: str = "") -> Verification:
    """Walk the whole chain; `head` is a digest you noted, without which entries missing at the end do not show."""
    async with services.database.reading() as session:
        return await verify(session, expected_head=head)
