"""What actions keep: approvals, and the sample shop's orders and returns."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, Update, update
from sqlalchemy.orm import Mapped, mapped_column

from ..storage.tables import Table, new_id, now


class Approval(Table):
    """A call of a tool: what exactly is asked for, who decided, and what came of it."""

    __tablename__ = "approvals"
    __table_args__ = (Index("ix_approvals_tenant_state", "tenant", "state"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    tenant: Mapped[str]
    actor: Mapped[str]
    tool: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    digest: Mapped[str]
    state: Mapped[str]
    expires_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Order(Table):
    """An order of the sample shop."""

    __tablename__ = "orders"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str]
    state: Mapped[str]


class Return(Table):
    """A return that was arranged; one for each order."""

    __tablename__ = "returns"
    __table_args__ = (UniqueConstraint("tenant", "order_number"),)
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    tenant: Mapped[str]
    order_number: Mapped[str]
    reason: Mapped[str]
    approval_id: Mapped[str] = mapped_column(ForeignKey("approvals.id"))


def content_older_than(before: datetime) -> list[Update]:
    """What the end of retention takes: arguments, results and reasons; who decided what, and when, stays."""
    return [
        update(Approval).where(Approval.at < before).values(arguments={}, result={}),
        update(Return).where(Return.at < before).values(reason=""),
    ]
