"""Tools and their approval, over HTTP."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from ..api.dependencies import Asking, Reviewing, ServicesDep
from ..problems import problems
from .approvals import Approvals
from .tables import Approval

router = APIRouter(prefix="/v1", tags=["actions"], responses=problems(404, 409))


def approvals(services: ServicesDep) -> Approvals:
    """The approvals of the running service."""
    return Approvals(services.settings, services.database, services.switches)


ApprovalsDep = Annotated[Approvals, Depends(approvals)]


class Call(BaseModel):
    """What shall be run."""

    model_config = ConfigDict(extra="forbid")
    tool: Annotated[str, Field(max_length=100)]
    arguments: dict[str, Any] = {}


class CallView(BaseModel):
    """A call and what became of it."""

    id: str
    at: datetime
    actor: str
    tool: str
    arguments: dict[str, Any]
    state: str
    expires_at: datetime
    decided_by: str | None
    result: dict[str, Any]


@router.post("/actions", status_code=201, response_model=CallView)
async def call(body: Call, caller: Asking, calls: ApprovalsDep) -> Approval:
    """Call a tool: a low risk runs at once, a high one waits for a person (`state` is pending)."""
    return await calls.call(caller, body.tool, body.arguments)


@router.get("/approvals", response_model=list[CallView])
async def waiting(caller: Reviewing, calls: ApprovalsDep) -> list[Approval]:
    """What waits for a person."""
    return await calls.waiting(caller)


@router.post("/approvals/{approval_id}/approve", response_model=CallView)
async def approve(approval_id: str, caller: Reviewing, calls: ApprovalsDep) -> Approval:
    """Allow the call, which runs it."""
    return await calls.decide(caller, approval_id, approve=True)


@router.post("/approvals/{approval_id}/reject", response_model=CallView)
async def reject(approval_id: str, caller: Reviewing, calls: ApprovalsDep) -> Approval:
    """Forbid the call."""
    return await calls.decide(caller, approval_id, approve=False)
