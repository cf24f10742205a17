"""Only what changed: findings outside of what differs from a revision keep their place, and are not reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from readiness.report.baseline import counts, with_states
from readiness.report.findings import every
from readiness.report.model import FindingReport, Report, ScopeReport


def with_changes(report: Report, since: str, base: str, touched: Callable[[str, int, int], bool]) -> Report:
    """The report with the state of each finding; what a baseline knows stays known.

    Args:
        report: all findings, with the states that a baseline gave them, if there is one.
        since: the revision, as it was given.
        base: the commit that changes are counted from.
        touched: whether the lines of a file (path, first, last) say something that they did not say there.
    """
    states = {one.finding.fingerprint: _state(one.finding, touched) for one in every(report)}
    scope = report.scope or ScopeReport(baseline=None, since=since, base=base, new=0, known=0, moved=0, outside=0)
    counted = counts(states.values())
    return replace(
        with_states(report, states),
        scope=replace(scope, since=since, base=base, new=counted["new"], outside=counted["outside"]),
    )


def _state(finding: FindingReport, touched: Callable[[str, int, int], bool]) -> str:
    if finding.state in ("known", "moved"):
        return finding.state
    inside = bool(finding.path) and touched(finding.path, finding.line, max(finding.line, finding.end_line))
    return "new" if inside else "outside"
