"""Where the gaps are: layer by debt, and what each kind of debt costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from readiness.assess.catalogue import Catalogue
from readiness.report.model import LayerReport, Report

_UNDECIDED = ("unknown", "not-applicable")


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a layer meets a debt: its score, the grade that would be, and how many checks were decided and not."""

    debt: str
    score: float | None
    grade: str | None
    checks: int
    undecided: int


@dataclass(frozen=True, slots=True)
class Row:
    """One layer of the map."""

    number: int
    layer: LayerReport
    grade: str | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Debt:
    """What is owed in one category; `length` is its bar, the longest being 100."""

    name: str
    title: str
    description: str
    days: float
    share: float
    length: float


def gaps(report: Report, catalogue: Catalogue) -> tuple[Row, ...]:
    """The rows of the map, the top layer first, as the stack is drawn."""
    scores = {(cell.layer, cell.debt): cell.score for cell in report.grid}
    counted = Counter(
        (check.layer, check.debt, check.verdict in _UNDECIDED) for check in report.checks if not check.experimental
    )
    return tuple(
        Row(
            number,
            layer,
            _grade(layer.score, catalogue),
            tuple(
                Cell(
                    debt.name,
                    score,
                    _grade(score, catalogue),
                    checks=counted[layer.name, debt.name, False],
                    undecided=counted[layer.name, debt.name, True],
                )
                for debt in report.debts
                for score in (scores.get((layer.name, debt.name)),)
            ),
        )
        for number, layer in reversed(list(enumerate(report.layers, start=1)))
    )


def debts(report: Report, catalogue: Catalogue) -> tuple[Debt, ...]:
    """The kinds of debt in the report's order, which is that of the map's columns."""
    known = {debt.name: debt for debt in catalogue.debts}
    longest = max((debt.days for debt in report.debts), default=0.0) or 1.0
    return tuple(
        Debt(
            debt.name,
            known[debt.name].title if debt.name in known else debt.name.capitalize(),
            known[debt.name].description if debt.name in known else "",
            debt.days,
            debt.share,
            round(100 * debt.days / longest, 1),
        )
        for debt in report.debts
    )


def _grade(score: float | None, catalogue: Catalogue) -> str | None:
    return None if score is None else catalogue.grades.of(score)
