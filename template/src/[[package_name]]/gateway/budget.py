"""Money is set aside before a model is called, so that a month's budget cannot be exceeded by those under way."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from ..errors import ModelUnavailable
from ..observability.metrics import Metrics
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import Spend, now

EVERYBODY = "*"
"""The row that adds all tenants up."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one answer, in millionths."""

    tenant: str
    month: str
    micros: int


class Budget:
    """What each tenant, and all of them together, may spend in a calendar month (UTC)."""

    def __init__(self, database: Database, settings: Settings, metrics: Metrics) -> None:
        self._database = database
        self._settings = settings
        self._metrics = metrics
        # No answer takes this long: what is still reserved when the last reservation is older was left by a crash.
        self._forgotten = timedelta(seconds=settings.request_timeout_s * 10)

    async def reserve(self, tenant: str, micros: int) -> Reservation:
        """Set money aside, or nothing at all.

        Raises:
            ModelUnavailable: budget_exhausted, the tenant's or everybody's.
        """
        reservation = Reservation(tenant, f"{now():%Y-%m}", micros)
        gone = 0
        async with self._database.writing() as session:
            # Always in this order: two requests that lock the rows crosswise would wait for each other.
            for row in (tenant, EVERYBODY):
                gone = await self._take(session, row, reservation)
        self._metrics.budget(gone / self._limit(EVERYBODY))
        return reservation

    async def settle(self, session: AsyncSession, reservation: Reservation, spent_micros: int) -> None:
        """Book what the answer did cost, in the caller's transaction, and give the rest back."""
        left = Spend.reserved_micros - reservation.micros
        for row in (reservation.tenant, EVERYBODY):
            await session.execute(
                update(Spend)
                .where(Spend.tenant == row, Spend.month == reservation.month)
                .values(spent_micros=Spend.spent_micros + spent_micros, reserved_micros=case((left > 0, left), else_=0))
                .execution_options(synchronize_session=False)
            )

    async def book(self, reservation: Reservation, spent_micros: int) -> None:
        """Settle in a transaction of its own."""
        async with self._database.writing() as session:
            await self.settle(session, reservation, spent_micros)

    def _limit(self, tenant: str) -> int:
        settings = self._settings
        return round((settings.monthly_budget if tenant == EVERYBODY else settings.budget_of(tenant)) * 1_000_000)

    async def _take(self, session: AsyncSession, row: str, reservation: Reservation) -> int:
        """Reserve in one statement, so that nobody can come between the check and the change."""
        at = now()
        held = case((Spend.reserved_at < at - self._forgotten, 0), else_=Spend.reserved_micros) + reservation.micros
        this_month = (Spend.tenant == row, Spend.month == reservation.month)
        taken = (
            update(Spend)
            .where(*this_month, Spend.spent_micros + held <= self._limit(row))
            .values(reserved_micros=held, reserved_at=at)
            .returning(Spend.spent_micros + Spend.reserved_micros)
            .execution_options(synchronize_session=False)
        )
        gone = await session.scalar(taken)
        if gone is None:  # no money left, or no row yet: then who comes first opens it, and the others find it open
            await self._open(session, row, reservation.month)
            gone = await session.scalar(taken)
        if gone is None:
            raise ModelUnavailable("budget_exhausted")
        return int(gone)

    async def _open(self, session: AsyncSession, row: str, month: str) -> None:
        """Make the row of a month, unless it is there."""
        insert = sqlite.insert if self._database.embedded else postgresql.insert
        new = insert(Spend).values(tenant=row, month=month, spent_micros=0, reserved_micros=0, reserved_at=now())
        await session.execute(new.on_conflict_do_nothing())
