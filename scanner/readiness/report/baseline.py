"""The baseline: findings that are known, so that a repository with a past can be held to getting no worse.

An entry is known again by its fingerprint; by its content in the same file, where only its surroundings were renamed;
or by its content in another file, where its own is gone: then it has moved. An entry whose own place got worse is new;
what judges the repository as a whole has no such place, and stands at the first of many.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from readiness.errors import UsageError
from readiness.report.findings import Listed, every
from readiness.report.json import printable, written
from readiness.report.model import BeforeReport, FindingReport, FixedReport, Report, RulerReport, ScopeReport
from readiness.report.saved import from_json

FILE_NAME = "readiness-baseline.json"
FORMAT = "1"
_WORSE = {"unknown": 0, "partial": 1, "fail": 2}


@dataclass(frozen=True, slots=True)
class Known:
    """One finding that is known. `content` stands for what its place says."""

    check: str
    path: str
    message: str
    verdict: str
    fingerprint: str
    content: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a repository was like: its score (None without a model), the ruler it was measured with, its findings."""

    ruler: RulerReport
    score: float | None
    grade: str | None
    findings: tuple[Known, ...]


@dataclass(frozen=True, slots=True)
class Matched:
    """A baseline laid over a report: the state of each finding (by fingerprint), and the entries nothing matches."""

    states: dict[str, str]
    stale: tuple[Known, ...]


def baseline_of(report: Report) -> Baseline:
    """Everything that a report finds, whatever of it is reported; sorted, so that a file of it changes little."""
    entries = (
        Known(
            one.check,
            one.finding.path,
            one.finding.message,
            one.finding.verdict,
            one.finding.fingerprint,
            one.finding.content,
        )
        for one in every(report)
    )
    score = report.score
    return Baseline(
        report.ruler,
        score.value if score else None,
        score.grade if score else None,
        tuple(sorted(entries, key=lambda one: (one.check, one.path, one.message, one.fingerprint))),
    )


def to_text(baseline: Baseline) -> str:
    """The baseline as a file: JSON, one entry to a line, so that a review shows what was accepted."""
    head = {
        "readiness_baseline": FORMAT,
        "ruler": asdict(baseline.ruler),
        "score": baseline.score,
        "grade": baseline.grade,
    }
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    entries = [f"    {written(printable(asdict(one)))}" for one in baseline.findings]
    return "\n".join(["{", *lines, '  "findings": [', ",\n".join(entries), "  ]", "}"]) + "\n"


