"""The report for GitLab's Code Quality: a list of findings, which a merge request shows beside the lines it changes."""

from __future__ import annotations

import json
from collections import Counter
from typing import TypedDict

from readiness.report.findings import Listed, reported
from readiness.report.model import Report, RepositorySummary
from readiness.report.sanitize import clean, cut, one_line

SEVERITIES = {
    "fail": {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor"},
    "partial": {"critical": "critical", "high": "major", "medium": "minor", "low": "info"},
}
"""By verdict and weight: a half is one step lower than a failure."""

_DESCRIPTION = 1000


class _Lines(TypedDict):
    """The first and the last line of a finding."""

    begin: int
    end: int


class _Location(TypedDict):
    """Where a finding is; GitLab links what has the path of a file, relative to the root."""

    path: str
    lines: _Lines


class _Finding(TypedDict):
    """One entry; GitLab tells what is new or fixed by the fingerprint."""

    description: str
    check_name: str
    fingerprint: str
    severity: str
    location: _Location


def to_gitlab(report: Report) -> str:
    """The reported findings as a Code Quality artifact, worst first; an empty list where there are none.

    What is accepted or known in the baseline is left out: GitLab has no mark for it, and would call it degradation.
    """
    listed = reported(report)
    entries = [
        _entry(one, known_by, report.repository) for one, known_by in zip(listed, _fingerprints(listed), strict=True)
    ]
    return json.dumps(entries, ensure_ascii=False, indent=2) + "\n"


def _entry(one: Listed, fingerprint: str, repository: RepositorySummary) -> _Finding:
    begin = max(1, one.finding.line)
    return {
        "description": _description(one),
        "check_name": clean(one.check),
        "fingerprint": fingerprint,
        "severity": SEVERITIES.get(one.finding.verdict, {}).get(one.weight, "info"),
        "location": {
            # GitLab wants a file: what the repository lacks is said where it is described. A name with controls in it
            # is shown, not linked: harmless comes first.
            "path": clean(repository.prefix + (one.finding.path or repository.front_page)),
            "lines": {"begin": begin, "end": max(begin, one.finding.end_line)},
        },
    }


def _description(one: Listed) -> str:
    """What is wrong, and by which check: GitLab shows its users no other field."""
    text = one_line(one.finding.message) or one_line(one.statement)
    of_all = "" if one.finding.path else ", of the repository as a whole"
    return f"{cut(text, _DESCRIPTION)} ({clean(one.check)}{of_all})"


def _fingerprints(listed: tuple[Listed, ...]) -> list[str]:
    """One for each finding, none twice: of two that are equal GitLab shows one."""
    seen: Counter[str] = Counter()
    names = []
    for one in listed:
        name = clean(one.finding.fingerprint)
        seen[name] += 1
        names.append(name if name and seen[name] == 1 else f"{name}-{seen[name]}")
    return names
