"""What stands: read for every scrape from what replicas and commands share.

A command such as `data ingest` or `evals run` ends at once, so that nobody can scrape it; what it left behind is seen
here. The alerts on data, quality, budget and hand-offs rest on these figures.
"""

import asyncio
from collections.abc import Awaitable
from datetime import date

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from ..data.contract import load_contract
from ..data.drift import Drift, compare
from ..data.library import Library, Version
from ..data.quarantine import Quarantine
from ..errors import Refused
from ..evals.runner import Evals
from ..gateway.budget import EVERYBODY
from ..prompts.registry import PromptRegistry
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import EvalRun, Handoff, Spend, now
from .metrics import Metrics

# A scrape is over in ten seconds, and the page must come when the database does not. A thread that reads a new version
# of the data goes on when the time is up: the next scrape has what it found.
_DATABASE_S, _LIBRARY_S = 3.0, 5.0


class Standing:
    """Sets the gauges of what is so, rather than of what happens."""

    def __init__(
        self, settings: Settings, database: Database, library: Library, prompts: PromptRegistry, metrics: Metrics
    ) -> None:
        self._settings, self._database, self._library, self._prompts = settings, database, library, prompts
        self._metrics = metrics
        self._limits = Evals.thresholds(settings.root, "metrics")
        self._described = ""
        self._newest: date | None = None
        self._allowed_days = 0.0
        self._drifts: list[Drift] = []

    async def update(self) -> None:
        """Read everything anew. What cannot be read keeps its last value."""
        value = self._settings.value
        self._metrics.answer_worth(value.minutes_saved_per_answer / 60 * value.cost_of_an_hour)
        for metric, limits in self._limits.items():
            self._metrics.quality_threshold(metric, limits["min"], "evals")
        if self._settings.judge_share:
            self._metrics.quality_threshold("groundedness", self._settings.judge_threshold, "judge")
        await _patiently("database", _DATABASE_S, self._people_and_money())
        await _patiently("library", _LIBRARY_S, asyncio.to_thread(self._data))

    async def _people_and_money(self) -> None:
        prompt = await self._prompts.active()
        gone = select(Spend.spent_micros + Spend.reserved_micros)
        gone = gone.where(Spend.tenant == EVERYBODY, Spend.month == f"{now():%Y-%m}")
        waiting = select(func.count(), func.min(Handoff.at)).where(Handoff.closed_at.is_(None))
        runs = select(EvalRun.scores).where(EvalRun.prompt_version == prompt.version).order_by(EvalRun.at.desc())
        async with self._database.reading() as session:
            micros = await session.scalar(gone) or 0
            count, since = (await session.execute(waiting)).one()
            scores = await session.scalar(runs.limit(1)) or {}
        self._metrics.budget(micros / 1e6 / self._settings.monthly_budget)
        self._metrics.handoffs_open(count, (now() - since).total_seconds() if since else 0.0)
        for metric, score in scores.items():
            self._metrics.quality(metric, score, "evals")

    def _data(self) -> None:
        waiting = [row for row in Quarantine(self._library.folder).rows() if not row.superseded]
        self._metrics.quarantined(len(waiting))
        if (version := self._library.current()) is None:
            return
        if version.id != self._described:  # a version never changes: it is looked at once
            self._describe(version)
        self._metrics.data_age((now() - version.created_at).total_seconds())
        age = (now().date() - self._newest).days if self._newest else 0
        staleness = age / self._allowed_days if self._allowed_days else 0.0
        self._metrics.data_state(staleness=staleness, drifted=sum(drift.over for drift in self._drifts))
        for drift in self._drifts:
            self._metrics.drift(drift.field, drift.psi)

    def _describe(self, version: Version) -> None:
        contract = load_contract(self._settings.root / "data" / "contract.yaml")
        records = self._library.records(version)
        parent = self._library.find(version.parent) if version.parent else None
        self._drifts = compare(self._library.records(parent), records, contract) if parent else []
        self._newest, self._allowed_days = None, 0.0
        if fresh := contract.freshness:
            days = [str(record[fresh.field])[:10] for record in records if fresh.field in record]
            self._newest = date.fromisoformat(max(days)) if days else None
            self._allowed_days = max(fresh.max_age_days, 0.5)  # when none is allowed, yesterday's are two halves old
        self._described = version.id


async def _patiently(part: str, seconds: float, reading: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await reading
    except (SQLAlchemyError, OSError, ValueError, Refused) as error:
        structlog.get_logger().warning("metrics.unreadable", part=part, error=type(error).__name__)
