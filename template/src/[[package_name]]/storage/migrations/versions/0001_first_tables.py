"""The first tables, and the guard that lets nobody change the audit chain."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)


def _name(name: str, *, null: bool = False, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(200), nullable=null, **options)


def _time(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, _TIME, nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=null)


def _number(name: str, *, kind: type[sa.Integer] = sa.Integer, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=null)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(), nullable=False)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "api_keys",
        _name("id", primary_key=True),
        _name("name"),
        _name("tenant"),
        _name("digest", unique=True),
        _json("scopes"),
        _time("created_at"),
        _time("revoked_at", null=True),
    )
    op.create_table(
        "answers",
        _name("id", primary_key=True),
        _time("at"),
        _name("tenant"),
        _name("actor"),
        _text("question"),
        _text("text"),
        _json("citations"),
        _name("outcome"),
        _name("reason", null=True),
        _name("model"),
        _name("prompt_version"),
        _name("data_version"),
        _json("guardrails"),
        sa.Column("cached", sa.Boolean(), nullable=False),
        _number("input_tokens"),
        _number("output_tokens"),
        _number("cost_micros", kind=sa.BigInteger),
        _number("latency_ms"),
        _number("ttft_ms", null=True),
        _name("overridden_by", null=True),
        _text("override", null=True),
        sa.Column("judged", sa.Float(), nullable=True),
    )
    op.create_index("ix_answers_tenant_at", "answers", ["tenant", "at"])
    op.create_index("ix_answers_at", "answers", ["at"])
    op.create_table(
        "failures",
        _name("id", primary_key=True),
        _name("tenant", index=True),
        _name("title"),
        _name("category"),
        _json("signature"),
        _number("severity"),
        _number("occurrences"),
        _number("cost_micros", kind=sa.BigInteger),
        _name("state"),
        _name("owner", null=True),
        _time("first_seen"),
        _time("last_seen"),
        sa.Column("example_id", sa.String(200), sa.ForeignKey("answers.id")),
        _name("golden_case", null=True),
    )
    op.create_table(
        "feedback",
        _name("id", primary_key=True),
        _time("at"),
        sa.Column("answer_id", sa.String(200), sa.ForeignKey("answers.id"), nullable=False, index=True),
        _name("tenant"),
        _name("actor"),
        _name("rating"),
        _name("category", null=True),
        _text("correction", null=True),
        _text("comment", null=True),
        sa.Column("failure_id", sa.String(200), sa.ForeignKey("failures.id"), index=True),
        _time("undone_at", null=True),
    )
    op.create_table(
        "handoffs",
        _name("id", primary_key=True),
        _time("at"),
        sa.Column("answer_id", sa.String(200), sa.ForeignKey("answers.id"), nullable=False),
        _name("tenant"),
        _name("actor"),
        _name("contact"),
        _text("note", null=True),
        _name("closed_by", null=True),
        _time("closed_at", null=True),
    )
    op.create_table(
        "spend",
        _name("tenant", primary_key=True),
        _name("month", primary_key=True),
        _number("spent_micros", kind=sa.BigInteger),
        _number("reserved_micros", kind=sa.BigInteger),
        _time("reserved_at"),
    )
    op.create_table(
        "switches",
        _name("kind", primary_key=True),
        _name("name", primary_key=True),
        sa.Column("off", sa.Boolean(), nullable=False),
        _name("reason"),
        _name("actor"),
        _time("at"),
    )
    op.create_table(
        "activations",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        _name("prompt"),
        _name("version"),
        _time("at"),
        _name("actor"),
        _name("reason"),
        _name("pointer_digest"),
        _name("eval_run_id", null=True),
    )
    op.create_table(
        "eval_runs",
        _name("id", primary_key=True),
        _time("at"),
        _name("prompt_version"),
        _name("model"),
        _name("data_version"),
        _name("dataset_digest"),
        sa.Column("passed", sa.Boolean(), nullable=False),
        _json("scores"),
        _json("cases"),
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        _time("at"),
        _name("tenant"),
        _name("actor"),
        _name("action"),
        _name("subject"),
        _json("details"),
        _name("previous"),
        _name("digest", unique=True),
    )
    for statement in _GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables; what they hold is lost, the audit chain included."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TABLE audit")
        op.execute("DROP FUNCTION audit_is_append_only()")
    else:
        op.drop_table("audit")
    for table in ("eval_runs", "activations", "switches", "spend", "handoffs", "feedback", "failures", "answers"):
        op.drop_table(table)
    op.drop_table("api_keys")


_GUARDS = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_{verb} BEFORE {verb.upper()} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit chain is append-only'); END"
        for verb in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit chain is append-only'; END $$",
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
    ],
}
