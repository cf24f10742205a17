"""Whether an attestation stands: who says it, on what evidence, until when. It is shown, and never counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from readiness.assess.spelling import suggestion
from readiness.assess.yaml_file import Fields, read_yaml
from readiness.facts.governance.attestations import FIELDS, Attestation
from readiness.facts.governance.responsibilities import names_nobody
from readiness.facts.place import Place
from readiness.repository.days import day_of


class Standing(StrEnum):
    """What becomes of an attestation."""

    ATTESTED = "attested"
    EXPIRED = "expired"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that no reader of files can know: why not, and what is looked at in its place."""

    name: str
    title: str
    reason: str
    seen: str


@dataclass(frozen=True, slots=True)
class Attested:
    """An attestation, judged. `title` is the claim in words; `problem` says what to mend, empty where it stands."""

    place: Place
    claim: str
    title: str
    owner: str
    evidence: str
    date: str
    expires: str
    standing: Standing
    problem: str = ""


def read_claims(path: Path) -> tuple[Claim, ...]:
    """Read `attestable.yaml`.

    Raises:
        CatalogueError: something is missing or misspelt.
    """
    fields = Fields(read_yaml(path), f"checks/{path.name}", ("claims",))
    known = ("name", "title", "reason", "seen")
    entries = [Fields(entry, f"checks/{path.name}", known) for entry in fields.items("claims")]
    return tuple(Claim(*(entry.text(field) for field in known)) for entry in entries)


def attest(found: Iterable[Attestation], titles: Mapping[str, str], as_of: date) -> tuple[Attested, ...]:
    """Judge the attestations.

    Args:
        found: what the file says.
        titles: what may be attested (claims and checks), with the sentence that is shown for each.
        as_of: the day to judge on.
    """
    return tuple(_attest(one, titles, as_of) for one in found)


def _attest(one: Attestation, titles: Mapping[str, str], as_of: date) -> Attested:
    problem = _problem(one, titles, as_of)
    standing = Standing.MALFORMED if problem else Standing.ATTESTED
    if not problem and date.fromisoformat(one.expires) < as_of:
        standing, problem = Standing.EXPIRED, f"ended on {one.expires}: look again, then renew it or take it out"
    title = titles.get(one.claim, one.claim)
    return Attested(one.place, one.claim, title, one.owner, one.evidence, one.date, one.expires, standing, problem)


def _problem(one: Attestation, titles: Mapping[str, str], as_of: date) -> str:
    """What is wrong with an entry, in words its owner can act on; empty where nothing is."""
    if one.fault:
        return one.fault
    missing = [field for field in FIELDS if not getattr(one, field)]
    if missing:
        return f"{', '.join(missing)} must be given, as text"
    if one.unknown_fields:
        return f"there is no field {one.unknown_fields[0]!r}{suggestion(one.unknown_fields[0], FIELDS)}"
    if one.claim not in titles:
        return f"{one.claim!r} is no claim and no check{suggestion(one.claim, titles)}"
    if names_nobody(one.owner):
        return f"the owner {one.owner!r} is nobody: name a person or a team"
    if not one.evidence_found:
        return f"the evidence {one.evidence!r} is neither a web address nor a file of this repository"
    return _date_problem(one.date, one.expires, as_of)


def _date_problem(stated: str, expires: str, as_of: date) -> str:
    begin, end = day_of(stated), day_of(expires)
    if begin is None or end is None:
        field, text = ("date", stated) if begin is None else ("expires", expires)
        return f"{field} {text!r} is no day: write YYYY-MM-DD"
    if end <= begin:
        return f"it expires on {expires}, which is not after its date, {stated}"
    if begin > as_of:
        return f"its date, {stated}, is later than the day of this report, {as_of.isoformat()}"
    return ""
