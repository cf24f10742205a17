"""Tools and their approval, over HTTP."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from ..api.dependencies import ServicesDep, caller_with
from ..security.keys import Caller
from .approvals import Approvals
from .proposals import Proposal, propose

router = APIRouter(prefix="/v1", tags=["actions"])
Asking = Annotated[Caller, Depends(caller_with("ask"))]
Reviewing = Annotated[Caller, Depends(caller_with("review"))]


def approvals(services: ServicesDep) -> Approvals:
    """The approvals of the running service."""
    return Approvals(services.settings, services.database, services.switches)


ApprovalsDep = Annotated[Approvals, Depends(approvals)]


class Call(BaseModel):
    """What shall be run; the key is your own name for it, so that sending it twice runs it once."""

    model_config = ConfigDict(extra="forbid")
    tool: Annotated[str, Field(max_length=100)]
    arguments: dict[str, Any] = {}
    key: Annotated[str, Field(max_length=100)] = ""


class Request(BaseModel):
    """What somebody wants done, in words."""

    model_config = ConfigDict(extra="forbid")
    request: Annotated[str, Field(min_length=1, max_length=4000)]


class CallView(BaseModel):
    """A call and what became of it."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    at: datetime
    actor: str
    tool: str
    arguments: dict[str, Any]
    state: str
    expires_at: datetime
    decided_by: str | None
    result: dict[str, Any]


@router.post("/actions/proposals")
async def proposal(body: Request, _caller: Asking) -> Proposal:
    """Which call might be meant. Nothing is run."""
    return propose(body.request)


@router.post("/actions", status_code=201)
async def call(body: Call, caller: Asking, calls: ApprovalsDep) -> CallView:
    """Call a tool: a low risk runs at once, a high one waits for a person (`state` is pending)."""
    return CallView.model_validate(await calls.call(caller, body.tool, body.arguments, body.key))


@router.get("/approvals")
async def waiting(caller: Reviewing, calls: ApprovalsDep) -> list[CallView]:
    """What waits for a person."""
    return [CallView.model_validate(row) for row in await calls.waiting(caller)]


@router.post("/approvals/{approval_id}/approve")
async def approve(approval_id: str, caller: Reviewing, calls: ApprovalsDep) -> CallView:
    """Allow the call, which runs it."""
    return CallView.model_validate(await calls.decide(caller, approval_id, approve=True))


@router.post("/approvals/{approval_id}/reject")
async def reject(approval_id: str, caller: Reviewing, calls: ApprovalsDep) -> CallView:
    """Forbid the call."""
    return CallView.model_validate(await calls.decide(caller, approval_id, approve=False))
