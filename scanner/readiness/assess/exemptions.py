"""Exemptions: findings that owners accept, beside the code (suppressions) or in the configuration (waivers).

What fails and is accepted leaves the sums, as if the place did not exist; what is half done keeps its half, so that
accepting never costs points; what is satisfied elsewhere counts as done. None of it is
ever silent: the score without them is given too, and one that covers nothing, has ended or has no reason is a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from readiness.assess.spelling import suggestion
from readiness.extract.suppressions import Suppression
from readiness.facts.governance.responsibilities import names_nobody
from readiness.facts.place import Place
from readiness.repository.days import day_of
from readiness.repository.globs import Rules
from readiness.repository.waivers import Waiver

Extent = Callable[[Place], tuple[int, int]]
"""The lines of the statement that a place lies in: a suppression on any of them speaks of the place."""


class Origin(StrEnum):
    """Where an exemption is written."""

    CODE = "code"
    CONFIGURATION = "configuration"


class Kind(StrEnum):
    """What becomes of the finding."""

    ACCEPTED = "accepted"
    ELSEWHERE = "satisfied-elsewhere"


@dataclass(frozen=True, slots=True)
class Exemption:
    """One check's exemption at the place where it is written.

    `target` is the line that a suppression speaks of, `pattern` the paths of a waiver (empty for all). `problem` says
    why it is not in force, `expired` whether that is because of its end.
    """

    check: str
    origin: Origin
    place: Place
    reason: str
    kind: Kind = Kind.ACCEPTED
    pattern: str = ""
    target: int = 0
    owner: str = ""
    expires: str = ""
    evidence: str = ""
    problem: str = ""
    expired: bool = False

    @property
    def in_force(self) -> bool:
        """Nothing speaks against it."""
        return not self.problem


class Exemptions:
    """All exemptions of a repository, asked finding by finding."""

    def __init__(self, entries: Iterable[Exemption] = (), extent: Extent | None = None) -> None:
        self.entries = tuple(entries)
        self._extent = extent or (lambda place: (place.line, place.end_line))
        self._by_check: dict[str, list[tuple[Exemption, Rules]]] = {}
        for entry in self.entries:
            if entry.in_force:
                rules = Rules.of([entry.pattern] if entry.pattern else [])
                self._by_check.setdefault(entry.check, []).append((entry, rules))

    def __bool__(self) -> bool:
        return bool(self._by_check)

    def of(self, check: str, place: Place) -> Exemption | None:
        """The exemption that covers a finding of this check at this place: the nearest, so one in the code first."""
        for entry, rules in self._by_check.get(check, ()):
            if self._covers(entry, rules, place):
                return entry
        return None

    def _covers(self, entry: Exemption, rules: Rules, place: Place) -> bool:
        if entry.origin is Origin.CONFIGURATION:
            return not entry.pattern or bool(place.path and rules.covers(place.path))
        if entry.place.path != place.path:
            return False
        first, last = self._extent(place)
        return first <= entry.target <= last or place.line <= entry.target <= min(place.end_line, last)


NONE = Exemptions()


def exemptions_of(
    suppressions: Iterable[Suppression],
    waivers: Iterable[Waiver],
    names: Mapping[str, str],
    as_of: date,
    extent: Extent | None = None,
) -> Exemptions:
    """Judge what the owners wrote.

    Args:
        suppressions: the comments that were found.
        waivers: the entries of the configuration.
        names: every name a check has or had, with the name it has now.
        as_of: the day on which a waiver must still hold; its last day counts.
        extent: the lines of the statement that a place lies in.
    """
    in_code = [one for comment in suppressions for one in _suppressed(comment, names)]
    configured = [_waived(waiver, names, as_of) for waiver in waivers]
    return Exemptions([*in_code, *configured], extent)


def _suppressed(comment: Suppression, names: Mapping[str, str]) -> Iterable[Exemption]:
    place = Place(comment.path, comment.line, comment.line)
    if not comment.checks:
        problem = "names no check, and so accepts nothing: write `readiness: ignore[check-name] reason`"
        yield Exemption("", Origin.CODE, place, comment.reason, target=comment.target, problem=problem)
    for name in comment.checks:
        problem = "" if comment.reason else "gives no reason, and so accepts nothing: write why behind the bracket"
        if name not in names:
            problem = f"names `{name}`, which is no check{suggestion(name, names)}"
        current = names.get(name, name)
        yield Exemption(current, Origin.CODE, place, comment.reason, target=comment.target, problem=problem)


def _waived(waiver: Waiver, names: Mapping[str, str], as_of: date) -> Exemption:
    end = day_of(waiver.expires)
    expired, problem = False, ""
    if end is None:
        expired, problem = True, f"ends on {waiver.expires!r}, which is no day, and so counts as expired: YYYY-MM-DD"
    elif end < as_of:
        expired, problem = True, f"ended on {waiver.expires}: look again, then renew it or take it out"
    elif names_nobody(waiver.owner):
        problem = f"is owned by {waiver.owner!r}, which is nobody: name a person or a team"
    return Exemption(
        check=names.get(waiver.check, waiver.check),
        origin=Origin.CONFIGURATION,
        place=Place(waiver.source, waiver.line, waiver.line),
        reason=waiver.reason,
        kind=Kind(waiver.kind),
        pattern=waiver.path,
        owner=waiver.owner,
        expires=waiver.expires,
        evidence=waiver.evidence,
        problem=problem,
        expired=expired,
    )
