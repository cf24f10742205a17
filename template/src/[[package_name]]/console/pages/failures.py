"""The triage queue: what fails, how urgent it is, who looks after it, and whether it got better."""

from typing import Annotated, Literal

from fastapi import Form, Response

from ...answering.answer import Outcome
from ...evals.dataset import Expected, Kind
from ...feedback.promotion import Proposal
from ...feedback.triage import MOVES
from ...storage.tables import AnswerRow
from ..view import Item, Reviewing, done, pages

router = pages()
ITEM = Item("/failures", "Failures", "review")
State = Literal["", "open", "accepted", "promoted", "fixed", "dismissed"]


@router.get("/failures")
async def queue(page: Reviewing, state: State = "") -> Response:
    """The queue, the most urgent first, and what every change of version did."""
    loop = page.services.feedback
    failures, changes = await loop.queue(page.caller, state or None), await loop.improvements(page.caller)
    return page.show("failures.html", failures=failures, changes=changes[::-1], state=state, states=list(MOVES))


@router.get("/failures/{failure_id}")
async def show(page: Reviewing, failure_id: str) -> Response:
    """One failure, what people said of it, and what can be done."""
    failure = await page.services.feedback.show(page.caller, failure_id)
    async with page.services.database.reading() as session:
        example = await session.get(AnswerRow, failure.example_id)
    cited = sorted({citation.partition("#")[0] for citation in example.citations}) if example else []
    correction = next((remark.correction for remark in failure.remarks if remark.correction), "")
    return page.show(
        "failure.html",
        failure=failure,
        moves=sorted(MOVES[failure.state]),
        cited=cited,
        correction=correction,
        kinds=Kind,
    )


@router.post("/failures/{failure_id}/owner")
async def assign(page: Reviewing, failure_id: str, owner: Annotated[str, Form()]) -> Response:
    """Give it to somebody."""
    await page.services.feedback.assign(page.caller, failure_id, owner)
    return done(f"/failures/{failure_id}", "saved")


@router.post("/failures/{failure_id}/state")
async def move(page: Reviewing, failure_id: str, state: Annotated[str, Form()]) -> Response:
    """Move it on."""
    await page.services.feedback.move(page.caller, failure_id, state)
    return done(f"/failures/{failure_id}", "saved")


@router.post("/failures/{failure_id}/promote")
async def promote(
    page: Reviewing,
    failure_id: str,
    kind: Annotated[Kind, Form()],
    outcome: Annotated[Outcome, Form()],
    question: Annotated[str, Form(max_length=4000)] = "",
    facts: Annotated[str, Form(max_length=4000)] = "",
    citations: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Make it a golden case: a fact on each line with a bar between ways to say it, documents by their ids."""
    lines = [[way.strip() for way in line.split("|") if way.strip()] for line in facts.splitlines()]
    expect = Expected(outcome=[outcome], facts=[ways for ways in lines if ways], citations=citations.split())
    proposal = Proposal(kind=kind, question=question.strip() or None, expect=expect)
    await page.services.feedback.promote(page.caller, failure_id, proposal)
    return done(f"/failures/{failure_id}", "promoted")