def from_text(text: str, name: str, names: Mapping[str, str] = MappingProxyType({})) -> Baseline:
    """The baseline in `text`: a file that `readiness baseline` wrote, or a saved JSON report.

    Args:
        text: the file's content.
        name: what to call it in an error.
        names: names that checks have or had, with the names they have now; a finding of a check that was renamed is
            known by what its place says.

    Raises:
        UsageError: it is neither.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not JSON ({error}); write it again with `readiness baseline`") from error
    try:
        saved = isinstance(data, dict) and "schema_version" in data
        baseline = baseline_of(from_json(text, name)) if saved else _read(data)
        current = tuple(replace(one, check=names.get(one.check, one.check)) for one in baseline.findings)
        return replace(baseline, findings=current)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{name} is no baseline of this readiness; write it again with `readiness baseline`"
        ) from error


def _read(data: Any) -> Baseline:
    if data["readiness_baseline"] != FORMAT:
        raise ValueError("format")
    score, grade = data["score"], data["grade"]
    if not isinstance(score, int | float | None) or not isinstance(grade, str | None):
        raise TypeError("score")
    ruler = RulerReport(str(data["ruler"]["version"]), str(data["ruler"]["hash"]))
    names = Known.__slots__
    findings = tuple(Known(*(_text(entry[name]) for name in names)) for entry in data["findings"])
    return Baseline(ruler, None if score is None else float(score), grade, findings)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value


def match(report: Report, baseline: Baseline, exists: Callable[[str], bool]) -> Matched:
    """Say of each finding of a report whether the baseline knows it.

    Args:
        report: all findings of the repository as it is.
        baseline: those it had.
        exists: whether a file of this path is in the repository now; the findings of one that is gone may have moved.
    """
    left = {entry.fingerprint: entry for entry in baseline.findings}
    states: dict[str, str] = {}
    unmatched = []
    for one in every(report):
        entry = left.pop(one.finding.fingerprint, None)
        if entry is None:
            unmatched.append(one)
        else:
            states[one.finding.fingerprint] = _state(one, entry, "known")
    unmatched = _by_content(unmatched, left, states, "known", lambda one, entry: one.finding.path == entry.path)
    gone = {entry.path for entry in left.values() if entry.path and not exists(entry.path)}
    unmatched = _by_content(unmatched, left, states, "moved", lambda one, entry: entry.path in gone)
    states |= {one.finding.fingerprint: "new" for one in unmatched}
    return Matched(states, tuple(left.values()))


def _by_content(
    findings: list[Listed],
    left: dict[str, Known],
    states: dict[str, str],
    state: str,
    fits: Callable[[Listed, Known], bool],
) -> list[Listed]:
    """Match findings and entries of equal content one to one where they fit; returns the findings without an entry."""
    by_content: defaultdict[tuple[str, str], list[Known]] = defaultdict(list)
    for entry in left.values():
        by_content[entry.check, entry.content].append(entry)
    unmatched = []
    for one in findings:
        entries = by_content[one.check, one.finding.content]
        fitting = [entry for entry in entries if entry.content and fits(one, entry)]
        if not fitting:
            unmatched.append(one)
            continue
        entries.remove(fitting[0])
        del left[fitting[0].fingerprint]
        states[one.finding.fingerprint] = _state(one, fitting[0], state)
    return unmatched


def _state(one: Listed, entry: Known, otherwise: str) -> str:
    worse = one.of_site and _WORSE.get(one.finding.verdict, 0) > _WORSE.get(entry.verdict, 2)
    return "new" if worse else otherwise


def with_baseline(report: Report, baseline: Baseline, source: str, exists: Callable[[str], bool]) -> Report:
    """The report with the state of each finding, and what of the baseline is fixed.

    Args:
        report: all findings of the repository as it is.
        baseline: those it had.
        source: the name of the baseline's file.
        exists: whether a file of this path is in the repository now.
    """
    matched = match(report, baseline, exists)
    stated = with_states(report, matched.states)
    unseen = _unseen(report)
    accepted = {one.fingerprint for one in report.suppressed}
    fixed = [entry for entry in matched.stale if not unseen(entry) and entry.fingerprint not in accepted]
    before = None
    if baseline.score is not None and baseline.grade is not None:
        before = BeforeReport(baseline.score, baseline.grade, baseline.ruler.hash == report.ruler.hash)
    scope = ScopeReport(
        baseline=source,
        since=None,
        base=None,
        **counts(matched.states.values()),
        fixed=tuple(FixedReport(one.check, one.path, one.message, one.fingerprint) for one in fixed),
        before=before,
    )
    return replace(stated, scope=scope)


def pruned(baseline: Baseline, report: Report, exists: Callable[[str], bool]) -> Baseline:
    """The baseline without the entries that are fixed; what has moved stands under its new path, nothing is added."""
    states = match(report, baseline, exists).states
    known = {fingerprint for fingerprint, state in states.items() if state in ("known", "moved")}
    kept = [entry for entry in baseline_of(report).findings if entry.fingerprint in known]
    return rewritten(baseline, replace(baseline_of(report), findings=tuple(kept)), report, exists)


def rewritten(old: Baseline, new: Baseline, report: Report, exists: Callable[[str], bool]) -> Baseline:
    """A new baseline that forgets nothing the scan could not look at: what is unreadable today may be back tomorrow."""
    unseen = _unseen(report)
    kept = [entry for entry in match(report, old, exists).stale if unseen(entry)]
    return replace(
        new, findings=tuple(sorted([*new.findings, *kept], key=lambda one: (one.check, one.path, one.message)))
    )


def _unseen(report: Report) -> Callable[[Known], bool]:
    """Whether nothing can be said of an entry now: its file was not read, or its check could not be decided."""
    skipped = {file.path for file in report.skipped}
    folders = tuple(path for path in skipped if path.endswith("/"))
    undecided = {check.name for check in report.checks if check.verdict == "unknown"}

    def unseen(entry: Known) -> bool:
        return entry.path in skipped or entry.path.startswith(folders) or entry.check in undecided

    return unseen


def with_states(report: Report, states: dict[str, str]) -> Report:
    """The report with these states of its findings, by fingerprint."""

    def stated(finding: FindingReport) -> FindingReport:
        return replace(finding, state=states.get(finding.fingerprint, finding.state))

    return replace(
        report,
        checks=tuple(replace(check, findings=tuple(map(stated, check.findings))) for check in report.checks),
        exemptions=tuple(
            replace(one, finding=stated(one.finding)) if one.finding else one for one in report.exemptions
        ),
    )


def counts(states: Iterable[str]) -> dict[str, int]:
    """How many findings are in each state."""
    counted = Counter(states)
    return {state: counted[state] for state in ("new", "known", "moved", "outside")}
