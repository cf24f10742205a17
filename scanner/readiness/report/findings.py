"""The findings of a report as one list, worst first: what lists, annotations and gates go through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from readiness.report.model import FindingReport, Report

EXEMPTIONS = "exemptions-in-order"
"""The rule of findings that are of no check: a suppression or a waiver that is unused, expired or malformed."""

EXEMPTIONS_STATEMENT = "Every suppression and waiver has a reason, is in force, and is still needed."
WEIGHTS = ("critical", "high", "medium", "low")
_VERDICTS = ("fail", "partial")


@dataclass(frozen=True, slots=True)
class Listed:
    """A finding with the check it is of; `layer` and `debt` are empty for `EXEMPTIONS`, whose weight is low.

    `of_site` when the check judges place by place, so that the finding's verdict is that of its own place.
    """

    check: str
    statement: str
    weight: str
    layer: str
    debt: str
    effort: str
    finding: FindingReport
    of_site: bool = False


def reported(report: Report) -> tuple[Listed, ...]:
    """The findings to speak of: heaviest check first, failures before halves, then by place."""
    return tuple(one for one in every(report) if one.finding.reported)


def every(report: Report) -> tuple[Listed, ...]:
    """All findings, also those that a baseline or a revision leaves out; in the order of `reported`.

    What could not be decided accuses nobody, and what is experimental is not counted: neither is listed.
    """
    of_checks = (
        Listed(
            check.name,
            check.statement,
            check.weight,
            check.layer,
            check.debt,
            check.effort,
            finding,
            check.sites is not None,
        )
        for check in report.checks
        if not check.experimental
        for finding in check.findings
        if finding.verdict in _VERDICTS
    )
    return tuple(sorted([*of_checks, *_of_exemptions(report)], key=_order))


def _of_exemptions(report: Report) -> Iterable[Listed]:
    for exemption in report.exemptions:
        if exemption.finding is not None:
            yield Listed(EXEMPTIONS, EXEMPTIONS_STATEMENT, "low", "", "", "minutes", exemption.finding)


def _order(one: Listed) -> tuple[int, int, str, int, str, str]:
    finding = one.finding
    weight = WEIGHTS.index(one.weight) if one.weight in WEIGHTS else len(WEIGHTS)
    verdict = _VERDICTS.index(finding.verdict) if finding.verdict in _VERDICTS else len(_VERDICTS)
    return weight, verdict, finding.path, finding.line, one.check, finding.message
