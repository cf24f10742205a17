"""What lies between two reports: score, layers, debts, verdicts and findings.

Where two rulers measured, the whole change of the score is told in two parts. The verdicts of both reports are scored
once more by the new ruler's weights and layers, over the checks that both rulers have: what changes there is the
owners' work, and the rest of the change is the ruler's. A check that kept its name and asks for something else cannot
be told from work: a report does not keep what was asked.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from math import fsum

from readiness.assess.check import POINTS
from readiness.errors import UsageError
from readiness.report.finding_changes import FindingChange, finding_changes
from readiness.report.model import CheckReport, Report, RulerReport, ScoreSummary

LEAST_SHARED = 0.5
"""Two rulers that share less of their weight than this measure two different things."""

_POINTS: Mapping[str, int] = {str(weight): points for weight, points in POINTS.items()}


class RulersDifferError(UsageError):
    """The reports were measured with rulers that share too little to be compared."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two reports: of what it is, when it was judged, what measured it, and its headline."""

    name: str
    revision: str | None
    dirty: bool
    as_of: str | None
    ruler: RulerReport
    score: ScoreSummary | None


@dataclass(frozen=True, slots=True)
class Split:
    """The change of the score in two parts that add up to it: the owners' work, and the new and changed checks."""

    work: float
    ruler: float


@dataclass(frozen=True, slots=True)
class LayerChange:
    """A layer's score in both reports, None where it was not scored; `change` where both are known."""

    name: str
    title: str
    before: float | None
    after: float | None
    change: float | None


@dataclass(frozen=True, slots=True)
class DebtChange:
    """Days owed in one category."""

    name: str
    before: float
    after: float
    change: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How a check came out in one report, and what it counted for."""

    verdict: str
    satisfaction: float | None
    weight: str
    layer: str
    experimental: bool


@dataclass(frozen=True, slots=True)
class CheckChange:
    """A check that came out differently.

    `change` is `better` or `worse` where both reports decide it, `otherwise` where one of them does not (it is unknown
    or does not apply), `new` or `gone` where one ruler does not have it, and `recounted` where only its weight, layer
    or part in the score is another.
    """

    name: str
    change: str
    before: Standing | None
    after: Standing | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two reports side by side. `change` is None where one of them has no score, `split` where one ruler measured both.

    `layers` begin at the bottom. `checks` are empty where one repository uses no model: then nothing was judged there.
    `findings` are ordered by their change, then worst first.
    """

    old: Side
    new: Side
    change: float | None
    split: Split | None
    layers: tuple[LayerChange, ...]
    debts: tuple[DebtChange, ...]
    checks: tuple[CheckChange, ...]
    findings: tuple[FindingChange, ...]


def compare(old: Report, new: Report, names: Mapping[str, str] | None = None) -> Comparison:
    """Say what changed from one report to another.

    All findings are compared, whatever a baseline or a revision leaves out of either report.

    Args:
        old: the earlier report.
        new: the later one.
        names: names that checks had or have, each with the name that its check has now.

    Raises:
        RulersDifferError: different rulers measured, and they have other layers or share less than half their weight.
    """
    current = names or {}
    given = {check.name for one in (old, new) for check in one.checks}
    renamed = {current[name] for name in given if current.get(name, name) != name}
    old, new = (_by_names(one, current) for one in (old, new))
    change = difference(old.score.value, new.score.value) if old.score and new.score else None
    return Comparison(
        old=_side(old),
        new=_side(new),
        change=change,
        split=_split(old, new, change) if old.ruler.hash != new.ruler.hash and change is not None else None,
        layers=_layers(old, new),
        debts=_debts(old, new),
        checks=_checks(old, new) if old.checks and new.checks else (),
        findings=finding_changes(old, new, renamed),
    )


def rescored(report: Report, ruler: Report, checks: Collection[str]) -> float | None:
    """The score of a report's verdicts by the weights and layers of another report, over the checks named.

    With the report's own weights and all its checks, this is its score.

    Args:
        report: whose verdicts count.
        ruler: whose layers and weights count, and which checks are in its score.
        checks: names of checks.

    Returns:
        The score in tenths, None where nothing was decided.
    """
    measures = {check.name: check for check in ruler.checks if check.name in checks and not check.experimental}
    layers = [
        _layer_score(report, [one for one in measures.values() if one.layer == layer.name]) for layer in ruler.layers
    ]
    scored = [score for score in layers if score is not None]
    # To tenths and never up, as every report is built.
    return math.floor(fsum(scored) / len(scored) * 10 + 1e-6) / 10 if scored else None


