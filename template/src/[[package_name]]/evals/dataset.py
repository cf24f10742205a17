"""The golden cases: questions, and what a good answer to them has."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from ..answering.answer import Outcome
from ..audit.chain import content_digest


class Kind(StrEnum):
    """What a case tries."""

    HAPPY = "happy"
    EDGE = "edge"
    ADVERSARIAL = "adversarial"
    OUT_OF_SCOPE = "out_of_scope"
    PERSONAL_DATA = "personal_data"


_Listed = BeforeValidator(lambda value: [value] if isinstance(value, str) else value)


class Expected(BaseModel):
    """What a good answer has; a list within `facts` names ways to say one fact, `citations` are documents' ids."""

    model_config = ConfigDict(extra="forbid")
    outcome: Annotated[list[Outcome], _Listed]
    facts: list[Annotated[list[str], _Listed]] = []
    citations: list[str] = []
    forbid: list[str] = []


class GoldenCase(BaseModel):
    """One question with its expectation; `needs` says what makes it hard, for people.

    `same_as` names a case with the same question from somebody who tells less: both are to be answered alike.
    """

    model_config = ConfigDict(extra="forbid")
    id: str
    kind: Kind
    question: str
    expect: Expected
    needs: str = ""
    same_as: str = ""


@dataclass(frozen=True)
class Golden:
    """All cases, and the digest of their file."""

    cases: tuple[GoldenCase, ...]
    digest: str


def load(path: Path) -> Golden:
    """Read the cases, one JSON object a line; a ValueError names the line that is none, or repeats an id."""
    text, cases = path.read_text("utf-8"), dict[str, GoldenCase]()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            case = GoldenCase.model_validate_json(line)
        except ValidationError as problem:
            raise ValueError(f"{path}, line {number} is no golden case: {problem}") from problem
        if case.id in cases:
            raise ValueError(f"{path}, line {number}: the id {case.id} is taken already.")
        cases[case.id] = case
    for case in cases.values():
        if case.same_as and case.same_as not in cases:
            raise ValueError(f"{path}: {case.id} is to be answered as {case.same_as}, and there is no such case.")
    return Golden(tuple(cases.values()), content_digest(text))
