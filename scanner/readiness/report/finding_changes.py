"""What became of the findings of one report in another.

A finding is the same in both by its fingerprint, or by its content in the same file. It has moved when its content
turns up in a file that had nothing of the kind, and its old file has no finding of any kind left: a file that was
renamed or taken apart, not a mistake that was mended here and made again there. Where one report could not see (it does
not have the check, could not decide it, or did not read the file), nothing is called new or fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from readiness.report.findings import EXEMPTIONS, Listed, every
from readiness.report.model import Report, SuppressedReport

Found = dict[str, Listed]
"""Findings by their fingerprint."""

Key = Callable[[Listed], tuple[str, ...] | None]
"""What findings of two reports have in common when they are the same; None for what cannot be told."""


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding that is in one report only, or not in the same way in both.

    `change` is `new`, `fixed`, `moved` (from the path `was`), `accepted` (a suppression or a waiver covers it now, for
    this `reason`) or `reopened` (one covered it, and does no more). It is `revealed` where it is there and the old
    report could not have it, and `unseen` where it was there and the new report cannot. What was accepted and is gone
    is not told.
    """

    change: str
    check: str
    weight: str
    path: str
    line: int
    message: str
    verdict: str
    fingerprint: str
    was: str = ""
    reason: str = ""


def finding_changes(old: Report, new: Report, renamed: Collection[str] = ()) -> tuple[FindingChange, ...]:
    """Say what became of all findings, whatever a baseline or a revision leaves out of either report.

    Args:
        old: the earlier report.
        new: the later one.
        renamed: checks that had another name when one of the reports was made: a fingerprint knows the name, so their
            findings are the same by what they say in the same file.

    Returns:
        The changes, in the order of their kinds: what is new first, what is fixed last but for what cannot be seen.
    """
    before, after = _found(old), _found(new)
    gone = {key: one for key, one in before.items() if key not in after}
    came = {key: one for key, one in after.items() if key not in before}
    accepted = _of_one(new, old)
    _take(gone, accepted)
    reopened = _take(came, _of_one(old, new))
    _pair(gone, came, lambda one: _said(one) if one.check in renamed else None)
    _pair(gone, came, lambda one: (*_content(one), one.finding.path) if one.finding.content else None)
    unseen, revealed = _apart(gone, _blind(new)), _apart(came, _blind(old))
    moved = _moved(gone, came, before.values(), new)

    weights = {check.name: check.weight for check in new.checks}
    return (
        *(_change("new", one) for one in came.values()),
        *(_change("revealed", one) for one in revealed),
        *(_change("reopened", one) for one in reopened),
        *(_change("moved", now, was.finding.path) for was, now in moved),
        *(_accepted(one, weights) for one in accepted),
        *(_change("fixed", one) for one in gone.values()),
        *(_change("unseen", one) for one in unseen),
    )


def _found(report: Report) -> Found:
    return {one.finding.fingerprint: one for one in every(report)}


def _of_one(report: Report, other: Report) -> list[SuppressedReport]:
    """What is accepted in one report, and not in the other."""
    known = {one.fingerprint for one in other.suppressed}
    return [one for one in report.suppressed if one.fingerprint and one.fingerprint not in known]


def _take(found: Found, accepted: Iterable[SuppressedReport]) -> list[Listed]:
    """Take out of the findings those that are accepted in the other report.

    Findings that say the same in one file are numbered apart from those that are accepted: when one of two is accepted,
    what looks gone may be its neighbour.
    """
    taken = []
    for one in accepted:
        alike = (key for key, other in found.items() if _said(other) == (one.check, one.path, one.message))
        key = one.fingerprint if one.fingerprint in found else next(alike, None)
        if key is not None:
            taken.append(found.pop(key))
    return taken


def _apart(found: Found, chosen: Callable[[Listed], bool]) -> list[Listed]:
    """Take the chosen findings out."""
    return [found.pop(key) for key, one in list(found.items()) if chosen(one)]


def _moved(gone: Found, came: Found, before: Iterable[Listed], new: Report) -> list[tuple[Listed, Listed]]:
    """Take what has moved out of both, in pairs of old and new."""
    had = {(*_content(one), one.finding.path) for one in before}
    still = {one.finding.path for one in every(new)} | {one.path for one in new.suppressed}

    def key(one: Listed) -> tuple[str, ...] | None:
        path = one.finding.path
        arrived = one.finding.fingerprint in came and (*_content(one), path) not in had
        left = one.finding.fingerprint in gone and path not in still
        return _content(one) if path and one.finding.content and (arrived or left) else None

    return _pair(gone, came, key)


def _pair(gone: Found, came: Found, key: Key) -> list[tuple[Listed, Listed]]:
    """Take findings of the same key out of both, one to one, in their order."""
    waiting: dict[tuple[str, ...], list[Listed]] = {}
    for one in gone.values():
        if (known := key(one)) is not None:
            waiting.setdefault(known, []).append(one)
    pairs = []
    for now in list(came.values()):
        known = key(now)
        if known is not None and waiting.get(known):
            was = waiting[known].pop(0)
            del gone[was.finding.fingerprint], came[now.finding.fingerprint]
            pairs.append((was, now))
    return pairs


def _content(one: Listed) -> tuple[str, str]:
    return one.check, one.finding.content


def _said(one: Listed) -> tuple[str, str, str]:
    return one.check, one.finding.path, one.finding.message


def _blind(report: Report) -> Callable[[Listed], bool]:
    """Whether a report could not have a finding: its check does not count or was not decided, or its file not read."""
    decided = {check.name for check in report.checks if not check.experimental and check.verdict != "unknown"}
    skipped = {file.path for file in report.skipped}
    folders = tuple(path for path in skipped if path.endswith("/"))

    def blind(one: Listed) -> bool:
        path = one.finding.path
        asked = not report.checks or one.check == EXEMPTIONS or one.check in decided
        return not asked or path in skipped or path.startswith(folders)

    return blind


def _change(change: str, one: Listed, was: str = "") -> FindingChange:
    found = one.finding
    place = (found.path, found.line, found.message, found.verdict, found.fingerprint)
    return FindingChange(change, one.check, one.weight, *place, was=was)


def _accepted(one: SuppressedReport, weights: Mapping[str, str]) -> FindingChange:
    place = (one.path, one.line, one.message, one.verdict, one.fingerprint)
    return FindingChange("accepted", one.check, weights.get(one.check, ""), *place, reason=one.reason)
