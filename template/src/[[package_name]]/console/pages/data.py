"""The data versions that answers cite, and the records that no version has."""

import asyncio
from typing import Annotated

from fastapi import Form, Response

from ...audit.chain import Event, append
from ...data.quarantine import Quarantine
from ..view import Item, Operating, done, pages

router = pages()
ITEM = Item("/data", "Data versions", "operate")


@router.get("/data")
async def show(page: Operating, compared: str = "") -> Response:
    """Every version, the newest first; one of them beside its parent; and the quarantine."""
    library = page.services.library
    current, versions = await asyncio.to_thread(library.current), await asyncio.to_thread(library.versions)
    after = next((version for version in versions if version.id == compared), None)
    diff = await asyncio.to_thread(library.diff, after.parent, after.id) if after and after.parent else None
    held = await asyncio.to_thread(Quarantine(library.folder).rows)
    return page.show("data.html", current=current, versions=versions, after=after, diff=diff, held=held[::-1])


@router.post("/data/rollback")
async def roll_back(page: Operating, version: Annotated[str, Form()]) -> Response:
    """Answer from an earlier version again."""
    services, caller = page.services, page.caller
    chosen = await asyncio.to_thread(services.library.rollback, version)
    async with services.database.writing(chained=True) as session:
        await append(session, Event(caller.tenant, caller.actor, "data.rolled_back", chosen.id))
    return done("/data", "back")
