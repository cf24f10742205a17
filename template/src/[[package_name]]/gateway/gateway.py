"""The gateway: every model is called from here, within a time, with retries, breakers and fallbacks."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model

from ..answering.answer import Completion, Draft, Prompt
from ..controls.switches import SwitchedOff, Switches
from ..errors import ModelUnavailable
from ..observability.metrics import Metrics
from ..settings import Settings
from .attempt import Job, Line, OnText
from .drafts import asked_again, opening
from .failures import Failed
from .models import build_model, cost_micros, most_tokens

BACKOFF_S, LONGEST_BACKOFF_S = 0.2, 2.0
SLOT_WAIT_S = 0.5
_FINAL = frozenset({"refused", "saturated"})  # another model would not, or must not, change the answer


class Gateway:
    """The way to the models of the settings; `build` makes a model of its name.

    Raises:
        ValueError: a model cannot be called or has no price; the message says what to set.
    """

    def __init__(
        self,
        settings: Settings,
        switches: Switches,
        metrics: Metrics,
        *,
        build: Callable[[str, Settings], Model[Any]] = build_model,
    ) -> None:
        self._settings = settings
        self._switches = switches
        self._metrics = metrics
        names = dict.fromkeys([settings.model, *settings.fallback_models])
        self._lines = [Line(name, build(name, settings), settings, metrics) for name in names]
        self._slots = asyncio.Semaphore(settings.max_concurrent_calls)

    @property
    def model_name(self) -> str:
        """The model that is asked first."""
        return self._lines[0].name

    def estimate(self, prompt: Prompt) -> int:
        """The most one call can cost, in millionths: of the dearest model, with the longest answer allowed."""
        read, written = most_tokens(prompt.system, prompt.user), self._settings.max_output_tokens
        return max(cost_micros(line.price, read, written) for line in self._lines)

    async def complete(
        self, prompt: Prompt, *, tenant: str, off: SwitchedOff | None = None, on_text: OnText | None = None
    ) -> Completion:
        """Have a model write a draft.

        Args:
            prompt: the rendered prompt.
            tenant: who asks.
            off: what is switched off, where the request has read it already.
            on_text: takes the answer's text piece by piece as it is written.

        Raises:
            ModelUnavailable: no model gave a usable draft in time.
        """
        job = Job(prompt, on_text)
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                draft = await self._ask_in_turn(job, off or await self._switches.off())
        except Failed as failure:
            raise ModelUnavailable(failure.reason, job.model, job.cost_micros) from failure
        except TimeoutError as error:
            raise ModelUnavailable("timeout", job.model, job.cost_micros) from error
        return Completion(
            draft=draft,
            model=job.model,
            input_tokens=job.input_tokens,
            output_tokens=job.output_tokens,
            cost_micros=job.cost_micros,
            latency_ms=job.elapsed_ms(),
            ttft_ms=job.ttft_ms,
            attempts=job.attempts,
            fallback_from=self.model_name if job.model != self.model_name else None,
        )

    async def _ask_in_turn(self, job: Job, off: SwitchedOff) -> Draft:
        end = asyncio.get_running_loop().time() + self._settings.request_timeout_s
        for place, line in enumerate(self._lines, start=1):
            waiting = len(self._lines) - place
            job.model = line.name
            try:
                if off.why("model", line.name):
                    raise Failed("switched_off")
                # Each model leaves the ones after it the time for one attempt.
                return await self._ask(line, job, end - waiting * self._settings.attempt_timeout_s)
            except Failed as failure:
                if not waiting or failure.reason in _FINAL or job.ttft_ms is not None:
                    raise
                self._metrics.fell_back(line.name, failure.reason)
        raise AssertionError("there is always a model")

    async def _ask(self, line: Line, job: Job, end: float) -> Draft:
        messages, cap = opening(job.prompt), self._settings.max_output_tokens
        tried, mended = 0, set[str]()
        while True:
            try:
                return await self._attempt(line, job, messages, cap, end)
            except Failed as failure:
                pause = 0.0
                if failure.reason in {"malformed", "truncated"}:
                    hopeless = failure.reason in mended
                    mended.add(failure.reason)
                    messages = asked_again(messages, failure.text, failure.problem) if failure.text else messages
                    cap = cap * 2 if failure.reason == "truncated" else cap
                else:
                    tried += 1
                    hopeless = not failure.retry or tried >= self._settings.attempts
                    pause = max(failure.retry_after_s, _backoff(tried))
                late = asyncio.get_running_loop().time() + pause >= end
                if hopeless or late or line.breaker.is_open or job.ttft_ms is not None:
                    raise
            await asyncio.sleep(pause)

    async def _attempt(self, line: Line, job: Job, messages: list[ModelMessage], cap: int, end: float) -> Draft:
        async with self._slot():
            # The first attempt is made even when the time of the models before is used up; the whole is timed anyway.
            left = end - asyncio.get_running_loop().time()
            seconds = min(self._settings.attempt_timeout_s, left) if left > 0 else self._settings.attempt_timeout_s
            return await line.attempt(job, messages, cap, seconds)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(SLOT_WAIT_S):
                await self._slots.acquire()
        except TimeoutError:
            raise Failed("saturated") from None
        try:
            yield
        finally:
            self._slots.release()


def _backoff(tried: int) -> float:
    # Jitter, or everybody who failed together comes back together.
    return min(BACKOFF_S * 2.0 ** (tried - 1), LONGEST_BACKOFF_S) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
