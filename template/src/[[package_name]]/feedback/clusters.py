"""Which failures are the same one: questions that share most of their content words.

The comparison is lexical and always gives the same result; it knows English word endings, and no synonyms.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..data.embedding import content_words
from ..storage.tables import AnswerRow, FailureRow, now

SEVERITY = {"unsafe": 5, "wrong": 4, "withheld": 4, "outdated": 3, "incomplete": 3, "malformed": 3, "off_topic": 2}
"""How bad a failure of a category is, 1 to 5; any other is a 2."""
SAME = 0.5
"""From this share of common words on, two questions are about the same thing."""

_CANDIDATES = 500  # a failure that was not seen for that many others is told apart again


def likeness(one: Iterable[str], other: Iterable[str]) -> float:
    """The share of words that two questions have in common (Jaccard), 0 to 1; without a word nothing is alike."""
    left, right = set(one), set(other)
    return len(left & right) / len(left | right) if left and right else 0.0


async def record(session: AsyncSession, answer: AnswerRow, category: str) -> FailureRow:
    """Count an answer as an occurrence of the tenant's failure that it is most like, or of a new one.

    A failure that was fixed is open again: the fix did not hold.
    """
    words = sorted(set(content_words(answer.question)))
    known = select(FailureRow).where(FailureRow.tenant == answer.tenant, FailureRow.category == category)
    rows = await session.scalars(known.order_by(FailureRow.last_seen.desc(), FailureRow.id).limit(_CANDIDATES))
    failure = max(rows, key=lambda row: likeness(words, row.signature), default=None)
    if failure is None or likeness(words, failure.signature) < SAME:
        failure = FailureRow(
            tenant=answer.tenant,
            category=category,
            signature=words,
            severity=SEVERITY.get(category, 2),
            occurrences=0,
            cost_micros=0,
            state="open",
        )
        session.add(failure)
    failure.title = answer.question[:200]
    failure.occurrences += 1
    failure.cost_micros += answer.cost_micros
    failure.last_seen = now()
    failure.example_id = answer.id
    failure.state = "open" if failure.state == "fixed" else failure.state
    await session.flush()
    return failure


async def withdraw(session: AsyncSession, failure_id: str, answer: AnswerRow) -> None:
    """Count an occurrence no more; a failure nobody has looked at yet and that has none left is dismissed."""
    failure = await session.get_one(FailureRow, failure_id)
    failure.occurrences -= 1
    failure.cost_micros -= answer.cost_micros
    if failure.occurrences == 0 and failure.state == "open":
        failure.state = "dismissed"
