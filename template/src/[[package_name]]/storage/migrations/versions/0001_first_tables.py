"""The first tables, and the guard that lets nobody change the audit chain."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _names(*names: str, null: bool = False, **options: Any) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String(200), nullable=null, **options) for name in names]


def _texts(*names: str, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=null) for name in names]


def _times(*names: str, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=null) for name in names]


def _numbers(*names: str, kind: type[sa.Integer] = sa.Integer) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind(), nullable=False) for name in names]


def _json(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.JSON(), nullable=False) for name in names]


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _link(name: str, to: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.String(200), sa.ForeignKey(to), **options)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "api_keys",
        *_names("id", primary_key=True),
        *_names("name", "tenant"),
        *_names("digest", unique=True),
        *_json("scopes"),
        *_times("created_at"),
        *_times("revoked_at", null=True),
    )
    op.create_table(
        "answers",
        *_names("id", primary_key=True),
        *_times("at"),
        *_names("tenant", "actor"),
        *_texts("question", "text"),
        *_json("citations"),
        *_names("outcome"),
        *_names("reason", null=True),
        *_names("model", "prompt_version", "data_version"),
        *_json("guardrails"),
        _flag("cached"),
        *_numbers("input_tokens", "output_tokens"),
        *_numbers("cost_micros", kind=sa.BigInteger),
        *_numbers("latency_ms"),
        sa.Column("ttft_ms", sa.Integer()),
        *_names("overridden_by", null=True),
        *_texts("override", null=True),
        sa.Column("judged", sa.Float()),
    )
    for columns in (["tenant", "at"], ["at"], ["tenant", "overridden_by"]):
        op.create_index(f"ix_answers_{'_'.join(columns)}", "answers", columns)
    op.create_table(
        "failures",
        *_names("id", primary_key=True),
        *_names("tenant", index=True),
        *_names("title", "category"),
        *_json("signature"),
        *_numbers("severity", "occurrences"),
        *_numbers("cost_micros", kind=sa.BigInteger),
        *_names("state"),
        *_names("owner", null=True),
        *_times("first_seen", "last_seen"),
        _link("example_id", "answers.id"),
        *_names("golden_case", null=True),
    )
    op.create_table(
        "feedback",
        *_names("id", primary_key=True),
        *_times("at"),
        _link("answer_id", "answers.id", nullable=False, index=True),
        *_names("tenant", "actor", "rating"),
        *_names("category", null=True),
        *_texts("correction", "comment", null=True),
        _link("failure_id", "failures.id", index=True),
        *_times("undone_at", null=True),
    )
    op.create_table(
        "handoffs",
        *_names("id", primary_key=True),
        *_times("at"),
        _link("answer_id", "answers.id", nullable=False),
        *_names("tenant", "actor", "contact"),
        *_texts("note", null=True),
        *_names("closed_by", null=True),
        *_times("closed_at", null=True),
    )
    op.create_table(
        "spend",
        *_names("tenant", "month", primary_key=True),
        *_numbers("spent_micros", "reserved_micros", kind=sa.BigInteger),
        *_times("reserved_at"),
    )
    op.create_table(
        "switches",
        *_names("kind", "name", primary_key=True),
        _flag("off"),
        *_names("reason", "actor"),
        *_times("at"),
    )
    op.create_table(
        "activations",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        *_names("prompt", "version"),
        *_times("at"),
        *_names("actor", "reason", "pointer_digest"),
        *_names("eval_run_id", null=True),
    )
    op.create_table(
        "eval_runs",
        *_names("id", primary_key=True),
        *_times("at"),
        *_names("prompt_version", "model", "data_version", "dataset_digest"),
        _flag("passed"),
        *_json("scores", "cases"),
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        *_times("at"),
        *_names("tenant", "actor", "action", "subject"),
        *_json("details"),
        *_names("previous"),
        *_names("digest", unique=True),
    )
    for statement in _GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables; what they hold is lost, the audit chain included."""
    op.drop_table("audit")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_is_append_only()")
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
