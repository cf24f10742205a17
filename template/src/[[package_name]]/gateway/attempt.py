"""One call of one model: timed, traced, counted and paid for, whatever comes of it."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, get_tracer
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import ModelMessage, ModelResponse, PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings

from ..answering.answer import Draft, Prompt
from ..observability.metrics import Metrics
from ..settings import Settings
from .drafts import GrowingAnswer, Malformed, parse_draft, schema_for
from .failures import Breaker, Failed, failure_of
from .models import cost_micros, most_tokens, price_of

_log = logging.getLogger(__name__)

OnText = Callable[[str], Awaitable[None]]


@dataclass(slots=True)
class Job:
    """One question on its way through the gateway, and what it has taken so far."""

    prompt: Prompt
    on_text: OnText | None
    started: float = field(default_factory=time.perf_counter)
    called: float = 0.0
    model: str = ""
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0
    ttft_ms: int | None = None

    def elapsed_ms(self) -> int:
        """Milliseconds since the question came."""
        return round((time.perf_counter() - self.started) * 1000)

    async def show(self, text: str) -> None:
        """Hand new text to whoever reads along."""
        if text and self.on_text:
            if self.ttft_ms is None:
                self.ttft_ms = self.elapsed_ms()
            await self.on_text(text)


class Line:
    """The line to one model: its price, its breaker and the calls over it."""

    def __init__(self, name: str, model: Model[Any], settings: Settings, metrics: Metrics) -> None:
        self.name = name
        self.price = price_of(name, settings)
        self.breaker = Breaker(name)
        self._model = model
        self._capture = settings.capture_content
        self._metrics = metrics

    async def attempt(self, job: Job, messages: list[ModelMessage], max_tokens: int, seconds: float) -> Draft:
        """Call the model once.

        Raises:
            Failed: with the reason; what the call cost is in the job.
        """
        if not self.breaker.admits():
            raise Failed("breaker_open")
        asked: dict[str, str | int] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": self._model.system,
            "gen_ai.request.model": self._model.model_name,
            "gen_ai.request.max_tokens": max_tokens,
        }
        name = f"chat {self._model.model_name}"
        with get_tracer("gateway").start_as_current_span(name, kind=SpanKind.CLIENT, attributes=asked) as span:
            reply: ModelResponse | None = None
            job.called = time.perf_counter()
            try:
                reply = await self._call(job, messages, max_tokens, seconds)
                draft = self._read(reply)
            except (TimeoutError, AgentRunError, Failed) as error:
                failure = error if isinstance(error, Failed) else failure_of(error)
                self._account(job, span, reply, failure)
                _log.warning("%s failed: %s (%s)", self.name, failure.reason, type(error).__name__)
                raise failure from error
            self._account(job, span, reply, None)
        return draft

    async def _call(self, job: Job, messages: list[ModelMessage], cap: int, seconds: float) -> ModelResponse:
        model, schema = self._model, schema_for(self._model)
        # The gateway retries: a library that does so too would multiply the attempts. Thinking would eat the tokens of
        # the answer, and models that think take no temperature.
        settings = ModelSettings(timeout=seconds, max_tokens=cap, temperature=0.0, thinking=False, max_retries=0)
        async with asyncio.timeout(seconds):
            if job.on_text is None:
                return await model_request(model, messages, model_settings=settings, model_request_parameters=schema)
            text = GrowingAnswer()
            async with model_request_stream(
                model, messages, model_settings=settings, model_request_parameters=schema
            ) as stream:
                async for event in stream:
                    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                        await job.show(text.feed(event.part.content))
                    elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                        await job.show(text.feed(event.delta.content_delta))
                return stream.get()

    @staticmethod
    def _read(reply: ModelResponse) -> Draft:
        if reply.finish_reason == "content_filter":
            raise Failed("refused")
        if reply.finish_reason == "length":
            raise Failed("truncated")
        try:
            return parse_draft(reply.text or "")
        except Malformed as problem:
            raise Failed("malformed", text=reply.text or "", problem=str(problem)) from problem

    def _account(self, job: Job, span: Span, reply: ModelResponse | None, failure: Failed | None) -> None:
        read, written, said = 0, 0, (reply.text if reply else "") or ""
        if reply and reply.usage.has_values():
            read, written = reply.usage.input_tokens, reply.usage.output_tokens
        elif reply or (failure and failure.reason == "timeout") or job.ttft_ms is not None:
            # Nobody said what it took, and it may well be charged: count the most it can be.
            read, written = most_tokens(job.prompt.system, job.prompt.user), most_tokens(said)
        cost = cost_micros(self.price, read, written)
        job.attempts += 1
        job.input_tokens += read
        job.output_tokens += written
        job.cost_micros += cost
        self.breaker.record(failure if failure and failure.ill else None)
        self._metrics.breaker(self.name, is_open=self.breaker.is_open)
        result = failure.reason if failure else "ok"
        taken, money = time.perf_counter() - job.called, cost / 1_000_000
        self._metrics.attempted(self.name, result, seconds=taken, input_tokens=read, output_tokens=written, cost=money)
        span.set_attributes({"gen_ai.usage.input_tokens": read, "gen_ai.usage.output_tokens": written})
        if reply:
            span.set_attribute("gen_ai.response.model", reply.model_name or self.name)
            span.set_attribute("gen_ai.response.finish_reasons", [reply.finish_reason or "unknown"])
        if failure:
            span.set_attribute("error.type", failure.reason)
            span.set_status(Status(StatusCode.ERROR, failure.reason))
        if self._capture:
            for key, role, text in (("input", "user", job.prompt.user), ("output", "assistant", said)):
                message = {"role": role, "parts": [{"type": "text", "content": text}]}
                span.set_attribute(f"gen_ai.{key}.messages", json.dumps([message], ensure_ascii=False))
