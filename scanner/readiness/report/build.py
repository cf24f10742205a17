"""From an assessment to a report: texts masked, numbers rounded (here and nowhere else), fingerprints given.

The builder reads no file. Source lines come from a callable, which may return an empty text.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from readiness.assess.assessment import Assessment, Result, Score, Verdict
from readiness.assess.attesting import Attested
from readiness.assess.catalogue import Catalogue
from readiness.assess.check import Check
from readiness.facts.place import Evidence, Place
from readiness.report.model import (
    ActionReport,
    AttestationReport,
    CheckReport,
    DebtReport,
    EvidenceReport,
    FileCounts,
    FindingReport,
    GridCell,
    LayerReport,
    ModelCallReport,
    ProblemReport,
    Report,
    RepositorySummary,
    RulerReport,
    ScoreSummary,
    SiteCounts,
    SkippedReport,
    SuppressedReport,
)
from readiness.report.secrets import mask
from readiness.repository.tree import Repository, Skipped

LinesOf = Callable[[str, int, int], str]
"""`lines_of(path, line, end_line)`: those lines of a file, joined by newlines; empty where there are none."""

# The checks whose evidence is a secret: no source line that they point at is shown by any check.
SECRET_CHECKS = frozenset({"no-hardcoded-secrets"})

_SOURCE_LINES = 5
_SOURCE_WIDTH = 200


def build_report(
    *,
    repository: Repository,
    assessment: Assessment,
    catalogue: Catalogue,
    files: FileCounts,
    gates: Mapping[str, bool],
    kinds: Sequence[str],
    lines_of: LinesOf,
    model_calls: Iterable[ModelCallReport] = (),
    problems: Iterable[ProblemReport] = (),
    suppressed: Iterable[SuppressedReport] = (),
    skipped: Iterable[Skipped] = (),
    attested: Iterable[Attested] = (),
    as_of: date | None = None,
) -> Report:
    """The report of one scan.

    Args:
        repository: what was opened; its own `skipped` files are always reported.
        assessment: verdicts and scores.
        catalogue: the checks, layers and debts that it was made with.
        files: how many files were read, by kind. `skipped` in it is counted here, whatever is passed.
        gates: what the repository has (`llm`, `rag`, …).
        kinds: what the repository is, in short names, the most telling first.
        lines_of: source lines for fingerprints and code frames.
        model_calls: one row per call of a model, in any order.
        problems: code that cannot be imported.
        suppressed: findings that the owners have accepted.
        skipped: files that were passed over after opening (they did not parse, say).
        attested: what the owners state, judged.
        as_of: the day the repository is judged on.
    """
    passed_over = _skipped([*repository.skipped, *skipped])
    return Report(
        ruler=RulerReport(assessment.ruler.version, assessment.ruler.hash),
        repository=RepositorySummary(
            name=repository.name,
            revision=repository.revision,
            dirty=repository.dirty,
            kinds=tuple(kinds),
            gates=dict(sorted(gates.items())),
            files=FileCounts(files.read, files.python, files.notebooks, len(passed_over)),
        ),
        score=_score(assessment.score),
        layers=_layers(assessment, catalogue),
        debts=tuple(DebtReport(debt.name, round(debt.days, 1), round(debt.share, 3)) for debt in assessment.debts),
        grid=tuple(
            GridCell(layer.name, debt.name, _points(assessment.grid.get((layer.name, debt.name))))
            for layer in catalogue.layers
            for debt in catalogue.debts
        ),
        checks=_checks(assessment, catalogue, lines_of),
        model_calls=tuple(sorted(model_calls, key=lambda call: (call.path, call.line, call.name, call.sdk))),
        actions=tuple(
            ActionReport(action.check, round(action.gain, 1), action.effort) for action in assessment.actions
        ),
        problems=tuple(
            sorted(
                (ProblemReport(problem.path, problem.line, mask(problem.message)) for problem in problems),
                key=lambda problem: (problem.path, problem.line, problem.message),
            )
        ),
        suppressed=tuple(sorted(suppressed, key=lambda one: (one.path, one.line, one.check))),
        skipped=passed_over,
        attestations=tuple(_attestation(one) for one in attested),
        as_of=as_of.isoformat() if as_of is not None else None,
    )


def _points(value: float | None) -> float | None:
    """A score to one decimal, never rounded up: 89.96 is not yet 90, and its grade is not yet an A."""
    return None if value is None else math.floor(value * 10 + 1e-6) / 10


def _score(score: Score | None) -> ScoreSummary | None:
    if score is None:
        return None
    value, low = _points(score.value), _points(score.low)
    assert value is not None and low is not None
    return ScoreSummary(
        value=value,
        low=low,
        # An interval is rounded outwards, unless it is none: then the three numbers must not seem to differ.
        high=value if abs(score.high - score.value) < 1e-9 else math.ceil(score.high * 10 - 1e-6) / 10,
        grade=score.grade,
        capped_by=score.capped_by,
        uncapped_grade=score.uncapped_grade,
        stack_height=score.stack_height,
        coverage=math.floor(score.coverage * 1000 + 1e-6) / 1000,
    )


def _layers(assessment: Assessment, catalogue: Catalogue) -> tuple[LayerReport, ...]:
    titles = {layer.name: layer.title for layer in catalogue.layers}
    height = assessment.score.stack_height if assessment.score else 0
    return tuple(
        LayerReport(layer.name, titles.get(layer.name, layer.name), _points(layer.score), layer.checks, number < height)
        for number, layer in enumerate(assessment.layers)
    )


def _checks(assessment: Assessment, catalogue: Catalogue, lines_of: LinesOf) -> tuple[CheckReport, ...]:
    by_name = {check.name: check for check in catalogue.checks}
    source = _Source(lines_of, hidden=_hidden_lines(assessment.results))
    aside = catalogue.accuracy.experimental
    return tuple(_check(by_name[result.check], result, source, result.check in aside) for result in assessment.results)


def _attestation(one: Attested) -> AttestationReport:
    return AttestationReport(
        claim=mask(one.claim),
        title=mask(one.title),
        owner=mask(one.owner),
        evidence=mask(one.evidence),
        date=one.date,
        expires=one.expires,
        standing=str(one.standing),
        problem=mask(one.problem),
        path=one.place.path,
        line=one.place.line,
        end_line=one.place.end_line,
    )


def _check(check: Check, result: Result, source: _Source, experimental: bool) -> CheckReport:
    seen: Counter[str] = Counter()
    findings = []
    for finding in result.findings:
        message = mask(finding.message)
        identity = source.identity(check.name, finding.place, message)
        seen[identity] += 1
        findings.append(
            FindingReport(
                *finding.place,
                message=message,
                fingerprint=_digest(identity, str(seen[identity])),
                verdict=str(finding.verdict),
                source=source.shown(finding.place),
            )
        )
    undecided = result.verdict in (Verdict.NOT_APPLICABLE, Verdict.UNKNOWN)
    sites = result.sites
    return CheckReport(
        name=check.name,
        layer=check.layer,
        debt=check.debt,
        weight=check.weight,
        verdict=str(result.verdict),
        satisfaction=None if undecided or result.satisfaction is None else round(result.satisfaction, 3),
        sites=SiteCounts(sites.passed, sites.partial, sites.failed, sites.unknown) if sites else None,
        evidence=tuple(_evidence(evidence, source) for evidence in result.evidence),
        findings=tuple(findings),
        gain=round(result.gain, 1),
        effort=check.effort,
        fix=_fix(check.fix),
        statement=check.statement,
        experimental=experimental,
    )


def _evidence(evidence: Evidence, source: _Source) -> EvidenceReport:
    return EvidenceReport(*evidence.place, text=mask(evidence.text), source=source.shown(evidence.place))


def _fix(fix: str) -> str:
    """How the check can be mended by us: `codemod`, `scaffold` or `none` (the contract's words)."""
    if not fix or fix == "none":
        return "none"
    return "scaffold" if fix.startswith("scaffold") else "codemod"


def _skipped(files: Iterable[Skipped]) -> tuple[SkippedReport, ...]:
    unique = {(file.path, file.reason) for file in files}
    return tuple(SkippedReport(path, reason) for path, reason in sorted(unique))


def _hidden_lines(results: Iterable[Result]) -> frozenset[tuple[str, int]]:
    places = [
        place
        for result in results
        if result.check in SECRET_CHECKS
        for place in (*(one.place for one in result.findings), *(one.place for one in result.evidence))
    ]
    return frozenset((place.path, line) for place in places for line in range(place.line, place.end_line + 1))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]


