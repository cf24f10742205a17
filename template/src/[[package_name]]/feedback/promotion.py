"""From a failure to a golden case: a person says what a good answer has, and every later change is held to it."""

import asyncio
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from ..answering.answer import Outcome
from ..audit.chain import Event, append, content_digest
from ..errors import Conflict, Refused
from ..evals.dataset import Expected, GoldenCase, Kind, load
from ..security.keys import Caller
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import AnswerRow
from .triage import owned


class Proposal(BaseModel):
    """What the person who has looked at the failure expects of a good answer."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind = Kind.EDGE
    question: str | None = Field(default=None, max_length=4000, description="Reworded; else that of the last answer.")
    expect: Expected


class Promoted(BaseModel):
    """The golden case that was written to evals/golden.jsonl. Commit the file: it gates every change from now on."""

    failure_id: str
    case: GoldenCase


class Promotion:
    """Writes golden cases."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._file = settings.root / "evals" / "golden.jsonl"
        self._database = database

    async def promote(self, caller: Caller, failure_id: str, proposal: Proposal) -> Promoted:
        """Make an accepted failure a golden case.

        Raises:
            Conflict: the failure is not accepted, or the question is a golden case already.
            Refused: nothing is expected of the answer, or the file cannot be written here.
        """
        if Outcome.ANSWERED in proposal.expect.outcome and not proposal.expect.facts:
            raise Refused("Name at least one fact that a good answer must state.")
        async with self._database.writing(chained=True) as session:
            failure = await owned(session, caller, failure_id)
            if failure.state != "accepted":
                raise Conflict(f"The failure is {failure.state}: only an accepted one is promoted.")
            example = await session.get(AnswerRow, failure.example_id) if failure.example_id else None
            question = (proposal.question or (example.question if example else "")).strip()
            if not question:
                raise Refused("The question's retention has ended: write it anew.")
            name = f"failure-{failure.id[:12]}"
            case = GoldenCase(id=name, kind=proposal.kind, question=question, expect=proposal.expect)
            failure.state, failure.golden_case = "promoted", name
            details = {"case": name, "case_sha256": content_digest(case.model_dump_json())}
            await append(session, Event(caller.tenant, caller.actor, "failure.promoted", failure.id, details))
            # The file comes last: if it cannot be written, nothing is kept. The chain's lock holds other writers off.
            await asyncio.to_thread(_add, self._file, case)
        return Promoted(failure_id=failure_id, case=case)


def _add(file: Path, case: GoldenCase) -> None:
    """Append a case by replacing the file as a whole, so that a reader never sees half a line."""
    try:
        known = load(file).cases
    except (OSError, ValueError) as problem:
        raise Refused(f"The golden cases cannot be read, so none was added: {problem}") from problem
    if case in known:
        return  # written before the database could keep it
    for other in known:
        if other.id == case.id or other.question.casefold() == case.question.casefold():
            raise Conflict(f"The golden case {other.id} asks this already: edit that one in {file.name}.")
    new = file.with_suffix(".new")
    try:
        text = file.read_text("utf-8")
        new.write_text(text + ("" if text.endswith("\n") else "\n") + case.model_dump_json() + "\n", "utf-8")
        new.replace(file)
    except OSError as problem:
        advice = f"{file.parent} cannot be written to here: promote it in a checkout (`feedback promote`), and commit."
        raise Refused(advice) from problem
