"""The placeholder model: a provider simulator with latency, tokens, a price and faults, until a real one is chosen."""

import asyncio
import math
import random
import re
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelResponseStreamEvent,
    SystemPromptPart,
    TextPart,
    UserPromptPart,
)
from pydantic_ai.models import CompletedStreamedResponse, Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from ..settings import Settings
from .placeholder_replies import draw, extract, http_error, misshape, parse_faults, question_of

_SPEEDS = {"standard": (0.25, 60.0), "small": (0.12, 140.0)}  # median seconds to the first token, tokens a second
_REMEMBERED = 10_000


def is_placeholder(model: str) -> bool:
    """Whether a simulator answers in the place of a model."""
    return model.startswith("placeholder:")


@dataclass(frozen=True, slots=True)
class _Reply:
    response: ModelResponse
    first_token_s: float
    tokens_per_s: float


class PlaceholderModel(Model[None]):
    """Answers from the passages of the prompt; repeatable for a seed, a question and the number of the call.

    Raises:
        ValueError: there is no such size, or the faults are not well-formed.
    """

    def __init__(self, size: str, settings: Settings) -> None:
        super().__init__()
        if size not in _SPEEDS:
            raise ValueError(f"There is no placeholder:{size}; write placeholder:standard or placeholder:small.")
        self._size = size
        self._faults = parse_faults(settings.placeholder_faults)
        self._latency = settings.placeholder_latency
        self._seed = settings.placeholder_seed
        self._calls: Counter[str] = Counter()

    @property
    def model_name(self) -> str:
        """The name, loud enough for every answer."""
        return f"placeholder:{self._size}"

    @property
    def system(self) -> str:
        """The provider: none."""
        return "placeholder"

    async def request(
        self, messages: list[ModelMessage], model_settings: ModelSettings | None, _: ModelRequestParameters
    ) -> ModelResponse:
        """Answer at once when the simulated writing is over."""
        reply = await self._reply(messages, model_settings)
        writing = reply.response.usage.output_tokens / reply.tokens_per_s * self._latency
        await asyncio.sleep(reply.first_token_s + writing)
        return reply.response

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Answer word by word."""
        reply = await self._reply(messages, model_settings)
        yield _Stream(model_request_parameters, reply, self._latency)

    async def _reply(self, messages: list[ModelMessage], settings: ModelSettings | None) -> _Reply:
        parts = [part for message in messages if isinstance(message, ModelRequest) for part in message.parts]
        said = [str(part.content) for part in parts if isinstance(part, UserPromptPart)]
        system = " ".join(part.content for part in parts if isinstance(part, SystemPromptPart))
        question = question_of(said[0])
        if len(self._calls) > _REMEMBERED:
            self._calls.clear()
        self._calls[question] += 1
        chance = random.Random(f"{self._seed}|{self._size}|{question}|{self._calls[question]}")  # noqa: S311 - weather
        fault = draw(self._faults, chance)
        if fault == "timeout":
            await asyncio.Event().wait()
        if error := http_error(fault, self.model_name, wait_s=self._latency):
            raise error
        draft = extract(said[0])
        text = misshape(draft, fault) if "json" in system.casefold() else str(draft["answer"])
        most = (settings or {}).get("max_tokens", 10_000) * 4
        cut = fault == "truncated" or len(text) > most
        median, speed = _SPEEDS[self._size]
        response = ModelResponse(
            parts=[TextPart(text[:most])],
            usage=RequestUsage(input_tokens=_tokens(system, *said), output_tokens=_tokens(text[:most])),
            model_name=self.model_name,
            provider_name=self.system,
            finish_reason="content_filter" if fault == "refusal" else "length" if cut else "stop",
        )
        first_token_s = chance.lognormvariate(math.log(median), 0.5) * self._latency
        return _Reply(response, first_token_s, speed * chance.uniform(0.8, 1.2))


class _Stream(CompletedStreamedResponse):
    def __init__(self, parameters: ModelRequestParameters, reply: _Reply, latency: float) -> None:
        super().__init__(reply.response, model_request_parameters=parameters)
        self._reply = reply
        self._latency = latency

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        await asyncio.sleep(self._reply.first_token_s)
        for piece in re.findall(r"\s*\S+\s*", self._reply.response.text or ""):
            for event in self._parts_manager.handle_text_delta(vendor_part_id="text", content=piece):
                yield event
            await asyncio.sleep(_tokens(piece) / self._reply.tokens_per_s * self._latency)


def _tokens(*texts: str) -> int:
    return -(-sum(map(len, texts)) // 4)