def _layer_score(report: Report, measures: Iterable[CheckReport]) -> float | None:
    weighed = []
    for measure in measures:
        check = report.check(measure.name)
        satisfaction = _satisfaction(check) if check is not None else None
        if satisfaction is not None:
            weighed.append((_POINTS.get(measure.weight, 0), satisfaction))
    total = fsum(weight for weight, _ in weighed)
    return 100 * fsum(weight * satisfaction for weight, satisfaction in weighed) / total if total else None


def _satisfaction(check: CheckReport) -> float | None:
    """The exact value: a report rounds it, but the share of the places gives it back."""
    sites, rounded = check.sites, check.satisfaction
    decided = sites.passed + sites.partial + sites.failed if sites is not None else 0
    if sites is None or rounded is None or not decided:
        return rounded
    share = (sites.passed + sites.partial / 2) / decided
    return share if round(share, 3) == rounded else rounded


def _split(old: Report, new: Report, change: float) -> Split:
    """The two parts of a change that two rulers measured.

    Raises:
        RulersDifferError: they share too little.
    """
    if [layer.name for layer in old.layers] != [layer.name for layer in new.layers]:
        raise _refusal("their layers differ")
    counted = {check.name for check in old.checks if not check.experimental}
    shared = counted & {check.name for check in new.checks if not check.experimental}
    least = min(_share(old, shared), _share(new, shared))
    if least < LEAST_SHARED:
        raise _refusal(f"{math.floor(least * 100)} % of their weight")
    both = {check.name for check in old.checks} & {check.name for check in new.checks}
    before, after = rescored(old, new, both), rescored(new, new, both)
    if before is None or after is None:
        raise _refusal("no check that both have could be decided")
    work = difference(before, after)
    return Split(work, difference(work, change))


def _share(report: Report, names: Collection[str]) -> float:
    """The part of a report's weight that the checks named have."""
    weights = {check.name: _POINTS.get(check.weight, 0) for check in report.checks if not check.experimental}
    total = sum(weights.values())
    return sum(weights[name] for name in names) / total if total else 0.0


def _refusal(what: str) -> RulersDifferError:
    return RulersDifferError(
        f"these two reports were measured with rulers that share too little ({what}): scan OLD again with this version"
    )


def _by_names(report: Report, names: Mapping[str, str]) -> Report:
    """The report with its checks under the names they have now."""
    return replace(
        report,
        checks=tuple(replace(check, name=names.get(check.name, check.name)) for check in report.checks),
        suppressed=tuple(replace(one, check=names.get(one.check, one.check)) for one in report.suppressed),
    )


def _side(report: Report) -> Side:
    repository = report.repository
    return Side(repository.name, repository.revision, repository.dirty, report.as_of, report.ruler, report.score)


def _layers(old: Report, new: Report) -> tuple[LayerChange, ...]:
    scores = {layer.name: layer.score for layer in old.layers}
    changes = []
    for layer in new.layers:
        before, after = scores.get(layer.name), layer.score
        change = difference(before, after) if before is not None and after is not None else None
        changes.append(LayerChange(layer.name, layer.title, before, after, change))
    return tuple(changes)


def _debts(old: Report, new: Report) -> tuple[DebtChange, ...]:
    before = {debt.name: debt.days for debt in old.debts}
    after = {debt.name: debt.days for debt in new.debts}
    days = {name: (before.get(name, 0.0), after.get(name, 0.0)) for name in {**after, **before}}
    return tuple(DebtChange(name, was, now, difference(was, now)) for name, (was, now) in days.items())


def _checks(old: Report, new: Report) -> tuple[CheckChange, ...]:
    """What changed, in the order of the new catalogue; checks that are gone come last."""
    before = {check.name: _standing(check) for check in old.checks}
    after = {check.name: _standing(check) for check in new.checks}
    changes = []
    for name in {**after, **before}:
        first, second = before.get(name), after.get(name)
        word = _word(first, second)
        if word and any(one is not None and not one.experimental for one in (first, second)):
            changes.append(CheckChange(name, word, first, second))
    return tuple(changes)


def _standing(check: CheckReport) -> Standing:
    return Standing(check.verdict, check.satisfaction, check.weight, check.layer, check.experimental)


def _word(before: Standing | None, after: Standing | None) -> str:
    """The kind of a change, empty where there is none."""
    if before is None or after is None:
        return "new" if before is None else "gone"
    if before.satisfaction is not None and after.satisfaction is not None:
        if before.satisfaction != after.satisfaction:
            return "better" if after.satisfaction > before.satisfaction else "worse"
    elif before.verdict != after.verdict:
        return "otherwise"
    counts = ((one.weight, one.layer, one.experimental) for one in (before, after))
    return "recounted" if len(set(counts)) > 1 else ""


def difference(before: float, after: float) -> float:
    """What lies between two numbers of one decimal, exactly as they are shown."""
    return (round(after * 10) - round(before * 10)) / 10
