"""What a failed call means: the word for it, whether to try again, and when a model is left alone for a while."""

from dataclasses import dataclass

from purgatory.domain.model import OPENED, Context, OpenedState
from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelTimeoutError,
)

_THE_CALLER = range(400, 500)  # our request was wrong, which says nothing of the model's health
_ILL_ALL_THE_SAME = (401, 402, 403, 404, 408, 409, 429)


@dataclass(eq=False)
class Failed(Exception):
    """A call gave no draft, for a reason as in ModelUnavailable."""

    reason: str
    retry: bool = False
    """The same call may well work in a moment."""
    ill: bool = False
    """It counts against the model in its breaker."""
    retry_after_s: float = 0.0
    """How long the provider asked us to wait."""
    text: str = ""
    """What the model wrote instead of a draft."""
    problem: str = ""
    """What was wrong with that."""


def failure_of(error: TimeoutError | AgentRunError) -> Failed:
    """Translate what the model's library raised."""
    if isinstance(error, TimeoutError | ModelTimeoutError):
        return Failed("timeout", retry=True, ill=True)
    if isinstance(error, ContentFilterError):
        return Failed("refused")
    if not isinstance(error, ModelHTTPError):
        return Failed("provider_error", retry=True, ill=True)  # no connection, or no sense in what came over it
    status = error.status_code
    reason = {408: "timeout", 429: "rate_limited"}.get(status, "provider_error")
    return Failed(
        reason,
        retry=(status in {408, 409, 429} or status >= 500) and not isinstance(error, ModelQuotaExceededError),
        ill=status not in _THE_CALLER or status in _ILL_ALL_THE_SAME,
        retry_after_s=error.retry_after or 0.0,
    )


class Breaker:
    """Leaves a model alone for half a minute after five failures in a row.

    Asked before a call and told after it; a call that the caller gave up on is not told, it proves nothing.
    """

    def __init__(self, model: str, threshold: int = 5, open_s: float = 30.0) -> None:
        self._circuit = Context(model, threshold, open_s)

    @property
    def is_open(self) -> bool:
        """Whether the model is being left alone."""
        return self._circuit.state == OPENED

    def admits(self) -> bool:
        """Whether a call may be made; when the pause is over, the next ones try the model out."""
        try:
            self._circuit.handle_new_request()
        except OpenedState:
            return False
        return True

    def record(self, failure: Exception | None) -> None:
        """A call ended: with a failure of the model, or well."""
        if failure:
            self._circuit.handle_exception(failure)
        else:
            self._circuit.handle_end_request()
        self._circuit.messages.clear()  # nobody listens to them
