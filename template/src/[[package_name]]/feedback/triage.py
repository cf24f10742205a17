"""The triage queue: what fails, how urgent it is, who looks after it, and how far they are.

PRIORITY = frequency × severity × cost. Frequency is the number of occurrences; severity goes by category, 1 to 5;
cost is what one occurrence costs on average: the model's price plus the person's time that the answer should have saved
(service.toml, [value]), in the budget's currency.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..audit.chain import Event, append, content_digest
from ..errors import Conflict, NotFound, Refused
from ..security.keys import Caller
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import AnswerRow, FailureRow, FeedbackRow

MOVES = {
    "open": {"accepted", "dismissed"},
    "accepted": {"open", "dismissed"},  # and promoted, by `promote` alone
    "promoted": {"fixed", "dismissed"},
    "fixed": {"open"},
    "dismissed": {"open"},
}


class FailureView(BaseModel):
    """A failure as the queue shows it."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    title: str
    category: str
    severity: int
    occurrences: int
    cost_micros: int
    state: str
    owner: str | None
    first_seen: datetime
    last_seen: datetime
    example_id: str | None
    golden_case: str | None
    priority: float = 0.0
    explanation: str = ""


class Remark(BaseModel):
    """What a person said of one occurrence."""

    model_config = ConfigDict(from_attributes=True)
    answer_id: str
    at: datetime
    category: str | None
    correction: str | None
    comment: str | None


class FailureDetail(FailureView):
    """A failure with its latest answer, and what people said."""

    question: str = ""
    text: str = ""
    override: str | None = None
    remarks: list[Remark] = []


class Triage:
    """The queue of one tenant's failures, the most urgent first."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._currency = settings.currency
        self._time_micros = int(settings.value.minutes_saved_per_answer / 60 * settings.value.cost_of_an_hour * 1e6)

    async def queue(
        self, caller: Caller, state: str | None = None, *, limit: int = 100, offset: int = 0
    ) -> list[FailureView]:
        """The tenant's failures; without a state all that still need somebody."""
        # severity × (cost + occurrences × time) is occurrences × severity × average cost, in whole numbers.
        urgency = FailureRow.severity * (FailureRow.cost_micros + FailureRow.occurrences * self._time_micros)
        states = [state] if state else ["open", "accepted", "promoted"]
        query = select(FailureRow).where(FailureRow.tenant == caller.tenant, FailureRow.state.in_(states))
        async with self._database.reading() as session:
            rows = await session.scalars(query.order_by(urgency.desc(), FailureRow.id).limit(limit).offset(offset))
            return [self.view(row) for row in rows]

    def view(self, row: FailureRow) -> FailureView:
        """The failure with its priority, and how that was reached."""
        each = (row.cost_micros / row.occurrences + self._time_micros) / 1e6 if row.occurrences else 0.0
        priority = row.occurrences * row.severity * each
        sum_of_it = f"{row.occurrences} × severity {row.severity} × {each:.2f} {self._currency} each = {priority:.1f}"
        return FailureView.model_validate(row).model_copy(update={"priority": priority, "explanation": sum_of_it})

    async def show(self, caller: Caller, failure_id: str) -> FailureDetail:
        """A failure with its latest answer and the newest remarks."""
        async with self._database.reading() as session:
            row = await owned(session, caller, failure_id)
            answer = await session.get(AnswerRow, row.example_id) if row.example_id else None
            said = select(FeedbackRow).where(FeedbackRow.failure_id == row.id).order_by(FeedbackRow.at.desc()).limit(20)
            remarks = [Remark.model_validate(item) for item in await session.scalars(said)]
        detail = FailureDetail(**self.view(row).model_dump(), remarks=remarks)
        if answer:
            detail.question, detail.text, detail.override = answer.question, answer.text, answer.override
        return detail

    async def assign(self, caller: Caller, failure_id: str, owner: str) -> FailureView:
        """Give a failure to a person or a team."""
        if not 0 < len(owner := owner.strip()) <= 200:
            raise Refused("Name an owner of 1 to 200 characters, such as answers-team.")
        return await self._change(caller, failure_id, "failure.assigned", owner=owner)

    async def move(self, caller: Caller, failure_id: str, state: str) -> FailureView:
        """Move a failure on.

        Raises:
            Conflict: from where it is, it cannot go there.
        """
        return await self._change(caller, failure_id, "failure.moved", state=state)

    async def _change(self, caller: Caller, failure_id: str, action: str, **to: str) -> FailureView:
        async with self._database.writing(chained=True) as session:
            row = await owned(session, caller, failure_id)
            if (state := to.get("state")) and state not in MOVES[row.state]:
                allowed = ", ".join(sorted(MOVES[row.state]))
                raise Conflict(
                    f"A failure that is {row.state} can become {allowed}; `promote` makes an accepted one promoted."
                )
            # An owner may be a person's name: the record holds its digest.
            details = {"from": row.state, "to": state} if state else {"owner_sha256": content_digest(to["owner"])}
            for field, value in to.items():
                setattr(row, field, value)
            await append(session, Event(caller.tenant, caller.actor, action, row.id, details))
        return self.view(row)


async def owned(session: AsyncSession, caller: Caller, failure_id: str) -> FailureRow:
    """A failure of the caller's tenant.

    Raises:
        NotFound: there is none.
    """
    row = await session.get(FailureRow, failure_id)
    if row is None or row.tenant != caller.tenant:
        raise NotFound("There is no such failure in your tenant.")
    return row
