"""Calls of tools: a low risk runs at once, a high one when a person has decided, and each at most once."""

import json
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ..audit.chain import Event, append, content_digest
from ..controls.switches import Switches
from ..errors import Conflict, NotAllowed, NotFound, Refused
from ..security.keys import Caller
from ..settings import Settings
from ..storage.database import Database
from ..storage.tables import now
from .tables import Approval
from .tools import TOOLS, Risk


class Approvals:
    """Takes calls, asks people, and runs tools.

    States: pending → running → done or failed; or pending → rejected or expired. A call that is still `running` after a
    crash is never run again by itself: nobody knows how far it came.
    """

    def __init__(self, settings: Settings, database: Database, switches: Switches) -> None:
        self._minutes = settings.approval_minutes
        self._database = database
        self._switches = switches

    async def call(self, caller: Caller, tool: str, arguments: dict[str, Any]) -> Approval:
        """Ask for a tool to be run.

        Raises:
            Refused: there is no such tool, or the arguments are not its own.
        """
        await self._switches.require("tools")
        wanted, valid = _validated(tool, arguments)
        async with self._database.writing(chained=True) as session:
            row = Approval(
                tenant=caller.tenant,
                actor=caller.actor,
                tool=tool,
                arguments=valid,
                digest=_digest(valid),
                state="pending" if wanted.risk is Risk.HIGH else "running",
                expires_at=now() + timedelta(minutes=self._minutes),
            )
            session.add(row)
            await session.flush()
            await _audit(session, row, caller.actor, "requested")
        return row if wanted.risk is Risk.HIGH else await self._run(row, caller)

    async def waiting(self, caller: Caller) -> list[Approval]:
        """What waits for a person in the caller's tenant, the oldest first."""
        await self._expire(caller.tenant)
        query = select(Approval).where(Approval.tenant == caller.tenant, Approval.state == "pending")
        async with self._database.reading() as session:
            return list(await session.scalars(query.order_by(Approval.at, Approval.id)))

    async def decide(self, caller: Caller, approval_id: str, *, approve: bool) -> Approval:
        """Allow a call, which runs it, or forbid it.

        Whoever asked does not decide. That goes by the name of the key, so give each person one key: somebody who holds
        two of different names counts as two people.

        Raises:
            NotFound: there is no such call in the caller's tenant.
            NotAllowed: the caller asked for it.
            Conflict: it was decided or has expired, or somebody changed its arguments.
        """
        await self._switches.require("tools")
        await self._expire(caller.tenant)
        async with self._database.writing(chained=True) as session:
            row = await session.get(Approval, approval_id)
            if row is None or row.tenant != caller.tenant:
                raise NotFound("There is no such call in your tenant.")
            if row.actor == caller.actor:
                raise NotAllowed("You asked for this yourself: somebody else decides.")
            if row.state != "pending" or row.expires_at <= now():
                raise Conflict(f"This call is {row.state} already, or its time is over: ask for it again.")
            if row.digest != _digest(row.arguments):
                raise Conflict("The arguments are not those that were asked for: reject this call and ask again.")
            row.state, row.decided_by, row.decided_at = "running" if approve else "rejected", caller.actor, now()
            await _audit(session, row, caller.actor, "approved" if approve else "rejected")
        return await self._run(row, caller) if approve else row

    async def _run(self, approved: Approval, caller: Caller) -> Approval:
        wanted = TOOLS[approved.tool]
        try:
            async with self._database.writing(chained=True) as session:
                row = await session.get_one(Approval, approved.id)
                row.result = await wanted.run(session, row, wanted.arguments.model_validate(row.arguments))
                row.state = "done"
                await _audit(session, row, caller.actor, "done")
        except Exception as error:  # whatever a tool raises: that it failed must be on record
            async with self._database.writing(chained=True) as session:
                row = await session.get_one(Approval, approved.id)
                reason = str(error) if isinstance(error, Refused) else type(error).__name__
                row.state, row.result = "failed", {"error": reason}
                await _audit(session, row, caller.actor, "failed")
        return row

    async def _expire(self, tenant: str) -> None:
        late = select(Approval).where(
            Approval.tenant == tenant, Approval.state == "pending", Approval.expires_at <= now()
        )
        async with self._database.reading() as session:
            if (await session.scalars(late.limit(1))).first() is None:
                return
        async with self._database.writing(chained=True) as session:
            for row in await session.scalars(late):
                row.state = "expired"
                await _audit(session, row, "service", "expired")


def _validated(tool: str, arguments: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    if (wanted := TOOLS.get(tool)) is None:
        raise Refused(f"There is no tool {tool}: there are {', '.join(sorted(TOOLS))}.")
    try:
        return wanted, wanted.arguments.model_validate(arguments).model_dump(mode="json")
    except ValidationError as wrong:
        found = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in wrong.errors(include_input=False)]
        raise Refused(f"The arguments of {tool} are wrong: {'; '.join(found)}") from None


def _digest(arguments: dict[str, Any]) -> str:
    return content_digest(json.dumps(arguments, sort_keys=True))


async def _audit(session: AsyncSession, row: Approval, actor: str, what: str) -> None:
    details = {"tool": row.tool, "arguments_sha256": row.digest}
    await append(session, Event(row.tenant, actor, f"action.{what}", row.id, details))
