"""What can go wrong on the request path, each with the word that answers, metrics and audit use for it."""


class Refused(Exception):
    """The service will not do this, and says why and what to do instead.

    Args:
        message: what was wrong and what to do, for the caller.
    """

    status = 400
    code = "refused"

    def __init__(self, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotAuthenticated(Refused):
    """There is no key, or nobody issued it."""

    status, code = 401, "not_authenticated"


class NotAllowed(Refused):
    """The key does not carry the scope."""

    status, code = 403, "not_allowed"


class NotFound(Refused):
    """There is no such thing in this tenant."""

    status, code = 404, "not_found"


class Conflict(Refused):
    """It is in a state in which this cannot be done."""

    status, code = 409, "conflict"


class TooMany(Refused):
    """The caller asks faster than agreed."""

    status, code = 429, "rate_limited"


class Unavailable(Refused):
    """The service can show nothing at all just now."""

    status, code = 503, "unavailable"


class DatabaseUnavailable(Unavailable):
    """What was asked cannot be recorded, so it was not done."""

    code = "database_unavailable"


class ModelUnavailable(Exception):
    """No model gave a usable draft; the answer is degraded, or declined when the model refused.

    Args:
        reason: timeout, rate_limited, provider_error, malformed, truncated, refused, breaker_open, saturated,
            budget_exhausted or switched_off.
        model: the model that failed last.
        spent_micros: what the failed attempts cost all the same.
    """

    def __init__(self, reason: str, model: str = "", spent_micros: int = 0) -> None:
        super().__init__(f"{model or 'no model'}: {reason}")
        self.reason = reason
        self.model = model
        self.spent_micros = spent_micros
