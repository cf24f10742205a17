"""From verdicts to the score, layer by layer. docs/explanation/the-score.md, in code.

Sums are made with `math.fsum`, whose result does not depend on the order of the checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from readiness.assess.assessment import LayerScore, Result, Score, Verdict
from readiness.assess.check import POINTS, Check
from readiness.assess.scales import Grades, Layer

Judged = tuple[Check, Result]
Grid = dict[tuple[str, str], float | None]


@dataclass(frozen=True, slots=True)
class Card:
    """A repository's results beside their checks, and the layers they count in, from the bottom up."""

    judged: tuple[Judged, ...]
    layers: tuple[Layer, ...]

    def layer_scores(self, better: Mapping[str, float] | None = None) -> tuple[LayerScore, ...]:
        """Return the score of every layer; `better` replaces the satisfaction of the checks it names."""
        counted = better or {}
        scores = []
        for layer in self.layers:
            inside = [(check, result) for check, result in self.judged if check.layer == layer.name]
            weighed = [
                (POINTS[check.weight], satisfaction)
                for check, result in inside
                if (satisfaction := counted.get(check.name, result.satisfaction)) is not None
            ]
            scores.append(LayerScore(layer.name, weighted(weighed), len(weighed)))
        return tuple(scores)

    def overall(self, better: Mapping[str, float] | None = None) -> float | None:
        """Return the mean of the scored layers, None when there is none; `better` as in `layer_scores`."""
        scored = [layer.score for layer in self.layer_scores(better) if layer.score is not None]
        return fsum(scored) / len(scored) if scored else None

    def unknown(self) -> list[str]:
        """Return the names of the checks that could not be decided."""
        return [check.name for check, result in self.judged if result.verdict == Verdict.UNKNOWN]

    def coverage(self) -> float:
        """Return the weight of the decided checks over that of the applicable ones, 1 when none is applicable."""
        applicable = self._weight(lambda result: result.verdict != Verdict.NOT_APPLICABLE)
        known = self._weight(lambda result: result.satisfaction is not None)
        return known / applicable if applicable else 1.0

    def grid(self, debts: Iterable[str]) -> Grid:
        """Return, for each layer and debt, the score out of 100 over the decided checks there."""
        cells: dict[tuple[str, str], list[tuple[float, float]]] = {
            (layer.name, debt): [] for debt in debts for layer in self.layers
        }
        for check, result in self.judged:
            if result.satisfaction is not None:
                cells[check.layer, check.debt].append((POINTS[check.weight], result.satisfaction))
        return {cell: weighted(entries) for cell, entries in sorted(cells.items())}

    def _weight(self, counts: Callable[[Result], bool]) -> int:
        return sum(POINTS[check.weight] for check, result in self.judged if counts(result))


def weighted(entries: Sequence[tuple[float, float]]) -> float | None:
    """Return the weighted mean of (weight, satisfaction) out of 100, None when there is nothing to weigh."""
    if not entries:
        return None
    return 100 * fsum(weight * satisfaction for weight, satisfaction in entries) / fsum(weight for weight, _ in entries)


def stack_height(layers: Iterable[LayerScore], threshold: float) -> int:
    """Return how many layers stand from the bottom up without a gap.

    A layer that is not scored is neither: it does not count, and what is above it may stand.
    """
    height = 0
    for layer in layers:
        if layer.score is None:
            continue
        if layer.score < threshold:
            break
        height += 1
    return height


def score(card: Card, grades: Grades) -> Score | None:
    """Return the headline, None when nothing was decided."""
    value = card.overall()
    if value is None:
        return None
    unknown = card.unknown()
    low = card.overall(dict.fromkeys(unknown, 0.0))
    high = card.overall(dict.fromkeys(unknown, 1.0))
    assert low is not None and high is not None  # more is decided than for the value
    raw = grades.of(value)
    failed = sorted(
        check.name
        for check, result in card.judged
        if check.weight == grades.cap_weight and result.verdict == Verdict.FAIL
    )
    return Score(
        value=value,
        low=low,
        high=high,
        grade=grades.capped(raw) if failed else raw,
        uncapped_grade=raw,
        capped_by=tuple(failed),
        stack_height=stack_height(card.layer_scores(), grades.stack_threshold),
        coverage=card.coverage(),
    )
