"""The tools: each declares its risk, its owner and its arguments. Write yours in the place of the two samples."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..errors import Conflict, NotFound
from .tables import Approval, Order, Return


class Risk(StrEnum):
    """A low one reads; a high one changes something that somebody would miss, so a person decides first."""

    LOW = "low"
    HIGH = "high"


Run = Callable[[AsyncSession, Approval, Any], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that can be done; owner is a role of governance/raci.yaml."""

    name: str
    description: str
    risk: Risk
    owner: str
    arguments: type[BaseModel]
    run: Run


TOOLS: dict[str, Tool] = {}


def tool(*, risk: Risk, owner: str) -> Callable[[Run], Run]:
    """Register a function; its docstring describes it, the type of its `arguments` is its schema.

    It writes with the session it is given: what it did is kept together with the record that it was done.
    """

    def register(function: Run) -> Run:
        name, arguments = function.__name__, get_type_hints(function)["arguments"]
        TOOLS[name] = Tool(name, (function.__doc__ or name).strip(), risk, owner, arguments, function)
        return function

    return register


class OrderArguments(BaseModel):
    """Which order."""

    model_config = ConfigDict(extra="forbid")
    order_number: Annotated[str, StringConstraints(pattern=r"^BW-\d{6}$")]


class ReturnArguments(OrderArguments):
    """Which order comes back, and why."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=200)]


@tool(risk=Risk.LOW, owner="technical_owner")
async def order_status(session: AsyncSession, call: Approval, arguments: OrderArguments) -> dict[str, Any]:
    """Look up where an order is."""
    order = await _order(session, call, arguments.order_number)
    return {"item": order.item, "state": order.state}


@tool(risk=Risk.HIGH, owner="business_owner")
async def create_return(session: AsyncSession, call: Approval, arguments: ReturnArguments) -> dict[str, Any]:
    """Arrange that an order is collected and its price paid back."""
    order = await _order(session, call, arguments.order_number)
    arranged = select(Return.id).where(Return.tenant == call.tenant, Return.order_number == order.number)
    if order.state != "delivered" or await session.scalar(arranged):
        raise Conflict(f"Order {order.number} is {order.state}, or its return is arranged already.")
    row = Return(tenant=call.tenant, order_number=order.number, reason=arguments.reason, approval_id=call.id)
    session.add(row)
    await session.flush()
    return {"return": row.id, "item": order.item}


async def _order(session: AsyncSession, call: Approval, number: str) -> Order:
    order = await session.get(Order, (call.tenant, number))
    if order is None:
        raise NotFound(f"There is no order {number}.")
    return order
