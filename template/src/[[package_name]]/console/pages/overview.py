"""The three domains on one page."""

from typing import Annotated

from fastapi import Query, Response

from ...observability.domains import overview
from ..view import Item, Reviewing, pages

router = pages()
ITEM = Item("/overview", "Overview", "review")


@router.get("/overview")
async def show(page: Reviewing, days: Annotated[int, Query(ge=1, le=90)] = 7) -> Response:
    """Does it work, is it used and right, is it worth it."""
    return page.show("overview.html", overview=await overview(page.services, page.caller.tenant, days))
