"""API keys: 256 random bits that are shown once; only their SHA-256 is kept."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from ..audit.chain import Event, append
from ..errors import NotAllowed, NotAuthenticated, NotFound, Refused
from ..storage.database import Database
from ..storage.tables import ApiKey, now

SCOPES = frozenset({"ask", "feedback", "review", "operate", "audit", "admin"})
"""ask: answers · feedback: rate them · review: triage, approvals, hand-offs · operate: switches, prompts, data ·
audit: read the record · admin: keys."""
REMEMBERED_S = 4.0
"""How long a process trusts a key it has checked: a key revoked elsewhere stops within this time."""

_SECRET = re.compile(r"svc_(?P<id>[0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,59}")


@dataclass(frozen=True)
class Caller:
    """Who calls: the tenant is a hard wall, the actor is the key's name, the scopes say what is allowed."""

    tenant: str
    actor: str
    scopes: frozenset[str]


LOCAL_OPERATOR = Caller("default", "operator@terminal", SCOPES)
"""The person at the command line: whoever can read the database needs no key."""


class Keys:
    """The keys that may call the service.

    Args:
        database: where their digests are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._checked: dict[str, tuple[float, Caller]] = {}

    async def issue(
        self, name: str, tenant: str, scopes: Iterable[str], by: Caller = LOCAL_OPERATOR
    ) -> tuple[str, ApiKey]:
        """A new key: the secret, which nobody can read again, and its record.

        Raises:
            Refused: the name, the tenant or a scope is not one.
            NotAllowed: the issuer may not give that away.
        """
        wanted = frozenset(scopes)
        if not (_NAME.fullmatch(name) and _NAME.fullmatch(tenant)):
            raise Refused("The names of a key and its tenant are up to 60 letters, digits, spaces or . _ @ -")
        if not wanted or not wanted <= SCOPES:
            raise Refused(f"Choose the key's scopes from {', '.join(sorted(SCOPES))}.")
        if by != LOCAL_OPERATOR and not ("admin" in by.scopes and tenant == by.tenant and wanted <= by.scopes):
            raise NotAllowed("An admin's key can only give away its own tenant and its own scopes.")
        row = ApiKey(id=secrets.token_hex(6), name=name, tenant=tenant, scopes=sorted(wanted))
        secret = f"svc_{row.id}_{secrets.token_urlsafe(32)}"
        row.digest = _digest(secret)
        async with self._database.writing(chained=True) as session:
            session.add(row)
            await append(session, Event(tenant, by.actor, "key.issued", row.id, {"name": name, "scopes": row.scopes}))
        return secret, row

    async def authenticate(self, secret: str) -> Caller:
        """Whose key this is; a key that was just checked is not looked up again for REMEMBERED_S.

        Raises:
            NotAuthenticated: it is no key, nobody issued it, or it was revoked.
        """
        digest = _digest(secret)
        until, caller = self._checked.get(digest, (0.0, None))
        if caller and until > time.monotonic():
            return caller
        row = None
        if shape := _SECRET.fullmatch(secret):
            async with self._database.reading() as session:
                row = await session.get(ApiKey, shape["id"])
        if row is None or not hmac.compare_digest(row.digest, digest) or row.revoked_at:
            self._checked.pop(digest, None)
            raise NotAuthenticated("This key is not valid: nobody issued it, or it was revoked.")
        if len(self._checked) > 10_000:
            self._checked.clear()
        caller = Caller(row.tenant, row.name, frozenset(row.scopes) & SCOPES)
        self._checked[digest] = (time.monotonic() + REMEMBERED_S, caller)
        return caller

    async def revoke(self, caller: Caller, key_id: str) -> ApiKey:
        """End a key: at once in this process, within REMEMBERED_S in the others.

        Raises:
            NotFound: the caller is no admin of a tenant with such a live key.
        """
        async with self._database.writing(chained=True) as session:
            row = await session.get(ApiKey, key_id)
            mine = caller == LOCAL_OPERATOR or (row and row.tenant == caller.tenant and "admin" in caller.scopes)
            if not row or row.revoked_at or not mine:
                raise NotFound(f"There is no live key {key_id}: `keys list` shows them.")
            row.revoked_at = now()
            await append(session, Event(row.tenant, caller.actor, "key.revoked", row.id, {"name": row.name}))
        self._checked.pop(row.digest, None)
        return row

    async def all(self) -> list[ApiKey]:
        """Every key of every tenant, the newest first, the revoked ones too."""
        async with self._database.reading() as session:
            return list(await session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc())))


def _digest(secret: str) -> str:
    # The secret has 256 bits of its own, so a slow hash would only slow down every request.
    return hashlib.sha256(secret.encode()).hexdigest()
