"""Three domains on one page: does it work, is it used and right, is it worth it. Every figure is from the database."""

from dataclasses import dataclass
from statistics import fmean

from ..services import Services
from ..settings import Settings
from .facts import Facts, gather, percentile

NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and its meaning; `good` holds it against a promise, the series has a value a day, oldest first."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    good: bool | None = None
    series: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Domain:
    """A question about the service, and the figures that answer it."""

    name: str
    title: str
    question: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """What the overview page shows."""

    days: int
    domains: tuple[Domain, ...]


async def overview(services: Services, tenant: str | None, days: int = 7) -> Overview:
    """The three domains over the last days, today included: one tenant's, or with None all of them together."""
    facts, settings = await gather(services, tenant, days), services.settings
    limit = settings.monthly_budget if tenant is None else settings.budget_of(tenant)
    domains = (
        Domain("technical", "Technical health", "Does it work?", _technical(facts, settings)),
        Domain("operational", "Operational performance", "Is it used, and is it right?", _operational(facts, settings)),
        Domain("strategic", "Strategic value", "Is it worth it?", _strategic(facts, settings, limit)),
    )
    return Overview(days, domains)


def _technical(facts: Facts, settings: Settings) -> tuple[Figure, ...]:
    promised, failed = settings.objectives, facts.ended("degraded")
    used = None if failed is None else failed / (1 - promised.availability_percent / 100)
    kept = None if used is None else used <= 1
    slow = percentile(facts.latencies, 95)
    in_time = None if slow is None else slow <= promised.latency_ms
    first = percentile([answer.ttft_ms for answer in facts.answers if answer.ttft_ms is not None], 50)
    each_day = facts.daily(lambda day: 100 * (1 - (day.ended("degraded") or 0)), idle=False)
    slow_days = facts.daily(lambda day: percentile(day.latencies, 95) or 0, idle=False)
    note = f"promised: {promised.availability_percent:g} %; a degraded answer counts against it"
    return (
        Figure("Questions", str(facts.total), "", f"in {facts.days} days", None, facts.daily(lambda day: day.total)),
        Figure("Success", _percent(None if failed is None else 1 - failed, 2), "%", note, kept, each_day),
        _share("Error budget used", used, "of the failures that the promise allows", kept),
        Figure("Latency p95", _whole(slow), "ms", f"promised: {promised.latency_ms} ms", in_time, slow_days),
        Figure("First text p50", _whole(first), "ms", "until a model's first text"),
        _share("Degraded", failed, facts.reasons("degraded") or "no model could be used"),
        _share("Blocked", facts.ended("blocked"), facts.reasons("blocked") or "by a rule of input"),
        _share("Withheld", facts.ended("withheld"), facts.reasons("withheld") or "by a rule of output"),
        _share("From the cache", facts.share(lambda answer: answer.cached), "took no model"),
    )


def _operational(facts: Facts, settings: Settings) -> tuple[Figure, ...]:
    ratings, evals = list(facts.ratings.values()), facts.evals
    liked, promised = _mean([float(rating == "up") for rating in ratings]), settings.objectives.thumbs_up_percent
    pleased = None if liked is None else 100 * liked >= promised
    judged = [answer.judged for answer in facts.answers if answer.judged is not None]
    callers = {(answer.tenant, answer.actor) for answer in facts.answers}
    scores = list(evals.scores.values()) if evals else []
    ran = f"prompt {evals.prompt_version}, {len(scores)} metrics" if evals else "no run of the active prompt"
    wrong = f"{facts.confirmed_wrong} confirmed as failures"
    return (
        Figure("Active callers", str(len(callers)), "", "keys that asked something"),
        _share("Thumbs up", liked, f"of {len(ratings)} ratings; promised: {promised:g} %", pleased),
        _share("Accuracy in production", facts.of_all(facts.total - facts.confirmed_wrong), wrong),
        _share("Declined", facts.ended("declined"), facts.reasons("declined") or "nothing to answer from"),
        Figure("Hand-offs", str(len(facts.handed_over)), "", f"{facts.handoffs_open} still open"),
        _share("Eval score", _mean(scores), ran, evals.passed if evals else None),
        _share("Judged grounded", _mean(judged), f"{len(judged)} answers sampled"),
    )


def _strategic(facts: Facts, settings: Settings, limit: float) -> tuple[Figure, ...]:
    currency, estimate, cost, spent = settings.currency, settings.value, facts.cost, facts.month_micros / 1e6
    minutes, hour = estimate.minutes_saved_per_answer, estimate.cost_of_an_hour
    worth, accepted = minutes / 60 * hour, sum(map(facts.accepted, facts.answers))
    value = worth * accepted
    of_worth = f"your estimate: {minutes:g} minutes at {hour:g} {currency} an hour"
    of_return = f"{value:.2f} of value for {cost:.4f} of model calls; people and machines are not counted"
    each, most = cost / facts.total if facts.total else None, settings.objectives.cost_per_answer
    cheap = None if each is None else each <= most
    shown = NOTHING if each is None else f"{each:.6f}"
    return (
        Figure("Cost", f"{cost:.4f}", currency, f"in {facts.days} days", None, facts.daily(lambda day: day.cost)),
        Figure("Cost per answer", shown, currency, f"of any outcome; promised: {most:g} {currency}", cheap),
        _share("Budget used", spent / limit, f"{spent:.4f} of {limit:g} {currency} this month", spent < limit),
        Figure("Accepted answers", str(accepted), "", "answered, not rated down, overridden or handed over"),
        Figure("Value per accepted answer", f"{worth:.2f}", currency, of_worth),
        Figure("Return", f"{value / cost:.0f}" if cost else NOTHING, "×", of_return, value > cost if cost else None),
    )


def _share(label: str, share: float | None, note: str, good: bool | None = None) -> Figure:
    return Figure(label, _percent(share), "%", note, good)


def _percent(share: float | None, digits: int = 1) -> str:
    return NOTHING if share is None else f"{100 * share:.{digits}f}"


def _whole(number: int | None) -> str:
    return NOTHING if number is None else str(number)


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None
