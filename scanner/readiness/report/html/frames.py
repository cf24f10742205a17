"""Places with what is said of them and their lines of code."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.report.model import EvidenceReport, FindingReport
from readiness.report.sanitize import one_line, source_line

_WIDEST = 200
"""Characters of a line of code, after what is hidden in it has been written out."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A place on the page. `state` is what a baseline says of a finding; `hidden` counts lines that are not shown."""

    path: str
    line: int
    message: str
    verdict: str
    state: str
    lines: tuple[tuple[int, str], ...]
    hidden: int


def of_finding(finding: FindingReport) -> Frame:
    """A finding with its code."""
    return _frame(finding, finding.message, finding.verdict, finding.state)


def of_evidence(evidence: EvidenceReport, verdict: str) -> Frame:
    """A place that speaks for a verdict, with its code."""
    return _frame(evidence, evidence.text, verdict, "")


def _frame(one: FindingReport | EvidenceReport, message: str, verdict: str, state: str) -> Frame:
    source = [source_line(text) for text in one.source.split("\n")] if one.source else []
    # What all lines are set in by is taken off: a phone has no room for it.
    edge = min((len(text) - len(text.lstrip(" ")) for text in source if text), default=0)
    lines = tuple((number, text[edge : edge + _WIDEST]) for number, text in enumerate(source, start=one.line))
    hidden = max(0, one.end_line - one.line + 1 - len(source)) if source else 0
    return Frame(one.path, one.line, one_line(message), verdict, state, lines, hidden)
