"""Suppressions and waivers in the report: the findings they cover, and what is to be mended about themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable

from readiness.assess.assessment import Exempted, Finding
from readiness.assess.exemptions import Exemption, Origin
from readiness.report.findings import EXEMPTIONS
from readiness.report.model import ExemptionReport, FindingReport, SuppressedReport
from readiness.report.secrets import mask
from readiness.report.source import Source, digest, finding_reports


def suppressed_reports(exempted: Iterable[Exempted], source: Source) -> tuple[SuppressedReport, ...]:
    """The findings that are accepted, by place."""
    by_check: defaultdict[str, list[Exempted]] = defaultdict(list)
    for one in exempted:
        by_check[one.check].append(one)
    reports = []
    for check, group in by_check.items():
        findings: list[Finding] = [one.finding for one in group]
        for one, shown in zip(group, finding_reports(check, findings, source), strict=True):
            reports.append(_suppressed(check, one.exemption, shown))
    return tuple(sorted(reports, key=lambda one: (one.path, one.line, one.check, one.message)))


def _suppressed(check: str, exemption: Exemption, finding: FindingReport) -> SuppressedReport:
    return SuppressedReport(
        check=check,
        path=finding.path,
        line=finding.line,
        reason=mask(exemption.reason),
        end_line=finding.end_line,
        message=finding.message,
        verdict=finding.verdict,
        fingerprint=finding.fingerprint,
        origin=str(exemption.origin),
        kind=str(exemption.kind),
        owner=mask(exemption.owner),
        expires=exemption.expires,
        evidence=mask(exemption.evidence),
    )


def exemption_reports(
    exemptions: Iterable[Exemption], exempted: Iterable[Exempted], undecided: Container[str], unread: Container[str]
) -> tuple[ExemptionReport, ...]:
    """Every suppression and waiver by the place where it is written, with a finding where it is not in order.

    Args:
        exemptions: all of them.
        exempted: the findings that they cover.
        undecided: checks that left a place unknown: of their exemptions nobody can say that they are not needed.
        unread: files that could not be read, for the same reason.
    """
    used = Counter(id(one.exemption) for one in exempted)
    seen: Counter[str] = Counter()
    reports = []
    for one in sorted(exemptions, key=lambda one: (one.place, one.check)):
        doubtful = one.check in undecided or one.place.path in unread
        standing = _standing(one, used[id(one)], doubtful)
        message = mask(_fault(one, standing))
        content = digest(EXEMPTIONS, str(one.origin), one.check, one.pattern, one.reason)
        seen[content] += 1
        fingerprint = digest(content, one.place.path, str(seen[content]))
        finding = FindingReport(*one.place, message, fingerprint, "fail", content=content) if message else None
        reports.append(_exemption(one, standing, used[id(one)], finding))
    return tuple(reports)


def _standing(one: Exemption, findings: int, doubtful: bool) -> str:
    if one.expired:
        return "expired"
    if not one.in_force:
        return "malformed"
    return "used" if findings or doubtful else "unused"


def _fault(one: Exemption, standing: str) -> str:
    """What is to be mended, in a sentence; empty where all is in order."""
    what = "suppression" if one.origin is Origin.CODE else "waiver"
    subject = f"the {what} of {one.check}" if one.check else f"this {what}"
    if standing == "unused":
        return f"{subject} covers no finding any more: take it out"
    return f"{subject} {one.problem}" if one.problem else ""


def _exemption(one: Exemption, standing: str, findings: int, fault: FindingReport | None) -> ExemptionReport:
    scope = one.pattern if one.origin is Origin.CONFIGURATION else f"{one.place.path}:{one.target}"
    return ExemptionReport(
        check=mask(one.check),
        origin=str(one.origin),
        kind=str(one.kind),
        scope=scope,
        reason=mask(one.reason),
        owner=mask(one.owner),
        expires=one.expires,
        evidence=mask(one.evidence),
        path=one.place.path,
        line=one.place.line,
        standing=standing,
        findings=findings,
        finding=fault,
    )
