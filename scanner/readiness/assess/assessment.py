"""What an assessment says: verdicts, scores, debts and next actions, as data. docs/explanation/the-score.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from readiness.assess.exemptions import Exemption
from readiness.facts.place import Evidence, Place

REPOSITORY = Place("", 0, 0)
"""Where a finding is whose thing is absent: no file holds it, so reports speak of the repository as a whole."""


class Verdict(StrEnum):
    """The five verdicts; NOT_APPLICABLE and UNKNOWN leave the sums."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    PARTIAL = "partial"
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: where (or `REPOSITORY`, for what is nowhere), and what is wrong there."""

    place: Place
    message: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Sites:
    """How many sites of a per-site check got which verdict; sites that did not enter the verdict are not counted."""

    passed: int = 0
    partial: int = 0
    failed: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """One check's outcome.

    `satisfaction` is None when the verdict is not-applicable or unknown, 1 for pass, 0 for fail, and for partial the
    mean of the sites (0.5 on a ladder, or where the worst site decides).
    `gain` is the overall score recomputed with this check at 1.0, minus the score, in points; 0 for satisfied checks.
    `unclear` are the places that could not be decided. `accepted` when all that it lacks is accepted by the owners.
    """

    check: str
    verdict: Verdict
    satisfaction: float | None
    sites: Sites | None
    evidence: tuple[Evidence, ...]
    findings: tuple[Finding, ...]
    gain: float = 0.0
    unclear: tuple[Evidence, ...] = ()
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class LayerScore:
    """A layer's score out of 100, None when nothing in it was decided; `checks` counts the decided ones."""

    name: str
    score: float | None
    checks: int


@dataclass(frozen=True, slots=True)
class Debt:
    """What is owed in one category: effort in days, and its share of all that is owed."""

    name: str
    days: float
    share: float


@dataclass(frozen=True, slots=True)
class Action:
    """The next thing to do: its exact gain in points and its effort (minutes, hours or days).

    The gain counts what the check `implies` with it, and each check once: the gains of all actions add up to what is
    missing from the score.
    """

    check: str
    gain: float
    effort: str


@dataclass(frozen=True, slots=True)
class Score:
    """The headline. `low` counts every unknown as fail, `high` as pass; `coverage` is known over applicable weight.

    `capped_by` names the failed critical checks, also when the grade is no better than the cap without them.
    `stack_height` counts the standing layers from the bottom up to the first that does not stand; a layer that is not
    scored neither counts nor breaks the stack.
    """

    value: float
    low: float
    high: float
    grade: str
    uncapped_grade: str
    capped_by: tuple[str, ...]
    stack_height: int
    coverage: float


@dataclass(frozen=True, slots=True)
class Ruler:
    """Which catalogue measured: its version and content hash."""

    version: str
    hash: str


@dataclass(frozen=True, slots=True)
class Exempted:
    """A finding that an exemption keeps out of the results."""

    check: str
    finding: Finding
    exemption: Exemption


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything an assessment says; exact values, which only reports round.

    `score` is None when the repository uses no model (then `results` is empty too) or when nothing could be decided.
    """

    ruler: Ruler
    score: Score | None
    layers: tuple[LayerScore, ...]
    debts: tuple[Debt, ...]
    grid: dict[tuple[str, str], float | None] = field(default_factory=dict)
    """(layer, debt) -> score out of 100 over the decided checks there, None where nothing was decided."""
    results: tuple[Result, ...] = ()
    actions: tuple[Action, ...] = ()
    raw: Score | None = None
    """The score without any exemption, None when none is in force."""
    exempted: tuple[Exempted, ...] = ()
