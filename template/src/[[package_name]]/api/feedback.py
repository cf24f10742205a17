"""What people say of answers, and the queue it becomes."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ..feedback.improvement import Improvement
from ..feedback.loop import Feedback
from ..feedback.promotion import Promoted, Proposal
from ..feedback.triage import FailureDetail, FailureView
from ..problems import problems
from ..storage.tables import FeedbackRow, Handoff
from .dependencies import Rating, Reviewing, ServicesDep

router = APIRouter(prefix="/v1", tags=["feedback"], responses=problems(404, 409))


class Given(BaseModel):
    """What was kept; the id of feedback takes it back."""

    id: str


class Override(BaseModel):
    """The text that shall be shown instead."""

    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, Field(min_length=1, max_length=8000)]


class Wait(BaseModel):
    """How to reach whoever asks for a person."""

    model_config = ConfigDict(extra="forbid")
    contact: Annotated[str, Field(min_length=3, max_length=200)]
    note: Annotated[str, Field(max_length=2000)] | None = None


class Change(BaseModel):
    """What shall become of a failure: an owner, a state, or both."""

    model_config = ConfigDict(extra="forbid")
    owner: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    state: Literal["open", "accepted", "fixed", "dismissed"] | None = None


@router.post("/feedback", status_code=201, response_model=Given)
async def give(feedback: Feedback, caller: Rating, services: ServicesDep) -> FeedbackRow:
    """Rate an answer; doing it again replaces what you said before."""
    await services.switches.require("feedback")
    return await services.feedback.give(caller, feedback)


@router.delete("/feedback/{feedback_id}", status_code=204)
async def undo(feedback_id: str, caller: Rating, services: ServicesDep) -> None:
    """Take your own feedback back."""
    await services.feedback.undo(caller, feedback_id)


@router.post("/answers/{answer_id}/override", status_code=204)
async def override(answer_id: str, body: Override, caller: Reviewing, services: ServicesDep) -> None:
    """Replace an answer's text by your own; it is what the answer shows from now on."""
    await services.feedback.override(caller, answer_id, body.text)


@router.post("/answers/{answer_id}/handoff", status_code=201, response_model=Given)
async def handoff(answer_id: str, body: Wait, caller: Rating, services: ServicesDep) -> Handoff:
    """Ask for a person."""
    return await services.handoffs.ask(caller, answer_id, body.contact, body.note)


@router.get("/failures")
async def queue(
    caller: Reviewing,
    services: ServicesDep,
    state: Literal["open", "accepted", "promoted", "fixed", "dismissed"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> list[FailureView]:
    """The triage queue, the most urgent first; without a state all that still need somebody."""
    return await services.feedback.queue(caller, state, limit=limit, offset=offset)


@router.get("/failures/{failure_id}")
async def show(failure_id: str, caller: Reviewing, services: ServicesDep) -> FailureDetail:
    """A failure with its latest answer and what people said."""
    return await services.feedback.show(caller, failure_id)


@router.post("/failures/{failure_id}")
async def change(failure_id: str, body: Change, caller: Reviewing, services: ServicesDep) -> FailureDetail:
    """Give a failure an owner, move it on, or both."""
    if body.owner:
        await services.feedback.assign(caller, failure_id, body.owner)
    if body.state:
        await services.feedback.move(caller, failure_id, body.state)
    return await services.feedback.show(caller, failure_id)


@router.post("/failures/{failure_id}/promote", status_code=201)
async def promote(failure_id: str, body: Proposal, caller: Reviewing, services: ServicesDep) -> Promoted:
    """Make a failure a golden case, with the expectation that you have checked."""
    return await services.feedback.promote(caller, failure_id, body)


@router.get("/improvements")
async def improvements(caller: Reviewing, services: ServicesDep) -> list[Improvement]:
    """Eval scores and failure rates before and after each change of prompt, model or data."""
    return await services.feedback.improvements(caller)
