"""Switches with which a person turns off what misbehaves: a feature, a model, a tenant.

The database holds the truth. With Redis, what is off stands there too, for LIFETIME_S at most, so that many replicas
need not ask the database; with Redis down they ask it again. With the database down the last known state stands for
GRACE_S. After that everything counts as off: what nobody can stop must not run, and it could not be recorded either.
"""

import importlib
import json
import time
from dataclasses import asdict, dataclass
from typing import Any, Literal

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from ..audit.chain import Event, append
from ..errors import Refused, Unavailable
from ..security.keys import Caller
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import SwitchRow, now

Kind = Literal["feature", "model", "tenant"]
FEATURES = ("answers", "cache", "feedback", "tools")
GRACE_S = 30.0
LIFETIME_S = 5

_KEY = "switches"
_PATIENCE_S = 0.25
_RETRY_REDIS_S = 5.0


@dataclass(frozen=True, slots=True)
class SwitchState:
    """Something that is off, and why."""

    kind: Kind
    name: str
    reason: str


class Switches:
    """Every switch, for every replica: a change holds from the next request on."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._redis: Any = None
        if settings.redis_url:  # an extra: imported only where an address asks for it
            self._redis = importlib.import_module("redis.asyncio").from_url(
                settings.redis_url.get_secret_value(), socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
            )
        self._redis_from = 0.0
        self._known: dict[tuple[str, str], SwitchState] = {}
        self._known_until = 0.0

    async def is_off(self, kind: Kind, name: str) -> SwitchState | None:
        """What switched this off, or None. Never raises."""
        try:
            self._known = {(state.kind, state.name): state for state in await self._current()}
            self._known_until = time.monotonic() + GRACE_S
        except (SQLAlchemyError, OSError) as error:
            structlog.get_logger().warning("switches.unreadable", error=type(error).__name__)
            if time.monotonic() > self._known_until:
                return SwitchState(kind, name, "the switches cannot be read, and nothing runs that cannot be stopped")
        return self._known.get((kind, name))

    async def require(self, feature: str) -> None:
        """Go on only while a feature is on.

        Raises:
            Unavailable: a person switched it off.
        """
        if off := await self.is_off("feature", feature):
            raise Unavailable(f"The feature {feature} is switched off: {off.reason}", retry_after_s=300)

    async def set(self, caller: Caller, kind: Kind, name: str, off: bool, reason: str) -> SwitchRow:
        """Switch something off or on, for everybody; the scope operate is the operator's, whatever the tenant.

        Raises:
            Refused: there is no such feature, or no reason.
        """
        if kind == "feature" and name not in FEATURES:
            raise Refused(f"There is no feature {name}: choose one of {', '.join(FEATURES)}.")
        if not (0 < len(name) <= 200 and 0 < len(reason := reason.strip()) <= 200):
            raise Refused("Give a name and a reason of 1 to 200 characters: somebody will ask why.")
        async with self._database.writing(chained=True) as session:
            row = SwitchRow(kind=kind, name=name, off=off, reason=reason, actor=caller.actor, at=now())
            row = await session.merge(row)
            action = "switch.off" if off else "switch.on"
            await append(session, Event(caller.tenant, caller.actor, action, f"{kind}:{name}"))
            states = await _off(session)
        await self._mirror(states, replace=True)
        return row

    async def all(self) -> list[SwitchRow]:
        """Every switch that was ever touched; what has none is on."""
        async with self._database.reading() as session:
            return list(await session.scalars(select(SwitchRow).order_by(SwitchRow.kind, SwitchRow.name)))

    async def close(self) -> None:
        """Give the connections back."""
        if self._redis:
            await self._redis.aclose()

    async def _current(self) -> list[SwitchState]:
        if (mirrored := await self._from_redis("get", _KEY)) is not None:
            return [SwitchState(**state) for state in json.loads(mirrored)]
        async with self._database.reading() as session:
            states = await _off(session)
        await self._mirror(states, replace=False)
        return states

    async def _mirror(self, states: list[SwitchState], *, replace: bool) -> None:
        # A reader never overwrites: it may have read before the change that somebody has mirrored meanwhile.
        text = json.dumps([asdict(state) for state in states])
        await self._from_redis("set", _KEY, text, ex=LIFETIME_S, nx=not replace)

    async def _from_redis(self, command: str, *args: Any, **options: Any) -> Any:
        if self._redis is None or time.monotonic() < self._redis_from:
            return None
        try:
            return await getattr(self._redis, command)(*args, **options)
        except Exception as error:  # whatever is wrong with Redis, the database knows
            self._redis_from = time.monotonic() + _RETRY_REDIS_S
            structlog.get_logger().warning("switches.without_redis", error=type(error).__name__)
            return None


async def _off(session: AsyncSession) -> list[SwitchState]:
    rows = await session.scalars(select(SwitchRow).where(SwitchRow.off))
    return [SwitchState(row.kind, row.name, row.reason) for row in rows]  # type: ignore[arg-type]
