"""How the values of sites become one verdict (rules-of-evidence.md, "Site arithmetic" and "Reach")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from readiness.assess.assessment import Sites, Verdict

VALUE = {Verdict.PASS: 1.0, Verdict.PARTIAL: 0.5, Verdict.FAIL: 0.0}
"""What a decided site is worth; an unknown one is in no mean."""

PASS_FROM = 0.95
FAIL_BELOW = 0.40


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict with its satisfaction (None for unknown), and the sites that entered it.

    `counted` are their positions. `capped` tells that the verdict would be another if an entry point reached the sites.
    """

    verdict: Verdict
    satisfaction: float | None
    sites: Sites
    counted: tuple[int, ...]
    capped: bool = False


def of_paths(verdicts: Sequence[Verdict], worst: bool) -> Verdict:
    """Return the verdict of one site with several ways to it.

    Their mean, rounded to the nearest of 1, 0.5 and 0 with ties up, or the worst of them; unknown ways are left out,
    and if all are unknown the site is.
    """
    values = _decided(verdicts)
    if not values:
        return Verdict.UNKNOWN
    value = min(values) if worst else sum(values) / len(values)
    if value >= 0.75:
        return Verdict.PASS
    return Verdict.PARTIAL if value >= 0.25 else Verdict.FAIL


def of_variants(default: Verdict, others: Sequence[Verdict]) -> Verdict:
    """Return the verdict of a site fed by several values: its default's; a worse one makes a pass partial, no more."""
    if default == Verdict.PASS and any(value < 1.0 for value in _decided(others)):
        return Verdict.PARTIAL
    return default


def by_share(verdicts: Sequence[Verdict], reachable: Sequence[bool]) -> Outcome:
    """Judge a check by the mean over its sites: those that an entry point reaches, or all if none is reached.

    In the second case nothing is worth more than partial: neither the verdict nor the satisfaction.
    """
    reached = any(reachable)
    counted = tuple(place for place in range(len(verdicts)) if reachable[place] or not reached)
    values = _decided([verdicts[place] for place in counted])
    sites = _count(verdicts, counted)
    if not values:
        return Outcome(Verdict.UNKNOWN, None, sites, counted)
    mean = sum(values) / len(values)
    if mean < FAIL_BELOW:
        return Outcome(Verdict.FAIL, 0.0, sites, counted)
    if not reached:
        return Outcome(Verdict.PARTIAL, min(mean, 0.5), sites, counted, capped=mean > 0.5)
    if mean >= PASS_FROM:
        return Outcome(Verdict.PASS, 1.0, sites, counted)
    return Outcome(Verdict.PARTIAL, mean, sites, counted)


def by_worst(verdicts: Sequence[Verdict], reachable: Sequence[bool]) -> Outcome:
    """Judge a check by its worst site.

    A bad site that no entry point reaches is one call away from harm, and no harm yet: it makes a pass partial, no
    more.
    """
    reached = [place for place in range(len(verdicts)) if reachable[place]]
    bad = [place for place, verdict in enumerate(verdicts) if verdict in (Verdict.FAIL, Verdict.PARTIAL)]
    unreached_bad = [place for place in bad if not reachable[place]]
    counted = tuple(reached) or tuple(range(len(verdicts)))
    worst = min(_decided([verdicts[place] for place in reached]), default=None)
    if worst == 0.0:
        return Outcome(Verdict.FAIL, 0.0, _count(verdicts, counted), counted)
    if worst == 0.5 or unreached_bad:
        counted = tuple(sorted({*counted, *unreached_bad})) if worst != 0.5 else counted
        return Outcome(Verdict.PARTIAL, 0.5, _count(verdicts, counted), counted, capped=worst != 0.5)
    if worst is None and not any(verdict == Verdict.PASS for verdict in _only(verdicts, counted)):
        return Outcome(Verdict.UNKNOWN, None, _count(verdicts, counted), counted)
    return Outcome(Verdict.PASS, 1.0, _count(verdicts, counted), counted)


def _decided(verdicts: Sequence[Verdict]) -> list[float]:
    return [VALUE[verdict] for verdict in verdicts if verdict in VALUE]


def _only(verdicts: Sequence[Verdict], counted: Sequence[int]) -> list[Verdict]:
    return [verdicts[place] for place in counted]


def _count(verdicts: Sequence[Verdict], counted: Sequence[int]) -> Sites:
    only = _only(verdicts, counted)
    passed, partial, failed, unknown = (
        only.count(verdict) for verdict in (Verdict.PASS, Verdict.PARTIAL, Verdict.FAIL, Verdict.UNKNOWN)
    )
    return Sites(passed, partial, failed, unknown)
