"""A circuit breaker for each model: after five failures in a row it is left alone for half a minute."""

from purgatory.domain.model import OPENED, Context, OpenedState


class Breaker:
    """Asked before a call and told after it; a call that the caller gave up on is not told, it proves nothing."""

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
