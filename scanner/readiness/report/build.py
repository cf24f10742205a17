"""From an assessment to a report: texts masked, numbers rounded (here and nowhere else), fingerprints given.

The builder reads no file. Source lines come from a callable, which may return an empty text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from readiness.assess.assessment import Assessment, Result, Score, Verdict
from readiness.assess.attesting import Attested
from readiness.assess.catalogue import Catalogue
from readiness.assess.check import Check
from readiness.assess.exemptions import Exemption
from readiness.facts.place import Evidence
from readiness.report.exempted import exemption_reports, suppressed_reports
from readiness.report.model import (
    ActionReport,
    AttestationReport,
    CheckReport,
    DebtReport,
    EvidenceReport,
    ExemptionReport,
    FileCounts,
    GridCell,
    LayerReport,
    ModelCallReport,
    ProblemReport,
    RawReport,
    Report,
    RepositorySummary,
    RulerReport,
    ScoreSummary,
    SiteCounts,
    SkippedReport,
)
from readiness.report.secrets import mask
from readiness.report.source import LinesOf, SaidAt, Source, finding_reports
from readiness.repository.tree import Repository, Skipped

# The checks whose evidence is a secret: no source line that they point at is shown by any check.
SECRET_CHECKS = frozenset({"no-hardcoded-secrets"})


def build_report(
    *,
    repository: Repository,
    assessment: Assessment,
    catalogue: Catalogue,
    files: FileCounts,
    gates: Mapping[str, bool],
    kinds: Sequence[str],
    lines_of: LinesOf,
    said_at: SaidAt | None = None,
    exemptions: Iterable[Exemption] = (),
    model_calls: Iterable[ModelCallReport] = (),
    problems: Iterable[ProblemReport] = (),
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
        lines_of: source lines for code frames.
        said_at: what fingerprints are made of; by default the lines, with their white space collapsed.
        exemptions: all suppressions and waivers, whether they are in force or not.
        model_calls: one row per call of a model, in any order.
        problems: code that cannot be imported.
        skipped: files that were passed over after opening (they did not parse, say).
        attested: what the owners state, judged.
        as_of: the day the repository is judged on.
    """
    passed_over = _skipped([*repository.skipped, *skipped])
    source = Source(lines_of, said_at, hidden=_hidden_lines(assessment))
    return Report(
        ruler=RulerReport(assessment.ruler.version, assessment.ruler.hash),
        repository=RepositorySummary(
            name=repository.name,
            revision=repository.revision,
            dirty=repository.dirty,
            kinds=tuple(kinds),
            gates=dict(sorted(gates.items())),
            files=FileCounts(files.read, files.python, files.notebooks, len(passed_over)),
            front_page=_front_page(repository),
            prefix=repository.prefix,
        ),
        score=_score(assessment.score, assessment.raw),
        layers=_layers(assessment, catalogue),
        debts=tuple(DebtReport(debt.name, round(debt.days, 1), round(debt.share, 3)) for debt in assessment.debts),
        grid=tuple(
            GridCell(layer.name, debt.name, _points(assessment.grid.get((layer.name, debt.name))))
            for layer in catalogue.layers
            for debt in catalogue.debts
        ),
        checks=_checks(assessment, catalogue, source),
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
        suppressed=suppressed_reports(assessment.exempted, source),
        skipped=passed_over,
        attestations=tuple(_attestation(one) for one in attested),
        exemptions=_exemptions(exemptions, assessment, passed_over),
        as_of=as_of.isoformat() if as_of is not None else None,
    )


def _front_page(repository: Repository) -> str:
    """The file that describes the repository, or else its first: what is absent has no place of its own."""
    paths = {file.path for file in repository.files}
    described = (
        name for name in ("README.md", "README.rst", "README.txt", "README", "pyproject.toml") if name in paths
    )
    return next(described, min(paths, default="README.md", key=lambda path: (path.count("/"), path)))


def _points(value: float | None) -> float | None:
    """A score to one decimal, never rounded up: 89.96 is not yet 90, and its grade is not yet an A."""
    return None if value is None else math.floor(value * 10 + 1e-6) / 10


def _score(score: Score | None, raw: Score | None) -> ScoreSummary | None:
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
        raw=RawReport(_points(raw.value) or 0.0, raw.grade) if raw is not None else None,
    )


def _layers(assessment: Assessment, catalogue: Catalogue) -> tuple[LayerReport, ...]:
    titles = {layer.name: layer.title for layer in catalogue.layers}
    height = assessment.score.stack_height if assessment.score else 0
    return tuple(
        LayerReport(layer.name, titles.get(layer.name, layer.name), _points(layer.score), layer.checks, number < height)
        for number, layer in enumerate(assessment.layers)
    )


def _checks(assessment: Assessment, catalogue: Catalogue, source: Source) -> tuple[CheckReport, ...]:
    by_name = {check.name: check for check in catalogue.checks}
    aside = catalogue.accuracy.experimental
    return tuple(_check(by_name[result.check], result, source, result.check in aside) for result in assessment.results)


def _exemptions(
    exemptions: Iterable[Exemption], assessment: Assessment, passed_over: Iterable[SkippedReport]
) -> tuple[ExemptionReport, ...]:
    if assessment.score is None:
        return ()  # nothing was judged: whether an exemption is needed cannot be known
    undecided = {result.check for result in assessment.results if result.unclear or result.verdict == Verdict.UNKNOWN}
    return exemption_reports(exemptions, assessment.exempted, undecided, {file.path for file in passed_over})


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


def _check(check: Check, result: Result, source: Source, experimental: bool) -> CheckReport:
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
        findings=finding_reports(check.name, result.findings, source),
        gain=round(result.gain, 1),
        effort=check.effort,
        fix=_fix(check.fix),
        statement=check.statement,
        experimental=experimental,
    )


def _evidence(evidence: Evidence, source: Source) -> EvidenceReport:
    return EvidenceReport(*evidence.place, text=mask(evidence.text), source=source.shown(evidence.place))


def _fix(fix: str) -> str:
    """How the check can be mended by us: `codemod`, `scaffold` or `none` (the contract's words)."""
    if not fix or fix == "none":
        return "none"
    return "scaffold" if fix.startswith("scaffold") else "codemod"


def _skipped(files: Iterable[Skipped]) -> tuple[SkippedReport, ...]:
    unique = {(file.path, file.reason) for file in files}
    return tuple(SkippedReport(path, reason) for path, reason in sorted(unique))


def _hidden_lines(assessment: Assessment) -> frozenset[tuple[str, int]]:
    results = [result for result in assessment.results if result.check in SECRET_CHECKS]
    places = [one.finding.place for one in assessment.exempted if one.check in SECRET_CHECKS]
    for result in results:
        places += [*(one.place for one in result.findings), *(one.place for one in result.evidence)]
    return frozenset((place.path, line) for place in places for line in range(place.line, place.end_line + 1))
