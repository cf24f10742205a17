"""What is owed, and what to do next: debts in days, and actions by gain per effort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import fsum

from readiness.assess.assessment import Action, Debt
from readiness.assess.check import HOURS, Check
from readiness.assess.score import Card, Judged

HOURS_A_DAY = 8


def debts(judged: Iterable[Judged], names: Iterable[str]) -> tuple[Debt, ...]:
    """Return the effort still owed in each category: a check's effort times what is missing of its satisfaction."""
    hours: dict[str, list[float]] = {name: [] for name in names}
    for check, result in judged:
        if result.satisfaction is not None:
            hours[check.debt].append(HOURS[check.effort] * (1 - result.satisfaction))
    days = {name: fsum(owed) / HOURS_A_DAY for name, owed in hours.items()}
    total = fsum(days.values())
    return tuple(Debt(name, owed, owed / total if total else 0.0) for name, owed in days.items())


def gains(card: Card) -> dict[str, float]:
    """Return, for each unsatisfied check, the overall score with that check at 1.0, minus the score.

    What the owners accept is not among them.
    """
    now = card.overall()
    if now is None:
        return {}
    found = {}
    for check, result in card.judged:
        if result.satisfaction is not None and result.satisfaction < 1 and not result.accepted:
            after = card.overall({check.name: 1.0})
            assert after is not None
            found[check.name] = after - now
    return found


def actions(checks: Mapping[str, Check], gain: Mapping[str, float]) -> tuple[Action, ...]:
    """Return what to do next, best gain per effort first; equal ones by gain, then by name.

    An action brings the checks it implies along, and each check's gain is counted in the first action that brings it:
    the gains of the list add up. They can be added because raising one check never changes what another brings; the
    weights that a score is divided by stay the same.
    """
    left = set(gain)
    listed = []
    while left:
        brought = {name: _brought(name, checks) & left for name in left}
        total = {name: fsum(gain[each] for each in brought[name]) for name in left}
        best = min(left, key=lambda name: (-total[name] / HOURS[checks[name].effort], -total[name], name))
        listed.append(Action(best, total[best], checks[best].effort))
        left -= brought[best]
    return tuple(listed)


def _brought(name: str, checks: Mapping[str, Check]) -> set[str]:
    """Return the check and all that it implies, directly or through others."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in seen and current in checks:
            seen.add(current)
            waiting.extend(checks[current].implies)
    return seen
