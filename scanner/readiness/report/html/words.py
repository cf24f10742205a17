"""What the page says in sentences, and how it writes numbers."""

from __future__ import annotations

from readiness.assess.scales import Grades
from readiness.report import sentences
from readiness.report.model import CheckReport, Report, ScoreSummary, SiteCounts
from readiness.report.page import count
from readiness.report.sanitize import clean, one_line

VERDICTS = ("fail", "partial", "unknown", "pass", "not-applicable")
GRADES = ("A", "B", "C", "D", "F")
_LONGEST_PATH = 240


def points(score: float) -> str:
    """A score with its decimal: reports round it down, and so nothing is rounded here."""
    return f"{score:.1f}"


def gain(value: float) -> str:
    """What a check would add to the score."""
    return f"+{value:.1f}" if value >= 0.05 else "under 0.1"


def days(value: float) -> str:
    """`1 day`, `6.5 days`."""
    return "1 day" if value == 1 else f"{value:.1f} days"


def share(value: float) -> str:
    """A share in whole per cent, never rounded up."""
    return f"{int(value * 100 + 1e-6)} %"


def contents(report: Report) -> list[tuple[str, str]]:
    """The sections that the page has, as anchor and title."""
    scored = report.score is not None
    sections = (
        ("score", "Score", True),
        ("stack", "The stack", scored),
        ("changed", "What changed", report.scope is not None),
        ("next", "Fix first", scored),
        ("gaps", "Gaps", scored),
        ("checks", "Every check", scored),
        ("accepted", "Accepted", bool(report.suppressed or report.exemptions)),
        ("attested", "Attested", bool(report.attestations)),
        ("model-calls", "Calls of models", bool(report.model_calls)),
        ("problems", "Cannot be imported", bool(report.problems)),
        ("skipped", "Not read", bool(report.skipped)),
    )
    return [(anchor, title) for anchor, title, there in sections if there]


def kind(name: str) -> str:
    """`llm-service` as people write it: LLM service."""
    return sentences.kind_in_words(name)


def grade_class(grade: str | None) -> str:
    """The class of a grade's colours; a grade that is none has the neutral ones."""
    return f"grade-{grade.lower()}" if grade in GRADES else "grade-none"


def verdict_class(verdict: str) -> str:
    """The class of a verdict's colours."""
    return f"is-{verdict}" if verdict in VERDICTS else "is-unknown"


def verdict(name: str) -> str:
    """A verdict as people write it."""
    return "not applicable" if name == "not-applicable" else name


def state(name: str) -> str:
    """Why a finding is not reported."""
    return {"known": "known to the baseline", "moved": "known and moved", "outside": "outside of the change"}[name]


def place(path: str, line: int) -> str:
    """`path:line`, a path of unusual length cut at its beginning."""
    shown = clean(path)
    if len(shown) > _LONGEST_PATH:
        shown = f"…{shown[1 - _LONGEST_PATH :]}"
    return f"{shown}:{line}" if line > 0 else shown


def without_score(report: Report) -> str:
    """The one clear sentence where there is no score."""
    name = clean(report.repository.name)[:120] or "This repository"
    return sentences.without_score(name, report.repository.gates.get("model", False))


def interval(score: ScoreSummary) -> str:
    """How sure the score is."""
    decided = f"{share(score.coverage)} of what applies could be decided"
    if score.high > score.low:
        return f"Between {points(score.low)} and {points(score.high)}: {decided}, and the rest may turn out either way."
    if score.coverage < 1:
        return f"{decided}."
    return "Everything that applies could be decided, so the score has no margin."


def cap(score: ScoreSummary, grades: Grades) -> str:
    """What the failed critical checks do to the grade; their names follow."""
    number = count(len(score.capped_by), f"{grades.cap_weight} check")
    verb = "fails" if len(score.capped_by) == 1 else "fail"
    if score.uncapped_grade != score.grade:
        return f"The points alone would be grade {score.uncapped_grade}, but {number} {verb}:"
    return f"{number} {verb}, and while one does, no grade is better than {grades.cap}:"


def gate(report: Report) -> str:
    """The gate's result in one sentence; empty where nothing was demanded."""
    if report.gate is None:
        return ""
    missed = sum(not one.met for one in report.gate.demands)
    if report.gate.met:
        return "The gate is met."
    return f"The gate is not met: {missed} of {count(len(report.gate.demands), 'demand')} {_fails(missed)}."


def _fails(number: int) -> str:
    return "fails" if number == 1 else "fail"


def change(report: Report) -> str:
    """How the score moved since the baseline was written; empty where that is not known."""
    score, before = report.score, report.scope.before if report.scope else None
    if score is None or before is None:
        return ""
    told = f"The score was {points(before.value)} ({before.grade})"
    if not before.same_ruler:
        return f"{told} by another version of the catalogue: the two numbers cannot be compared."
    moved = round(score.value - before.value, 1)
    if not moved:
        return f"{told} and has not moved."
    return f"{told} and is {points(score.value)} ({score.grade}) now: {moved:+.1f} points."


def told(check: CheckReport) -> str:
    """What is wrong, in one sentence: how often, and what the first place says."""
    return one_line(sentences.told(check))


def sites(counts: SiteCounts) -> str:
    """`14 places: 9 pass, 5 fail`."""
    named = ((counts.passed, "pass"), (counts.partial, "partial"), (counts.failed, "fail"), (counts.unknown, "unknown"))
    each = ", ".join(f"{number} {word}" for number, word in named if number)
    return f"{count(counts.total, 'place')}: {each}" if each else "no place"
