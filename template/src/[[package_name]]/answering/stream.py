"""The stream: text leaves sentence by sentence, so that personal data is masked before it is shown."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
from sqlalchemy.exc import SQLAlchemyError

from ..errors import Refused
from ..gateway.attempt import OnText
from ..problems import out_of_order
from .answer import Answer

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")

Mask = Callable[[str], str]
Work = Callable[[OnText], Awaitable[Answer]]


async def events(work: Work, mask: Mask) -> AsyncIterator[str]:
    """Run the work and give its server-sent events.

    `delta` events carry text as it is written; the last event, `answer`, carries the whole answer and replaces them,
    because the guardrails of output judge the whole. An `error` event ends the stream in its place.
    """
    sending, receiving = anyio.create_memory_object_stream[str](64)

    async def produce() -> None:
        held = ""

        async def on_text(delta: str) -> None:
            nonlocal held
            *sentences, held = _sentences(held + delta)
            for sentence in sentences:
                await sending.send(_event("delta", {"text": mask(sentence)}))

        async with sending:
            try:
                answer = await work(on_text)
            except (Refused, SQLAlchemyError, OSError) as error:
                refused = error if isinstance(error, Refused) else out_of_order(error)
                await sending.send(_event("error", {"code": refused.code, "detail": str(refused)}))
            else:
                if held:
                    await sending.send(_event("delta", {"text": mask(held)}))
                await sending.send(f"event: answer\ndata: {answer.model_dump_json()}\n\n")

    async with anyio.create_task_group() as group:
        group.start_soon(produce)
        async with receiving:
            async for event in receiving:
                yield event


def _sentences(text: str) -> list[str]:
    parts, start = [], 0
    for end in _SENTENCE_END.finditer(text):
        parts.append(text[start : end.end()])
        start = end.end()
    return [*parts, text[start:]]


def _event(name: str, data: dict[str, str]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
