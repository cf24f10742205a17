"""Switches, and the people who wait for a person."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from ..controls.switches import Kind
from ..security.keys import Caller
from .dependencies import ServicesDep, caller_with

router = APIRouter(prefix="/v1", tags=["controls"])
Operating = Annotated[Caller, Depends(caller_with("operate"))]
Reviewing = Annotated[Caller, Depends(caller_with("review"))]


class SwitchView(BaseModel):
    """A switch, and who touched it last."""

    model_config = ConfigDict(from_attributes=True)
    kind: str
    name: str
    off: bool
    reason: str
    actor: str
    at: datetime


class Setting(BaseModel):
    """What shall be off or on, and why."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    name: Annotated[str, Field(min_length=1, max_length=200)]
    off: bool
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class HandoffView(BaseModel):
    """Somebody who waits for a person."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    at: datetime
    answer_id: str
    contact: str
    note: str | None


@router.get("/switches")
async def switches(_caller: Operating, services: ServicesDep) -> list[SwitchView]:
    """Every switch that was ever touched; what is not listed is on."""
    return [SwitchView.model_validate(row) for row in await services.switches.all()]


@router.post("/switches")
async def switch(body: Setting, caller: Operating, services: ServicesDep) -> SwitchView:
    """Switch a feature, a model or a tenant off, or on again. It holds from the next request on."""
    row = await services.switches.set(caller, body.kind, body.name, body.off, body.reason)
    return SwitchView.model_validate(row)


@router.get("/handoffs")
async def handoffs(caller: Reviewing, services: ServicesDep) -> list[HandoffView]:
    """Who waits for a person, the longest first."""
    return [HandoffView.model_validate(row) for row in await services.handoffs.open(caller.tenant)]


@router.post("/handoffs/{handoff_id}/close", status_code=204)
async def close(handoff_id: str, caller: Reviewing, services: ServicesDep) -> None:
    """You have taken care of it."""
    await services.handoffs.close_one(caller, handoff_id)
