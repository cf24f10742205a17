"""Switches with which a person turns off what misbehaves: a feature, a model, a tenant.

The database holds the truth. With Redis, what is off stands there too, for LIFETIME_S at most, so that many replicas
need not ask the database; with Redis down they ask it again. With the database down the last known state stands for
GRACE_S. After that everything counts as off: what nobody can stop must not run, and it could not be recorded either.
"""

import json
import time
from dataclasses import dataclass, field
from typing import Literal

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from ..audit.chain import Event, append
from ..errors import Refused, Unavailable
from ..security.keys import Caller
from ..settings import Settings
from ..storage.database import Database
from ..storage.shared import Shared
from ..storage.tables import SwitchRow, now

Kind = Literal["feature", "model", "tenant"]
FEATURES = ("answers", "cache", "feedback", "tools")
GRACE_S = 30.0
LIFETIME_S = 5

_KEY = "switches"


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """What is off at one moment, such as "model:openai:gpt-5", and why. A request reads it once and passes it on."""

    reasons: dict[str, str] = field(default_factory=dict)
    everything: str | None = None

    def why(self, kind: Kind, name: str) -> str | None:
        """The reason why this is off, or None when it is on."""
        return self.everything or self.reasons.get(f"{kind}:{name}")

    def require(self, feature: str) -> None:
        """Go on only while a feature is on.

        Raises:
            Unavailable: a person switched it off.
        """
        if reason := self.why("feature", feature):
            raise Unavailable(f"The feature {feature} is switched off: {reason}", retry_after_s=300)


class Switches:
    """Every switch, for every replica: a change holds from the next request on."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._shared = Shared(settings)
        self._known = SwitchedOff()
        self._known_until = 0.0

    async def off(self) -> SwitchedOff:
        """What is off just now. Never raises."""
        try:
            self._known = SwitchedOff(await self._current())
            self._known_until = time.monotonic() + GRACE_S
        except (SQLAlchemyError, OSError) as error:
            structlog.get_logger().warning("switches.unreadable", error=type(error).__name__)
            if time.monotonic() > self._known_until:
                return SwitchedOff(everything="the switches cannot be read, and nothing runs that cannot be stopped")
        return self._known

    async def require(self, feature: str) -> None:
        """Go on only while a feature is on, as `SwitchedOff.require`."""
        (await self.off()).require(feature)

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
            reasons = await _reasons(session)
        await self._shared.ask("set", _KEY, json.dumps(reasons), ex=LIFETIME_S)
        return row

    async def all(self) -> list[SwitchRow]:
        """Every switch that was ever touched; what has none is on."""
        async with self._database.reading() as session:
            return list(await session.scalars(select(SwitchRow).order_by(SwitchRow.kind, SwitchRow.name)))

    async def close(self) -> None:
        """Give the connections back."""
        await self._shared.close()

    async def _current(self) -> dict[str, str]:
        if (mirrored := await self._shared.ask("get", _KEY)) is not None:
            found: dict[str, str] = json.loads(mirrored)
            return found
        async with self._database.reading() as session:
            reasons = await _reasons(session)
        # A reader never overwrites: it may have read before the change that somebody has mirrored meanwhile.
        await self._shared.ask("set", _KEY, json.dumps(reasons), ex=LIFETIME_S, nx=True)
        return reasons


async def _reasons(session: AsyncSession) -> dict[str, str]:
    rows = await session.scalars(select(SwitchRow).where(SwitchRow.off))
    return {f"{row.kind}:{row.name}": row.reason for row in rows}
