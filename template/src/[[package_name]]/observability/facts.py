"""What the overview is computed from: a bounded number of rows, read once."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import defer

from ..gateway.budget import EVERYBODY
from ..services import Services
from ..storage.tables import AnswerRow, EvalRun, FailureRow, FeedbackRow, Handoff, Spend, now

MOST_ROWS = 20_000
"""SQLite and PostgreSQL share no percentile, so the newest rows are counted here; more would only cost time."""

_UNCONFIRMED = ("open", "dismissed")


@dataclass(frozen=True)
class Facts:
    """The answers of the last days, newest first and without their content, and what people said of them."""

    since: datetime
    days: int
    answers: Sequence[AnswerRow]
    ratings: dict[str, str]
    confirmed_wrong: int
    handed_over: frozenset[str]
    handoffs_open: int
    month_micros: int
    evals: EvalRun | None

    @property
    def total(self) -> int:
        """How many answers."""
        return len(self.answers)

    @property
    def latencies(self) -> list[int]:
        """What each answer took, in milliseconds."""
        return [answer.latency_ms for answer in self.answers]

    @property
    def cost(self) -> float:
        """What all of them cost, in the budget's currency."""
        return sum(answer.cost_micros for answer in self.answers) / 1e6

    def of_all(self, count: int) -> float | None:
        """The count as a share of all answers; None of none."""
        return count / self.total if self.total else None

    def share(self, holds: Callable[[AnswerRow], bool]) -> float | None:
        """The share of answers of which this holds."""
        return self.of_all(sum(map(holds, self.answers)))

    def ended(self, outcome: str) -> float | None:
        """The share of answers with this outcome."""
        return self.share(lambda answer: answer.outcome == outcome)

    def accepted(self, answer: AnswerRow) -> bool:
        """Whether the answer was of use: given, and neither rated down, overridden nor handed to a person."""
        refused = self.ratings.get(answer.id) == "down" or answer.overridden_by or answer.id in self.handed_over
        return answer.outcome == "answered" and not refused

    def reasons(self, outcome: str) -> str:
        """Why answers ended so, the commonest first."""
        found = Counter(answer.reason or "no reason" for answer in self.answers if answer.outcome == outcome)
        return ", ".join(f"{reason} {count}" for reason, count in found.most_common(3))

    def daily(self, measure: "Callable[[Facts], float]", *, idle: bool = True) -> tuple[float, ...]:
        """The measure of each day's answers, oldest first; a day without any is 0, or left out when not `idle`."""
        buckets: list[list[AnswerRow]] = [[] for _ in range(self.days)]
        for answer in self.answers:
            buckets[min((answer.at - self.since).days, self.days - 1)].append(answer)
        days = (bucket for bucket in buckets if bucket or idle)
        return tuple(float(measure(replace(self, answers=day))) if day else 0.0 for day in days)


async def gather(services: Services, tenant: str | None, days: int) -> Facts:
    """Read the facts of one tenant, or of all."""
    since = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    version = await services.prompts.active()

    def recent(table: Any, *columns: Any) -> Select[Any]:
        query = select(*(columns or (table,))).where(table.at >= since)
        return query if tenant is None else query.where(table.tenant == tenant)

    live, content = FeedbackRow.undone_at.is_(None), (AnswerRow.question, AnswerRow.text, AnswerRow.override)
    newest = recent(AnswerRow).options(*map(defer, content)).order_by(AnswerRow.at.desc()).limit(MOST_ROWS)
    said = recent(FeedbackRow, FeedbackRow.answer_id, FeedbackRow.rating, FailureRow.state).where(live)
    spent = select(Spend.spent_micros).where(Spend.month == f"{now():%Y-%m}", Spend.tenant == (tenant or EVERYBODY))
    runs = select(EvalRun).where(EvalRun.prompt_version == version.version).order_by(EvalRun.at.desc()).limit(1)
    async with services.database.reading() as session:
        feedback = (await session.execute(said.outerjoin(FailureRow, FailureRow.id == FeedbackRow.failure_id))).all()
        handed = (await session.execute(recent(Handoff, Handoff.answer_id, Handoff.closed_at))).all()
        return Facts(
            since=since,
            days=days,
            answers=(await session.scalars(newest)).all(),
            ratings={row.answer_id: row.rating for row in feedback},
            confirmed_wrong=len({row.answer_id for row in feedback if row.state and row.state not in _UNCONFIRMED}),
            handed_over=frozenset(row.answer_id for row in handed),
            handoffs_open=sum(row.closed_at is None for row in handed),
            month_micros=await session.scalar(spent) or 0,
            evals=await session.scalar(runs),
        )


def percentile(values: Sequence[int], percent: int) -> int | None:
    """The smallest of the values that this percentage of them do not exceed; None of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None
