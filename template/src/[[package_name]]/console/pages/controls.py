"""What a person can switch off, and the people who wait for a person."""

from typing import Annotated

from fastapi import Form, Response

from ...controls.switches import FEATURES, Kind
from ..view import Item, Operating, Reviewing, done, pages

router = pages()
ITEM = Item("/controls", "Controls", "review")


@router.get("/controls")
async def show(page: Reviewing) -> Response:
    """Every switch, and the open hand-offs."""
    settings, tenant = page.services.settings, page.caller.tenant
    names = [("feature", name) for name in FEATURES if name != "tools" or settings.actions]
    names += [("model", name) for name in dict.fromkeys([settings.model, *settings.fallback_models])]
    rows = {(row.kind, row.name): row for row in await page.services.switches.all()}
    switches = [(kind, name, rows.get((kind, name))) for kind, name in [*names, ("tenant", tenant)]]
    return page.show("controls.html", switches=switches, handoffs=await page.services.handoffs.open(tenant))


@router.post("/controls/switch")
async def switch(
    page: Operating,
    kind: Annotated[Kind, Form()],
    name: Annotated[str, Form()],
    off: Annotated[bool, Form()],
    reason: Annotated[str, Form()],
) -> Response:
    """Switch something off or on."""
    await page.services.switches.set(page.caller, kind, name, off, reason)
    return done("/controls", "saved")


@router.post("/controls/handoff")
async def close(page: Reviewing, handoff_id: Annotated[str, Form()]) -> Response:
    """Somebody has taken care of it."""
    await page.services.handoffs.close_one(page.caller, handoff_id)
    return done("/controls", "saved")
