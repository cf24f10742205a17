"""One check and the facts in, one result out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from readiness.assess.assessment import REPOSITORY, Finding, Result, Verdict
from readiness.assess.bench import Bench, as_list, evidence_of, in_order
from readiness.assess.check import Check, Rung
from readiness.assess.exemptions import NONE, Exemptions, Kind
from readiness.assess.sites import judge_sites
from readiness.facts.place import Evidence

_ORDER = {verdict: place for place, verdict in enumerate((Verdict.FAIL, Verdict.PARTIAL))}


def judge(check: Check, facts: object, exemptions: Exemptions = NONE) -> Result:
    """Return what a check says about the facts; findings come worst first, then by place. The gain is not known yet.

    Args:
        check: the question.
        facts: what was found in the repository.
        exemptions: findings that the owners accept; the verdict is that of what is left.

    Raises:
        CheckError: an expression of the check breaks on a fact.
    """
    bench = Bench(check.name, facts)
    if not bench.holds(check.applies):
        return Result(check.name, Verdict.NOT_APPLICABLE, None, None, (), ())
    return _without_accepted(_judge(check, bench, exemptions), exemptions)


def _judge(check: Check, bench: Bench, exemptions: Exemptions) -> Result:
    if check.policy is None:
        return _judge_rungs(check, bench)
    judged = judge_sites(check, check.policy, bench, exemptions)
    return Result(
        check=check.name,
        verdict=judged.verdict,
        satisfaction=judged.satisfaction,
        sites=judged.sites,
        evidence=in_order(judged.evidence),
        findings=_worst_first(judged.findings),
        unclear=in_order(judged.unclear),
    )


def _without_accepted(result: Result, exemptions: Exemptions) -> Result:
    """The result without its accepted findings; a failure of which none is left has nothing to answer for any more."""
    if not result.findings or not exemptions:
        return result
    accepted = {finding: exemptions.of(result.check, finding.place) for finding in result.findings}
    left = tuple(finding for finding in result.findings if accepted[finding] is None)
    if left:
        return replace(result, findings=left)
    if all(one is not None and one.kind is Kind.ELSEWHERE for one in accepted.values()):
        return replace(result, verdict=Verdict.PASS, satisfaction=1.0, findings=())
    if result.verdict == Verdict.PARTIAL:
        return replace(result, findings=(), accepted=True)
    return replace(result, verdict=Verdict.NOT_APPLICABLE, satisfaction=None, findings=())


def _judge_rungs(check: Check, bench: Bench) -> Result:
    """The first rung on which something is found decides; where nothing is, the check fails without a place."""
    for rung in check.rungs:
        found = as_list(bench.value(rung.when))
        if found:
            return _on_rung(check, rung, found, bench)
    finding = Finding(REPOSITORY, bench.says(check.message), Verdict.FAIL)
    return Result(check.name, Verdict.FAIL, 0.0, None, (), (finding,))


def _on_rung(check: Check, rung: Rung, found: Sequence[object], bench: Bench) -> Result:
    """Facts on a failing rung are each a finding; on a partial one they are evidence, one finding says what lacks."""
    verdict = Verdict(rung.verdict)
    facts = in_order(evidence for evidence in map(evidence_of, found) if evidence is not None)
    places = [fact.place for fact in facts] or [REPOSITORY]
    findings: tuple[Finding, ...] = ()
    if verdict in (Verdict.FAIL, Verdict.PARTIAL):
        message = bench.says(rung.message, found=found) if rung.message else bench.says(check.message)
        wrong = places if verdict == Verdict.FAIL else places[:1]
        findings = tuple(Finding(place, message, verdict) for place in dict.fromkeys(wrong))
    shown: tuple[Evidence, ...] = facts if verdict in (Verdict.PASS, Verdict.PARTIAL) else ()
    return Result(
        check=check.name,
        verdict=verdict,
        satisfaction={Verdict.PASS: 1.0, Verdict.PARTIAL: 0.5, Verdict.FAIL: 0.0}.get(verdict),
        sites=None,
        evidence=shown,
        findings=_worst_first(findings),
        unclear=facts if verdict == Verdict.UNKNOWN else (),
    )


def _worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(set(findings), key=lambda finding: (_ORDER[finding.verdict], finding.place, finding.message)))
