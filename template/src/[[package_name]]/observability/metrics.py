"""The service's own metrics, all of them here; labels are few and bounded, and none of them is a person."""

from opentelemetry.metrics import Meter, get_meter

_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60]


class Metrics:
    """Every instrument the service writes to.

    Args:
        meter: where the instruments live; the global one unless a test brings its own.
        promised_s: the latency that is promised. It bounds a bucket: only so can be counted how many answers kept it.
    """

    def __init__(self, meter: Meter | None = None, promised_s: float = 5) -> None:
        meter = meter or get_meter("service")
        seconds = sorted({*_SECONDS, promised_s})
        self._answers = meter.create_counter("answers", description="Questions by how they ended")
        self._latency = meter.create_histogram(
            "answer_duration", "s", "From question to answer", explicit_bucket_boundaries_advisory=seconds
        )
        self._ttft = meter.create_histogram(
            "time_to_first_token", "s", "Until the first text of a stream", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._tokens = meter.create_counter("tokens", description="Tokens by model and direction")
        self._cost = meter.create_counter("cost", description="Cost by model, in the budget's currency")
        self._attempts = meter.create_counter("model_attempts", description="Calls to a model by result")
        self._called = meter.create_histogram(
            "model_duration", "s", "What one call to a model took", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._fallbacks = meter.create_counter("model_fallbacks", description="Times another model had to answer")
        self._breaker = meter.create_gauge("breaker_open", description="1 while a model's circuit breaker is open")
        self._cache = meter.create_counter("cache_lookups", description="Cache lookups by result")
        self._guardrails = meter.create_counter("guardrail_findings", description="Guardrail rules that fired")
        self._budget = meter.create_gauge(
            "budget_spent_ratio", description="Share of the month's budget spent or reserved"
        )
        self._feedback = meter.create_counter("feedback", description="Feedback by rating")
        self._handoffs = meter.create_counter("handoffs", description="Times a person asked for a person")
        self._quality = meter.create_gauge("quality_score", description="The last score of a metric, 0 to 1, by source")
        self._drift = meter.create_gauge("data_drift", description="Distance of the data from its reference, by field")
        self._records = meter.create_counter("data_records", description="Ingested records by result")
        self._data_age = meter.create_gauge("data_age", "s", "Seconds since the current data version was made")
        self._staleness = meter.create_gauge(
            "data_staleness_ratio", description="Age of the newest record as a share of what the contract allows"
        )
        self._drifted = meter.create_gauge("data_drifted_fields", description="Fields beyond the contract's limits")
        self._quarantined = meter.create_gauge("data_quarantined", description="Records that wait in quarantine")
        self._threshold = meter.create_gauge("quality_threshold", description="What a score must reach, by source")
        self._waiting = meter.create_gauge("handoffs_open", description="Persons who wait for a person")
        self._longest = meter.create_gauge("handoff_wait", "s", "How long the first of them has waited")
        self._worth = meter.create_gauge("answer_worth", description="The team's estimate of an answer's value")

    def answered(
        self, *, outcome: str, reason: str | None, model: str, prompt_version: str, seconds: float, ttft: float | None
    ) -> None:
        """A question was answered, one way or another."""
        self._answers.add(
            1, {"outcome": outcome, "reason": reason or "none", "model": model, "prompt_version": prompt_version}
        )
        self._latency.record(seconds, {"outcome": outcome})
        if ttft is not None:
            self._ttft.record(ttft, {"model": model})

    def attempted(
        self,
        model: str,
        result: str,
        *,
        seconds: float | None = None,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cost: float = 0.0,
    ) -> None:
        """A model was called; result is ok or the reason of the failure."""
        self._attempts.add(1, {"model": model, "result": result})
        if seconds is not None:
            self._called.record(seconds, {"model": model, "result": result})
        self._tokens.add(input_tokens, {"model": model, "direction": "input"})
        self._tokens.add(output_tokens, {"model": model, "direction": "output"})
        self._cost.add(cost, {"model": model})

    def fell_back(self, model: str, reason: str) -> None:
        """The model could not answer and the next one in the chain was asked."""
        self._fallbacks.add(1, {"model": model, "reason": reason})

    def breaker(self, model: str, *, is_open: bool) -> None:
        """A model's circuit breaker opened or closed."""
        self._breaker.set(int(is_open), {"model": model})

    def cache(self, result: str) -> None:
        """The cache was asked; result is hit, miss or off."""
        self._cache.add(1, {"result": result})

    def guardrail(self, rule: str, action: str, where: str) -> None:
        """A guardrail's rule fired."""
        self._guardrails.add(1, {"rule": rule, "action": action, "where": where})

    def budget(self, ratio: float) -> None:
        """The share of the whole month's budget that is gone."""
        self._budget.set(ratio)

    def feedback(self, rating: str) -> None:
        """A person rated an answer."""
        self._feedback.add(1, {"rating": rating})

    def handed_off(self) -> None:
        """A person asked for a person."""
        self._handoffs.add(1)

    def quality(self, metric: str, score: float, source: str) -> None:
        """A score of evals, the judge or people."""
        self._quality.set(score, {"metric": metric, "source": source})

    def drift(self, field: str, distance: float) -> None:
        """How far a field has moved from its reference."""
        self._drift.set(distance, {"field": field})

    def ingested(self, result: str, count: int) -> None:
        """Records were accepted, quarantined or already known."""
        self._records.add(count, {"result": result})

    def data_age(self, seconds: float) -> None:
        """How old the current data version is."""
        self._data_age.set(seconds)

    def data_state(self, *, staleness: float, drifted: int) -> None:
        """Whether the source still delivers (above 1 it is stale), and how many fields have drifted."""
        self._staleness.set(staleness)
        self._drifted.set(drifted)

    def quarantined(self, count: int) -> None:
        """How many records wait for somebody to mend them."""
        self._quarantined.set(count)

    def quality_threshold(self, metric: str, least: float, source: str) -> None:
        """What a score of evals or of the judge must reach."""
        self._threshold.set(least, {"metric": metric, "source": source})

    def handoffs_open(self, count: int, longest_s: float) -> None:
        """How many persons wait for a person, and for how long the first of them has."""
        self._waiting.set(count)
        self._longest.set(longest_s)

    def answer_worth(self, amount: float) -> None:
        """What an accepted answer is worth by the team's own estimate, in the budget's currency."""
        self._worth.set(amount)
