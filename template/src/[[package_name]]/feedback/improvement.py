"""Did a change help? The numbers of each prompt, model and data version, beside those of the one before."""

from datetime import datetime
from itertools import pairwise

from pydantic import BaseModel
from sqlalchemy import and_, case, func, or_, select

from ..security.keys import Caller
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import Activation, AnswerRow, EvalRun, FeedbackRow


class Numbers(BaseModel):
    """How one combination of versions did; a share of nothing is null."""

    prompt_version: str
    model: str
    data_version: str
    since: datetime
    answers: int
    thumbs_down_share: float | None = None
    failures_per_100: float | None = None
    eval_scores: dict[str, float] = {}

    @property
    def eval_score(self) -> float | None:
        """The mean of the eval metrics."""
        return sum(self.eval_scores.values()) / len(self.eval_scores) if self.eval_scores else None


class Improvement(BaseModel):
    """A change, by whom and why where that was recorded, and the numbers before and after it."""

    change: str
    actor: str | None
    reason: str | None
    before: Numbers
    after: Numbers


class Improvements:
    """Compares the versions that answered a tenant's questions."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._fallbacks = [name for name in settings.fallback_models if name != settings.model]

    async def improvements(self, caller: Caller) -> list[Improvement]:
        """Every change of version, the oldest first; answers of a fallback model count for no version."""
        rated = (
            select(
                FeedbackRow.answer_id,
                func.count().label("ratings"),
                func.sum(case((FeedbackRow.rating == "down", 1), else_=0)).label("downs"),
            )
            .where(FeedbackRow.undone_at.is_(None), FeedbackRow.tenant == caller.tenant)
            .group_by(FeedbackRow.answer_id)
            .subquery()
        )
        failed = or_(
            rated.c.downs > 0,
            AnswerRow.overridden_by.is_not(None),
            AnswerRow.outcome == "withheld",
            and_(AnswerRow.outcome == "degraded", AnswerRow.reason == "malformed"),
        )
        version = (AnswerRow.prompt_version, AnswerRow.model, AnswerRow.data_version)
        since = func.min(AnswerRow.at)
        query = (
            select(
                *version,
                since,
                func.count(),
                func.sum(rated.c.ratings),
                func.sum(rated.c.downs),
                func.sum(case((failed, 1), else_=0)),
            )
            .outerjoin(rated, rated.c.answer_id == AnswerRow.id)
            .where(AnswerRow.tenant == caller.tenant, AnswerRow.model.not_in(self._fallbacks))
            .group_by(*version)
            .order_by(since, *version)
        )
        async with self._database.reading() as session:
            rows = (await session.execute(query)).all()
            runs = list(await session.scalars(select(EvalRun).order_by(EvalRun.at)))
            activations = list(await session.scalars(select(Activation).order_by(Activation.at)))
        scores = {(run.prompt_version, run.model, run.data_version): run.scores for run in runs}
        found = {
            (prompt, model, data): Numbers(
                prompt_version=prompt,
                model=model,
                data_version=data,
                since=first,
                answers=answers,
                thumbs_down_share=float(downs / ratings) if ratings else None,
                failures_per_100=100 * failures / answers,
                eval_scores=scores.get((prompt, model, data), {}),
            )
            for prompt, model, data, first, answers, ratings, downs, failures in rows
        }
        for run in runs:  # what was put into service on the strength of its evals, and has not answered yet
            put = next((item for item in activations if item.eval_run_id == run.id), None)
            versions = (run.prompt_version, run.model, run.data_version)
            if put and versions not in found:
                found[versions] = Numbers(
                    prompt_version=run.prompt_version,
                    model=run.model,
                    data_version=run.data_version,
                    since=put.at,
                    answers=0,
                    eval_scores=run.scores,
                )
        ordered = sorted(found.values(), key=lambda numbers: numbers.since)
        return [_compared(*pair, activations) for pair in pairwise(ordered)]


def _compared(before: Numbers, after: Numbers, activations: list[Activation]) -> Improvement:
    parts = {"prompt": "prompt_version", "model": "model", "data": "data_version"}
    changes = [
        f"{part} {getattr(before, field)} → {getattr(after, field)}"
        for part, field in parts.items()
        if getattr(before, field) != getattr(after, field)
    ]
    why = next(
        (
            item
            for item in reversed(activations)
            if item.version == after.prompt_version != before.prompt_version and item.at <= after.since
        ),
        None,
    )
    return Improvement(
        change=", ".join(changes),
        actor=why.actor if why else None,
        reason=why.reason if why else None,
        before=before,
        after=after,
    )
