"""What is kept, table by table. Money is in millionths of the budget's currency, times are UTC."""

import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from .columns import UtcDateTime


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A new identifier; identifiers sort by nothing and tell nothing."""
    return uuid.uuid4().hex


class Table(DeclarativeBase):
    """The base of every table."""

    type_annotation_map: ClassVar = {datetime: UtcDateTime(), dict[str, Any]: JSON, list[Any]: JSON, str: String(200)}


class ApiKey(Table):
    """A key that may call the service; only its digest is kept."""

    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    tenant: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]


class AnswerRow(Table):
    """One answered question: personal data masked, content removed when its retention ends."""

    __tablename__ = "answers"
    __table_args__ = (
        Index("ix_answers_tenant_at", "tenant", "at"),
        Index("ix_answers_at", "at"),
        Index("ix_answers_tenant_overridden_by", "tenant", "overridden_by"),
    )
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    tenant: Mapped[str]
    actor: Mapped[str]
    question: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    citations: Mapped[list[Any]]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    model: Mapped[str]
    prompt_version: Mapped[str]
    data_version: Mapped[str]
    guardrails: Mapped[list[Any]]
    cached: Mapped[bool] = mapped_column(default=False)
    input_tokens: Mapped[int] = mapped_column(default=0)
    output_tokens: Mapped[int] = mapped_column(default=0)
    cost_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    latency_ms: Mapped[int] = mapped_column(default=0)
    ttft_ms: Mapped[int | None]
    overridden_by: Mapped[str | None]
    override: Mapped[str | None] = mapped_column(Text)
    judged: Mapped[float | None]


class AuditEntry(Table):
    """One link of the chain of what was done; the database itself refuses to change or remove it."""

    __tablename__ = "audit"
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(default=now)
    tenant: Mapped[str]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    details: Mapped[dict[str, Any]]
    previous: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)


class FeedbackRow(Table):
    """What a person said of an answer."""

    __tablename__ = "feedback"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id"), index=True)
    tenant: Mapped[str]
    actor: Mapped[str]
    rating: Mapped[str]
    category: Mapped[str | None]
    correction: Mapped[str | None] = mapped_column(Text)
    comment: Mapped[str | None] = mapped_column(Text)
    failure_id: Mapped[str | None] = mapped_column(ForeignKey("failures.id"), index=True)
    undone_at: Mapped[datetime | None]


class FailureRow(Table):
    """A way in which the service fails, gathered from every occurrence of it: the triage queue."""

    __tablename__ = "failures"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    tenant: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    category: Mapped[str]
    signature: Mapped[list[Any]]
    severity: Mapped[int]
    occurrences: Mapped[int] = mapped_column(default=1)
    cost_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(default="open")
    owner: Mapped[str | None]
    first_seen: Mapped[datetime] = mapped_column(default=now)
    last_seen: Mapped[datetime] = mapped_column(default=now)
    example_id: Mapped[str | None] = mapped_column(ForeignKey("answers.id"))
    golden_case: Mapped[str | None]


class Spend(Table):
    """What a tenant has spent and holds reserved in one calendar month."""

    __tablename__ = "spend"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    spent_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_at: Mapped[datetime] = mapped_column(default=now)


class SwitchRow(Table):
    """A feature, model or tenant that a person switched off."""

    __tablename__ = "switches"
    kind: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    off: Mapped[bool]
    reason: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)


class Activation(Table):
    """A prompt version put into service; it stands until the next one, or until active.yaml itself changes."""

    __tablename__ = "activations"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    prompt: Mapped[str]
    version: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)
    actor: Mapped[str]
    reason: Mapped[str]
    pointer_digest: Mapped[str]
    eval_run_id: Mapped[str | None]


class EvalRun(Table):
    """One run of the golden cases: scores per metric, outcome per case."""

    __tablename__ = "eval_runs"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    prompt_version: Mapped[str]
    model: Mapped[str]
    data_version: Mapped[str]
    dataset_digest: Mapped[str]
    passed: Mapped[bool]
    scores: Mapped[dict[str, Any]]
    cases: Mapped[list[Any]]


class Handoff(Table):
    """A person asked for a person."""

    __tablename__ = "handoffs"
    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    answer_id: Mapped[str] = mapped_column(ForeignKey("answers.id"))
    tenant: Mapped[str]
    actor: Mapped[str]
    contact: Mapped[str]
    note: Mapped[str | None] = mapped_column(Text)
    closed_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]
