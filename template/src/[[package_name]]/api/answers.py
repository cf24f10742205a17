"""POST /v1/answers: ask a question, as JSON or as a stream."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse

from ..answering.answer import Answer, Citation, Question
from ..answering.record import answer_of, owned
from ..answering.stream import events
from ..problems import problems
from .dependencies import Asking, ServicesDep

router = APIRouter(prefix="/v1/answers", tags=["answers"], responses=problems(404))


@router.post("", response_model=Answer, responses={200: {"content": {"text/event-stream": {}}}})
async def ask(
    question: Question,
    caller: Asking,
    services: ServicesDep,
    response: Response,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Answer | Response:
    """Answer a question. Whatever happens there is an answer to show; `outcome` and `reason` say what it is.

    With `Accept: text/event-stream` the text comes in `delta` events and the whole in a last `answer` event.
    """
    work = partial(services.answerer.answer, question, caller)
    if "text/event-stream" in accept:
        return StreamingResponse(events(work, services.guards.mask), media_type="text/event-stream")
    answer = await work()
    response.headers["Answer-Outcome"] = answer.outcome.value
    return answer


@router.get("/{answer_id}")
async def read(answer_id: str, caller: Asking, services: ServicesDep) -> Answer:
    """An answer given before; where a person replaced its text, that person's."""
    async with services.database.reading() as session:
        row = await owned(session, caller, answer_id)
    cited = {passage.id: passage for passage in services.library.passages(row.data_version, row.citations)}
    quotes = [
        Citation(id=name, title=cited[name].title, quote=cited[name].text) for name in row.citations if name in cited
    ]
    return answer_of(row, quotes, services.settings)
