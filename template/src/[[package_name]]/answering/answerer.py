"""A served question: the pipeline, with switches, cache and budget before it and the record after it."""

import time

import anyio

from ..audit.chain import Event, append
from ..controls.switches import Switches
from ..errors import ModelUnavailable, NotAllowed
from ..evals.judge import Judge
from ..feedback.loop import FeedbackLoop
from ..gateway.attempt import OnText
from ..gateway.budget import Budget, Reservation
from ..gateway.cache import AnswerCache, CacheScope
from ..observability.metrics import Metrics
from ..prompts.registry import PromptVersion
from ..security.keys import Caller
from ..settings import Settings
from ..storage.database import Database
from .answer import Answer, Outcome, Question, Screened
from .pipeline import Pipeline, Result
from .record import answer_of, details_of, result_of, row_of


class Answerer:
    """Answers callers' questions. Every question leaves a row, an audit entry and a metric, however it ends."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        metrics: Metrics,
        switches: Switches,
        budget: Budget,
        cache: AnswerCache,
        pipeline: Pipeline,
        judge: Judge,
        feedback: FeedbackLoop,
    ) -> None:
        self._settings = settings
        self._database = database
        self._metrics = metrics
        self._switches = switches
        self._budget = budget
        self._cache = cache
        self._pipeline = pipeline
        self._judge = judge
        self._feedback = feedback

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
        await self._allowed(caller)
        version = await self._pipeline.prompts.active()
        screened = self._pipeline.screen(question.question)
        if screened.blocked:
            return await self._keep(self._pipeline.blocked(screened, version), screened, caller, started)
        scope = CacheScope(
            caller.tenant, version.version, self._pipeline.data_version, self._pipeline.gateway.model_name
        )
        if not question.fresh and (hit := await self._remembered(scope, screened.text)):
            return await self._keep(result_of(hit), screened, caller, started, cached=True)
        return await self._ask(screened, version, scope, caller, on_text, started)

    async def _ask(
        self,
        screened: Screened,
        version: PromptVersion,
        scope: CacheScope,
        caller: Caller,
        on_text: OnText | None,
        started: float,
    ) -> Answer:
        composed = await self._pipeline.compose(screened, version)
        try:
            reservation = await self._budget.reserve(caller.tenant, self._pipeline.gateway.estimate(composed.prompt))
        except ModelUnavailable as exhausted:
            return await self._keep(self._pipeline.unavailable(composed, exhausted), screened, caller, started)
        try:
            result = await self._pipeline.complete(composed, tenant=caller.tenant, on_text=on_text)
        except BaseException:
            # The caller has gone away, in the middle of a call that may well be charged: book the most it can cost.
            with anyio.CancelScope(shield=True):
                await self._budget.book(reservation, reservation.micros)
            raise
        answer = await self._keep(result, screened, caller, started, reservation=reservation)
        if answer.outcome is Outcome.ANSWERED:
            await self._cache.store(scope, screened.text, answer)
            self._judge.consider(answer.id, screened.text, answer.text, composed.passages)
        return answer

    async def _allowed(self, caller: Caller) -> None:
        await self._switches.require("answers")
        if off := await self._switches.is_off("tenant", caller.tenant):
            raise NotAllowed(f"Answering is switched off for {caller.tenant}: {off.reason}")

    async def _remembered(self, scope: CacheScope, question: str) -> Answer | None:
        if await self._switches.is_off("feature", "cache"):
            self._metrics.cache("off")
            return None
        hit = await self._cache.lookup(scope, question)
        self._metrics.cache("hit" if hit else "miss")
        return hit

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
        async with self._database.writing(chained=True) as session:
            session.add(row)
            if reservation:
                await self._budget.settle(session, reservation, result.spent_micros)
            await session.flush()
            await self._feedback.observed(session, row)
            await append(
                session, Event(caller.tenant, caller.actor, "question.answered", row.id, details_of(result, row))
            )
        for finding in result.findings:
            self._metrics.guardrail(finding.rule, finding.action, finding.where)
        self._metrics.answered(
            outcome=result.outcome.value,
            reason=result.reason,
            model=result.model,
            prompt_version=result.prompt_version,
            seconds=row.latency_ms / 1000,
            ttft=row.ttft_ms / 1000 if row.ttft_ms is not None else None,
        )
        return answer_of(row, list(result.citations), self._settings.currency)
