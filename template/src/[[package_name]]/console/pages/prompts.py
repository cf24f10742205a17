"""The prompt's versions: what changed, how they score, which one answers."""

from contextlib import suppress
from difflib import unified_diff
from typing import Annotated

from fastapi import Form, Response

from ...errors import Conflict, NotFound
from ...prompts.activation import activate
from ...prompts.registry import PromptVersion
from ...storage.tables import EvalRun
from ..view import Item, Operating, Page, done, pages

router = pages()
ITEM = Item("/prompts", "Prompts", "operate")
Version = Annotated[str, Form(min_length=1, max_length=40)]
Reason = Annotated[str, Form(min_length=1, max_length=200)]
NAME = "answer"


@router.get("/prompts")
async def show(page: Operating) -> Response:
    """Every version, the newest first."""
    return await _shown(page)


@router.post("/prompts/activate")
async def put_into_service(page: Operating, version: Version, reason: Reason) -> Response:
    """Run the evals, and put the version into service if they pass."""
    try:
        await activate(page.services, page.caller, NAME, version, reason)
    except Conflict as refused:
        return await _shown(page, 409, str(refused))
    return done("/prompts", "activated")


@router.post("/prompts/rollback")
async def roll_back(page: Operating, reason: Reason) -> Response:
    """Put the version before into service again."""
    await page.services.prompts.rollback(page.caller, NAME, reason)
    return done("/prompts", "back")


async def _shown(page: Page, status: int = 200, problem: str = "") -> Response:
    prompts, runs = page.services.prompts, dict[str, EvalRun]()
    active, versions = await prompts.active(NAME), prompts.versions(NAME)[::-1]
    for version in versions:
        with suppress(NotFound):
            runs[version.version] = await page.services.evals.find(version.version)
    diffs = {version.version: _diff(active, version) for version in versions}
    return page.show("prompts.html", status, active=active, versions=versions, runs=runs, diffs=diffs, problem=problem)


def _diff(before: PromptVersion, after: PromptVersion) -> list[str]:
    one, other = (f"{version.system}\n\n{version.user}".splitlines() for version in (before, after))
    return list(unified_diff(one, other, lineterm="", n=2))[2:]
