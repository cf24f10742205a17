"""The record: who did what, with what, when; and whether somebody touched it."""

from fastapi import Response

from ...audit.chain import verify
from ...audit.export import entries
from ...storage.tables import AuditEntry
from ..view import Auditing, Item, pages

router = pages()
ITEM = Item("/audit", "Audit", "audit")
ROWS = 50


@router.get("/audit")
async def show(page: Auditing, actor: str = "", action: str = "", before: int = 0, check: bool = False) -> Response:
    """The tenant's entries, the newest first; the check walks the whole chain."""
    query = entries(tenant=page.caller.tenant).order_by(None).order_by(AuditEntry.number.desc())
    query = query.where(AuditEntry.actor == actor) if actor else query
    query = query.where(AuditEntry.action.startswith(action, autoescape=True)) if action else query
    query = query.where(AuditEntry.number < before) if before else query
    async with page.services.database.reading() as session:
        rows = list(await session.scalars(query.limit(ROWS + 1)))
        result = await verify(session) if check else None
    more = rows[ROWS - 1].number if len(rows) > ROWS else 0
    return page.show("audit.html", rows=rows[:ROWS], more=more, actor=actor, action=action, result=result)
