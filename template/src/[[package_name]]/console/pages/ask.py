"""Try it: ask a question, see where the answer comes from, and say what is wrong with it."""

from typing import Annotated, Any

from fastapi import Form, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from ...answering.answer import Question
from ...api import feedback as api
from ...api.answers import read
from ...feedback.loop import Feedback
from ...gateway.placeholder import is_placeholder
from ...storage.tables import AnswerRow, FeedbackRow
from ..view import Asking, Item, Page, Rating, Reviewing, done, pages

router = pages()
ITEM = Item("/", "Try it", "ask")


@router.get("/")
async def show(page: Asking, answer: str = "") -> Response:
    """The form, and an answer when the address names one."""
    shown = await _answer(page, answer) if answer else {"answer": None}
    return page.show("ask.html", placeholder=is_placeholder(page.services.gateway.model_name), **shown)


async def _answer(page: Page, answer_id: str) -> dict[str, Any]:
    answer = await read(answer_id, page.caller, page.services)
    said = select(FeedbackRow).where(
        FeedbackRow.answer_id == answer_id, FeedbackRow.actor == page.caller.actor, FeedbackRow.undone_at.is_(None)
    )
    async with page.services.database.reading() as session:
        row = await session.get_one(AnswerRow, answer_id)
        return {"answer": answer, "row": row, "said": await session.scalar(said)}


@router.post("/")
async def ask(page: Asking, question: Annotated[Question, Form()]) -> Response:
    """Ask, and show the answer under an address of its own."""
    answer = await page.services.answerer.answer(question, page.caller)
    return RedirectResponse(f"/?answer={answer.id}", 303)


@router.post("/feedback")
async def rate(page: Rating, feedback: Annotated[Feedback, Form()]) -> Response:
    """Thumbs up or down."""
    await api.give(feedback, page.caller, page.services)
    return done(f"/?answer={feedback.answer_id}", "thanks")


@router.post("/undo")
async def undo(page: Rating, answer_id: Annotated[str, Form()], feedback_id: Annotated[str, Form()]) -> Response:
    """Take one's own feedback back."""
    await page.services.feedback.undo(page.caller, feedback_id)
    return done(f"/?answer={answer_id}", "undone")


@router.post("/override")
async def override(page: Reviewing, answer_id: Annotated[str, Form()], text: Annotated[str, Form()]) -> Response:
    """Put a person's text in the place of the model's."""
    row = await page.services.feedback.override(page.caller, answer_id, text)
    return done(f"/?answer={row.id}", "overridden")


@router.post("/handoff")
async def hand_off(
    page: Rating, answer_id: Annotated[str, Form()], contact: Annotated[str, Form()], note: Annotated[str, Form()] = ""
) -> Response:
    """Ask for a person."""
    await page.services.handoffs.ask(page.caller, answer_id, contact, note[:2000])
    return done(f"/?answer={answer_id}", "asked")
