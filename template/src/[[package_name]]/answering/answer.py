"""The nouns of the request path: question, passage, draft, answer."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Outcome(StrEnum):
    """How a question ended; whatever it is, there is something to show the person who asked."""

    ANSWERED = "answered"
    DECLINED = "declined"
    """The model, or the documents, have no answer."""
    BLOCKED = "blocked"
    """The question broke a rule of input; no model was called."""
    WITHHELD = "withheld"
    """The model's text broke a rule of output; the policy's text is shown instead."""
    DEGRADED = "degraded"
    """No model could be used: the best passages are shown as they are."""


class Question(BaseModel):
    """What a caller asks."""

    model_config = ConfigDict(extra="forbid")
    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000, pattern=r"\S")]
    fresh: bool = Field(default=False, description="Ask the model again even if the cache has an answer.")


class Citation(BaseModel):
    """A passage that the answer rests on."""

    id: str
    title: str
    quote: str


class Usage(BaseModel):
    """What the answer took."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = Field(default=0.0, description="In the budget's currency.")
    currency: str = "EUR"


class Answer(BaseModel):
    """What the caller gets, whatever happened."""

    id: str
    outcome: Outcome
    reason: str | None = Field(
        default=None, description="Why it is not simply answered, such as timeout or budget_exhausted."
    )
    text: str
    citations: list[Citation] = []
    model: str
    placeholder: bool = Field(description="True while a simulator answers in the place of a model.")
    prompt_version: str
    data_version: str
    cached: bool = False
    usage: Usage = Usage()
    latency_ms: int = 0
    ttft_ms: int | None = None
    disclosure: str = Field(default="", description="To be shown wherever the answer is shown.")


class Draft(BaseModel):
    """What the model is asked to write: the schema of its output."""

    answered: bool = Field(description="False when the passages do not answer the question.")
    answer: str = Field(description="The answer in the question's language, from the passages alone.")
    citations: list[str] = Field(default=[], description="The ids of the passages that the answer rests on.")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, found for a question; the score is 0 to 1, higher is nearer."""

    id: str
    title: str
    text: str
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The passages found, and the data version they are of."""

    passages: tuple[Passage, ...]
    data_version: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A guardrail's rule that fired."""

    rule: str
    action: Literal["block", "mask", "note"]
    where: Literal["input", "output"]


@dataclass(frozen=True, slots=True)
class Screened:
    """A text after its guardrails: personal data masked, and whether it may go on."""

    text: str
    findings: tuple[Finding, ...] = ()

    @property
    def blocked(self) -> Finding | None:
        """The first finding that forbids to go on."""
        return next((finding for finding in self.findings if finding.action == "block"), None)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered prompt: what the model reads, and which version it was rendered from."""

    name: str
    version: str
    system: str
    user: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model gave: the parsed draft and what it took. Times are milliseconds, money millionths."""

    draft: Draft
    model: str
    input_tokens: int
    output_tokens: int
    cost_micros: int
    latency_ms: int
    ttft_ms: int | None
    attempts: int = 1
    fallback_from: str | None = None
