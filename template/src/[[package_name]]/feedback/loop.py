"""What people say of answers, and what becomes of it: the door to triage, promotion and improvement."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..answering.record import owned
from ..audit.chain import Event, append, content_digest
from ..errors import NotFound, Refused
from ..guardrails.masking import PatternMasker, mask
from ..observability.metrics import Metrics
from ..security.keys import Caller
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import AnswerRow, FeedbackRow, now
from .clusters import record, withdraw
from .improvement import Improvements
from .promotion import Promotion
from .triage import Triage

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=r"\S")]


class Feedback(BaseModel):
    """What a person says of an answer."""

    model_config = ConfigDict(extra="forbid")
    answer_id: str
    rating: Literal["up", "down"]
    category: Literal["wrong", "incomplete", "outdated", "unsafe", "off_topic", "other"] | None = Field(
        default=None, description="What is the matter, when the rating is down."
    )
    correction: Text | None = Field(default=None, description="What it should have said.")
    comment: Text | None = None


class FeedbackLoop:
    """Takes feedback in, gathers failures, and hands them on to be fixed."""

    def __init__(self, settings: Settings, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics
        self._masker = PatternMasker()
        triage = Triage(settings, database)
        self.queue, self.show, self.assign, self.move = triage.queue, triage.show, triage.assign, triage.move
        self.promote = Promotion(settings, database).promote
        self.improvements = Improvements(settings, database).improvements

    async def give(self, caller: Caller, feedback: Feedback) -> FeedbackRow:
        """Keep what a caller says of an answer, in the place of what the same caller said of it before.

        Raises:
            NotFound: there is no such answer in the caller's tenant.
        """
        async with self._database.writing(chained=True) as session:
            answer = await owned(session, caller, feedback.answer_id)
            before = select(FeedbackRow).where(FeedbackRow.answer_id == answer.id, FeedbackRow.actor == caller.actor)
            row = (await session.scalars(before)).one_or_none()
            if row is None:
                row = FeedbackRow(answer_id=answer.id, tenant=caller.tenant, actor=caller.actor)
                session.add(row)
            elif row.failure_id:
                await withdraw(session, row.failure_id, answer)
            down = feedback.rating == "down"
            row.at, row.undone_at, row.rating = now(), None, feedback.rating
            row.category = feedback.category or ("other" if down else None)
            row.correction, row.comment = self._masked(feedback.correction), self._masked(feedback.comment)
            row.failure_id = (await record(session, answer, row.category or "other")).id if down else None
            await session.flush()
            details = {"answer": answer.id, "rating": row.rating, "category": row.category}
            details |= {"correction_sha256": content_digest(row.correction)} if row.correction else {}
            await append(session, Event(caller.tenant, caller.actor, "feedback.given", row.id, details))
        self._metrics.feedback(row.rating)
        return row

    async def undo(self, caller: Caller, feedback_id: str) -> None:
        """Take one's own feedback back.

        Raises:
            NotFound: the caller gave no such feedback, or took it back already.
        """
        async with self._database.writing(chained=True) as session:
            row = await session.get(FeedbackRow, feedback_id)
            if row is None or (row.tenant, row.actor) != (caller.tenant, caller.actor) or row.undone_at:
                raise NotFound("You have given no such feedback, or have taken it back already.")
            if row.failure_id:
                await withdraw(session, row.failure_id, await owned(session, caller, row.answer_id))
            row.undone_at, row.failure_id = now(), None
            await append(session, Event(caller.tenant, caller.actor, "feedback.undone", row.id))

    async def override(self, caller: Caller, answer_id: str, text: str) -> AnswerRow:
        """Replace an answer's text by a person's; from now on that is what is shown.

        Raises:
            NotFound: there is no such answer in the caller's tenant.
            Refused: there is no text.
        """
        if not text.strip():
            raise Refused("Write the text that shall be shown instead.")
        async with self._database.writing(chained=True) as session:
            answer = await owned(session, caller, answer_id)
            known = select(FeedbackRow.id).where(
                FeedbackRow.answer_id == answer_id, FeedbackRow.failure_id.is_not(None)
            )
            # An answer that is already known to be wrong does not fail a second time.
            if answer.overridden_by is None and (await session.scalars(known.limit(1))).first() is None:
                await record(session, answer, "wrong")
            details = {"before_sha256": content_digest(answer.override or answer.text)}
            answer.override, answer.overridden_by = self._masked(text.strip()), caller.actor
            details["after_sha256"] = content_digest(answer.override or "")
            await append(session, Event(caller.tenant, caller.actor, "answer.overridden", answer.id, details))
        return answer

    async def observed(self, session: AsyncSession, answer: AnswerRow) -> None:
        """Count an answer that failed without anybody saying so: withheld, or nothing usable came from the model.

        Args:
            session: the one that keeps the answer, already flushed; it must be chained.
        """
        if answer.outcome == "withheld":
            await record(session, answer, "withheld")
        elif (answer.outcome, answer.reason) == ("degraded", "malformed"):
            await record(session, answer, "malformed")

    def _masked(self, text: str | None) -> str | None:
        return mask(text, self._masker.find(text))[0] if text else None
