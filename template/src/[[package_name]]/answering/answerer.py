"""A served question: the pipeline, with switches, cache and budget before it and the record after it."""

import time
from dataclasses import dataclass

import anyio
from sqlalchemy import select

from ..audit.chain import Event, append
from ..controls.switches import Switches
from ..errors import ModelUnavailable, NotAllowed
from ..evals.judge import Judge
from ..feedback.loop import FeedbackLoop
from ..gateway.attempt import OnText
from ..gateway.budget import Budget, Reservation
from ..gateway.cache import AnswerCache, CacheScope
from ..observability.metrics import Metrics
from ..security.keys import Caller
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import AnswerRow
from .answer import Answer, Outcome, Question, Screened
from .pipeline import Pipeline, Result
from .record import answer_of, details_of, result_of, row_of


@dataclass(frozen=True)
class Answerer:
    """Answers callers' questions. Every question leaves a row, an audit entry and a metric, however it ends."""

    settings: Settings
    database: Database
    metrics: Metrics
    switches: Switches
    budget: Budget
    cache: AnswerCache
    pipeline: Pipeline
    judge: Judge
    feedback: FeedbackLoop

    async def answer(self, question: Question, caller: Caller, on_text: OnText | None = None) -> Answer:
        """Answer a question.

        Args:
            question: what is asked.
            caller: who asks; the tenant pays.
            on_text: receives the model's text while it is written. It has not passed the guardrails of output then.

        Raises:
            Unavailable: a person switched answering off, for everybody or for this tenant.
        """
        started = time.perf_counter()
        off = await self.switches.off()
        off.require("answers")
        if reason := off.why("tenant", caller.tenant):
            raise NotAllowed(f"Answering is switched off for {caller.tenant}: {reason}")
        version = await self.pipeline.prompts.active()
        screened = self.pipeline.screen(question.question)
        if screened.blocked:
            return await self._keep(self.pipeline.blocked(screened, version), screened, caller, started)
        scope = CacheScope(caller.tenant, version.version, self.pipeline.data_version, self.pipeline.gateway.model_name)
        if off.why("feature", "cache"):
            self.metrics.cache("off")
        elif not question.fresh:
            hit = await self._remembered(scope, screened.text)
            self.metrics.cache("hit" if hit else "miss")
            if hit:
                return await self._keep(result_of(hit), screened, caller, started, cached=True)
        composed = await self.pipeline.compose(screened, version)
        try:
            reservation = await self.budget.reserve(caller.tenant, self.pipeline.gateway.estimate(composed.prompt))
        except ModelUnavailable as exhausted:
            return await self._keep(self.pipeline.unavailable(composed, exhausted), screened, caller, started)
        try:
            result = await self.pipeline.complete(composed, tenant=caller.tenant, off=off, on_text=on_text)
        except BaseException:
            # The caller has gone away, in the middle of a call that may well be charged: book the most it can cost.
            with anyio.CancelScope(shield=True):
                await self.budget.book(reservation, reservation.micros)
            raise
        answer = await self._keep(result, screened, caller, started, reservation=reservation)
        if answer.outcome is Outcome.ANSWERED:
            await self.cache.store(scope, screened.text, answer)
            self.judge.consider(answer.id, screened.text, answer.text, composed.passages)
        return answer

    async def _remembered(self, scope: CacheScope, question: str) -> Answer | None:
        """What the cache has, unless a person replaced that text: no copy of it, in whichever cache, is given again."""
        if not (hit := await self.cache.lookup(scope, question)):
            return None
        replaced = select(AnswerRow.id).where(
            AnswerRow.tenant == scope.tenant, AnswerRow.overridden_by.is_not(None), AnswerRow.text == hit.text
        )
        async with self.database.reading() as session:
            return None if await session.scalar(replaced.limit(1)) else hit

    async def _keep(
        self,
        result: Result,
        screened: Screened,
        caller: Caller,
        started: float,
        *,
        cached: bool = False,
        reservation: Reservation | None = None,
    ) -> Answer:
        row = row_of(result, screened, caller, int((time.perf_counter() - started) * 1000), cached=cached)
        async with self.database.writing(chained=True) as session:
            session.add(row)
            if reservation:
                await self.budget.settle(session, reservation, result.spent_micros)
            await session.flush()
            await self.feedback.observed(session, row)
            await append(
                session, Event(caller.tenant, caller.actor, "question.answered", row.id, details_of(result, row))
            )
        for finding in result.findings:
            self.metrics.guardrail(finding.rule, finding.action, finding.where)
        self.metrics.answered(
            outcome=result.outcome.value,
            reason=result.reason,
            model=result.model,
            prompt_version=result.prompt_version,
            seconds=row.latency_ms / 1000,
            ttft=row.ttft_ms / 1000 if row.ttft_ms is not None else None,
        )
        return answer_of(row, list(result.citations), self.settings)
