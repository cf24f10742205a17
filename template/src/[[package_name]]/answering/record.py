"""A question's end in its forms: the row that is kept, the audit's details, the answer that is shown."""

from sqlalchemy.ext.asyncio import AsyncSession

from ..audit.chain import content_digest
from ..errors import NotFound
from ..gateway.placeholder import is_placeholder
from ..security.keys import Caller
from ..settings import Settings
from ..storage.tables import AnswerRow, new_id
from .answer import Answer, Citation, Outcome, Screened, Usage
from .pipeline import Result

_AUDITED = ("outcome", "reason", "model", "prompt_version", "data_version", "citations", "guardrails")


def row_of(result: Result, screened: Screened, caller: Caller, latency_ms: int, *, cached: bool) -> AnswerRow:
    """The row of an answer."""
    completion = result.completion
    return AnswerRow(
        id=new_id(),
        tenant=caller.tenant,
        actor=caller.actor,
        question=screened.text,
        text=result.text,
        citations=[citation.id for citation in result.citations],
        outcome=result.outcome.value,
        reason=result.reason,
        model=result.model,
        prompt_version=result.prompt_version,
        data_version=result.data_version,
        guardrails=[f"{finding.where}:{finding.rule}:{finding.action}" for finding in result.findings],
        cached=cached,
        input_tokens=completion.input_tokens if completion else 0,
        output_tokens=completion.output_tokens if completion else 0,
        cost_micros=result.spent_micros,
        latency_ms=latency_ms,
        ttft_ms=completion.ttft_ms if completion else None,
    )


def details_of(result: Result, row: AnswerRow) -> dict[str, object]:
    """What the audit keeps: versions, hashes and numbers, never what was said."""
    return {name: getattr(row, name) for name in _AUDITED} | {
        "cached": row.cached,
        "cost_micros": row.cost_micros,
        "question_sha256": content_digest(row.question),
        "answer_sha256": content_digest(row.text),
        "fallback_from": result.completion.fallback_from if result.completion else None,
    }


def result_of(answer: Answer) -> Result:
    """The result that a remembered answer stands for; it costs nothing this time."""
    return Result(
        outcome=answer.outcome,
        text=answer.text,
        model=answer.model,
        prompt_version=answer.prompt_version,
        data_version=answer.data_version,
        citations=tuple(answer.citations),
    )


def answer_of(row: AnswerRow, citations: list[Citation], settings: Settings) -> Answer:
    """The answer that a row stands for; where a person replaced its text, that person's."""
    return Answer(
        id=row.id,
        outcome=Outcome(row.outcome),
        reason=row.reason,
        text=row.override or row.text,
        citations=citations,
        model=row.model,
        placeholder=is_placeholder(row.model),
        prompt_version=row.prompt_version,
        data_version=row.data_version,
        cached=row.cached,
        usage=Usage(
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            cost=row.cost_micros / 1_000_000,
            currency=settings.currency,
        ),
        latency_ms=row.latency_ms,
        ttft_ms=row.ttft_ms,
        disclosure=settings.disclosure,
    )


async def owned(session: AsyncSession, caller: Caller, answer_id: str) -> AnswerRow:
    """The row of an answer of the caller's tenant.

    Raises:
        NotFound: there is none.
    """
    row = await session.get(AnswerRow, answer_id)
    if row is None or row.tenant != caller.tenant:
        raise NotFound("There is no such answer in your tenant.")
    return row
