"""Switches, and the people who wait for a person."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ..controls.switches import Kind
from ..problems import problems
from ..storage.tables import Handoff, SwitchRow
from .dependencies import Operating, Reviewing, ServicesDep

router = APIRouter(prefix="/v1", tags=["controls"], responses=problems(404, 409))


class SwitchView(BaseModel):
    """A switch, and who touched it last."""

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

    id: str
    at: datetime
    answer_id: str
    contact: str
    note: str | None


@router.get("/switches", response_model=list[SwitchView])
async def switches(_caller: Operating, services: ServicesDep) -> list[SwitchRow]:
    """Every switch that was ever touched; what is not listed is on."""
    return await services.switches.all()


@router.post("/switches", response_model=SwitchView)
async def switch(body: Setting, caller: Operating, services: ServicesDep) -> SwitchRow:
    """Switch a feature, a model or a tenant off, or on again. It holds from the next request on."""
    return await services.switches.set(caller, body.kind, body.name, body.off, body.reason)


@router.get("/handoffs", response_model=list[HandoffView])
async def handoffs(caller: Reviewing, services: ServicesDep) -> list[Handoff]:
    """Who waits for a person, the longest first."""
    return await services.handoffs.open(caller.tenant)


@router.post("/handoffs/{handoff_id}/close", status_code=204)
async def close(handoff_id: str, caller: Reviewing, services: ServicesDep) -> None:
    """You have taken care of it."""
    await services.handoffs.close_one(caller, handoff_id)
