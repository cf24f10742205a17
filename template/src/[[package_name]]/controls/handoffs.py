"""Talk to a person: the way out when no answer helps."""

from sqlalchemy import select

from ..answering.record import owned
from ..audit.chain import Event, append
from ..errors import Conflict, NotFound, Refused
from ..observability.metrics import Metrics
from ..security.keys import Caller
from ..storage.database import Database
from ..storage.tables import Handoff, now


class Handoffs:
    """The requests for a person. The contact is kept as given, for it is needed; neither log nor audit repeats it."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics

    async def ask(self, caller: Caller, answer_id: str, contact: str, note: str | None = None) -> Handoff:
        """Ask for a person about an answer.

        Raises:
            NotFound: there is no such answer in the caller's tenant.
            Refused: there is no way to reach whoever asks.
        """
        if not 3 <= len(contact := contact.strip()) <= 200:
            raise Refused("Say in 3 to 200 characters how to reach you: an e-mail address or a phone number.")
        async with self._database.writing(chained=True) as session:
            answer = await owned(session, caller, answer_id)
            row = Handoff(answer_id=answer.id, tenant=caller.tenant, actor=caller.actor, contact=contact, note=note)
            session.add(row)
            await session.flush()
            await append(session, Event(caller.tenant, caller.actor, "handoff.asked", row.id, {"answer": answer_id}))
        self._metrics.handed_off()
        return row

    async def open(self, tenant: str) -> list[Handoff]:
        """Who still waits, the longest first."""
        query = select(Handoff).where(Handoff.tenant == tenant, Handoff.closed_at.is_(None)).order_by(Handoff.at)
        async with self._database.reading() as session:
            return list(await session.scalars(query))

    async def close_one(self, caller: Caller, handoff_id: str) -> Handoff:
        """A person has taken care of it.

        Raises:
            NotFound: there is no such request in the caller's tenant.
            Conflict: somebody closed it already.
        """
        async with self._database.writing(chained=True) as session:
            row = await session.get(Handoff, handoff_id)
            if row is None or row.tenant != caller.tenant:
                raise NotFound("There is no such hand-off in your tenant.")
            if row.closed_at:
                raise Conflict(f"{row.closed_by} has closed it already.")
            row.closed_by, row.closed_at = caller.actor, now()
            await append(session, Event(caller.tenant, caller.actor, "handoff.closed", row.id))
        return row
