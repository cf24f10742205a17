"""The parts of the service, put together once: the request path, the console and the commands share them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from opentelemetry.metrics import Meter

from .answering.answerer import Answerer
from .answering.pipeline import Pipeline
from .controls.handoffs import Handoffs
from .controls.switches import Switches
from .data.library import Library
from .evals.judge import Judge
from .evals.runner import Evals
from .feedback.loop import FeedbackLoop
from .gateway.budget import Budget
from .gateway.cache import AnswerCache
from .gateway.gateway import Gateway
from .guardrails.guards import Guards
from .observability.metrics import Metrics
from .observability.standing import Standing
from .prompts.registry import PromptRegistry
from .security.keys import Keys
from .security.limits import RateLimit
from .settings import Settings
from .storage.database import Database


@dataclass(frozen=True)
class Services:
    """Everything a request or a command may need."""

    settings: Settings
    database: Database
    metrics: Metrics
    keys: Keys
    limits: RateLimit
    switches: Switches
    budget: Budget
    cache: AnswerCache
    library: Library
    prompts: PromptRegistry
    guards: Guards
    gateway: Gateway
    answerer: Answerer
    evals: Evals
    feedback: FeedbackLoop
    handoffs: Handoffs
    standing: Standing


@asynccontextmanager
async def open_services(settings: Settings, meter: Meter | None = None) -> AsyncIterator[Services]:
    """Build the parts from the settings, and close them at the end.

    Args:
        settings: the service's settings.
        meter: where metrics go; without one they go nowhere, as in a command that ends at once.
    """
    database = Database(settings.database)
    metrics = Metrics(meter, settings.objectives.latency_ms / 1000)
    switches = Switches(database, settings)
    library = Library(settings.state / "data")
    prompts = PromptRegistry(settings.root / "prompts", database)
    guards = Guards.load(settings.root / "guardrails", settings)
    budget = Budget(database, settings, metrics)
    cache = AnswerCache(settings)
    gateway = Gateway(settings, switches, metrics)
    pipeline = Pipeline(settings, library, prompts, guards, gateway)
    rehearsal = Pipeline(settings, library, prompts, guards, Gateway(settings.rehearsing(), switches, Metrics()))
    evals = Evals(settings, database, metrics, rehearsal)
    judge = Judge(settings, database, metrics)
    feedback = FeedbackLoop(settings, database, metrics)
    try:
        yield Services(
            settings=settings,
            database=database,
            metrics=metrics,
            keys=Keys(database),
            limits=RateLimit(settings),
            switches=switches,
            budget=budget,
            cache=cache,
            library=library,
            prompts=prompts,
            guards=guards,
            gateway=gateway,
            answerer=Answerer(settings, database, metrics, switches, budget, cache, pipeline, judge, feedback),
            evals=evals,
            feedback=feedback,
            handoffs=Handoffs(database, metrics),
            standing=Standing(settings, database, library, prompts, metrics),
        )
    finally:
        await judge.close()
        await cache.close()
        await switches.close()
        library.close()
        await database.close()
