"""The end of retention: content goes, the record that there was an answer stays."""

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from sqlalchemy import CursorResult, Update, case, or_, select, update

from ..security.keys import Caller
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import AnswerRow, FailureRow, FeedbackRow, Handoff, now
from .chain import Event, append


async def purge(settings: Settings, database: Database, caller: Caller) -> int:
    """Remove the content of all answers older than retention_days, and what was said and done because of them.

    Returns:
        How many answers lost their content.
    """
    before = now() - timedelta(days=settings.retention_days)
    async with database.writing(chained=True) as session:
        emptied = await session.execute(_answers(before))
        assert isinstance(emptied, CursorResult)
        for statement in _what_followed(before, with_actions=settings.actions):
            await session.execute(statement)
        details = {"answers": emptied.rowcount, "before": before.isoformat()}
        await append(session, Event(caller.tenant, caller.actor, "retention.purged", "answers", details))
    return emptied.rowcount


def _answers(before: datetime) -> Update:
    left = or_(AnswerRow.question != "", AnswerRow.text != "", AnswerRow.override != "")
    override = case((AnswerRow.override.is_not(None), ""))  # an answer that never had one still has none
    return update(AnswerRow).where(AnswerRow.at < before, left).values(question="", text="", override=override)


def _what_followed(before: datetime, *, with_actions: bool) -> list[Update]:
    old = select(AnswerRow.id).where(AnswerRow.at < before)
    actions: Any = (
        import_module("..actions.tables", __package__) if with_actions else None
    )  # not every project has them
    return [
        update(FeedbackRow).where(FeedbackRow.answer_id.in_(old)).values(correction=None, comment=None),
        update(Handoff).where(Handoff.answer_id.in_(old)).values(contact="", note=None),
        update(FailureRow).where(FailureRow.last_seen < before).values(title="(content removed)", signature=[]),
        *(actions.content_older_than(before) if actions else []),
    ]