class _Source:
    """Source lines as a report may show them, and what a finding is known by."""

    def __init__(self, lines_of: LinesOf, hidden: frozenset[tuple[str, int]]) -> None:
        self._lines_of = lines_of
        self._hidden = hidden

    def shown(self, place: Place) -> str:
        """The first lines of a place, masked and cut; empty when one of them holds a secret or there are none."""
        if self._is_hidden(place):
            return ""
        last = min(place.end_line, place.line + _SOURCE_LINES - 1)
        lines = self._read(place._replace(end_line=last)).split("\n")[:_SOURCE_LINES]
        # Masked with room to spare, then cut: half a token at the edge would not be known for one.
        masked = mask("\n".join(line.rstrip("\r")[: 2 * _SOURCE_WIDTH] for line in lines)).split("\n")
        return "\n".join(line[:_SOURCE_WIDTH] for line in masked).rstrip()

    def identity(self, check: str, place: Place, message: str) -> str:
        """Check, path and normalised content, never the line number; of a secret's line the message instead."""
        content = message if self._is_hidden(place) else " ".join(self._read(place).split())
        return "\0".join((check, place.path, content))

    def _read(self, place: Place) -> str:
        if not place.path or place.line < 1:
            return ""
        return self._lines_of(place.path, place.line, max(place.line, place.end_line))

    def _is_hidden(self, place: Place) -> bool:
        lines = range(place.line, max(place.line, place.end_line) + 1)
        return bool(self._hidden) and any((place.path, line) in self._hidden for line in lines)
