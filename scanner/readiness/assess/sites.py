"""Judging a check site by site: each call, entry point or tool gets a verdict, and together they give the check's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from readiness.assess.arithmetic import Outcome, by_share, by_worst, of_paths, of_variants
from readiness.assess.assessment import REPOSITORY, Finding, Sites, Verdict
from readiness.assess.bench import Bench, evidence_of, place_of
from readiness.assess.check import Check, SitePolicy
from readiness.assess.exemptions import NONE, Exemptions, Kind
from readiness.facts.place import Evidence, Place

UNREACHED = "No entry point reaches this code, so it counts as half done."


@dataclass(frozen=True, slots=True)
class JudgedSites:
    """The verdict over all sites and what to show for it."""

    verdict: Verdict
    satisfaction: float | None
    sites: Sites | None
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    unclear: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class _Site:
    """One site, judged. `blamed` is the fact that made it less than a pass: the site itself or one of its variants.

    `inner` are the calls inside an agent that are wrong as well: places to mend, though the agent counts once.
    """

    fact: object
    verdict: Verdict
    blamed: object
    path: object
    inner: tuple[_Site, ...] = ()


def judge_sites(check: Check, policy: SitePolicy, bench: Bench, exemptions: Exemptions = NONE) -> JudgedSites:
    """Judge every site of a check and combine them; sites that are accepted are left out, as if they did not exist.

    Raises:
        CheckError: an expression of the check breaks on a site.
    """
    judged = [_judge(policy, site, bench) for site in bench.listed(policy.sites)]
    sites = [site for site in judged if site is not None]
    if not sites:
        return _without_sites(policy, bench)
    sites = _exempt(check, sites, exemptions)
    if not sites:
        return JudgedSites(Verdict.NOT_APPLICABLE, None, Sites())
    verdicts = [site.verdict for site in sites]
    reachable = [bool(getattr(site.fact, "reachable", True)) for site in sites]
    outcome = (by_worst if policy.kind == "worst" else by_share)(verdicts, reachable)
    counted = [sites[place] for place in outcome.counted]
    return JudgedSites(
        verdict=outcome.verdict,
        satisfaction=outcome.satisfaction,
        sites=outcome.sites,
        evidence=_evidence(counted, Verdict.PASS),
        findings=_findings(check, policy, bench, counted, outcome),
        unclear=_evidence(counted, Verdict.UNKNOWN),
    )


def _exempt(check: Check, sites: list[_Site], exemptions: Exemptions) -> list[_Site]:
    """The sites that still count: what fails and is accepted leaves, what is satisfied elsewhere is right.

    What is half done and accepted keeps its half: leaving would lower the mean, and accepting must never cost points.
    """
    kept = []
    for site in sites:
        parts = (site, *site.inner) if site.verdict in (Verdict.FAIL, Verdict.PARTIAL) else ()
        accepted = [exemptions.of(check.name, _place(part.blamed)) for part in parts]
        left = [part for part, exemption in zip(parts, accepted, strict=True) if exemption is None]
        if left or not parts:
            first, *inner = left or [site]
            kept.append(replace(site, blamed=first.blamed, path=first.path, inner=tuple(inner)))
        elif all(one is not None and one.kind is Kind.ELSEWHERE for one in accepted):
            kept.append(replace(site, verdict=Verdict.PASS))
        elif site.verdict == Verdict.PARTIAL:
            kept.append(site)
    return kept


def _without_sites(policy: SitePolicy, bench: Bench) -> JudgedSites:
    verdict = Verdict(policy.empty)
    satisfaction = {Verdict.PASS: 1.0, Verdict.FAIL: 0.0}.get(verdict)
    findings: tuple[Finding, ...] = ()
    if verdict == Verdict.FAIL:
        findings = (Finding(REPOSITORY, bench.says(policy.empty_message), verdict),)
    return JudgedSites(verdict, satisfaction, Sites(), findings=findings)


def _judge(policy: SitePolicy, site: object, bench: Bench) -> _Site | None:
    """Judge one site with its variants; None for a site that is dropped or to which no path leads."""
    default = _judge_alone(policy, site, bench)
    if default is None:
        return None
    others = [_judge_alone(policy, variant, bench) for variant in getattr(site, "variants", None) or ()]
    known = [other for other in others if other is not None]
    verdict = of_variants(default.verdict, [other.verdict for other in known])
    wrong = [other for other in known if other.verdict in (Verdict.FAIL, Verdict.PARTIAL)]
    inner = [other for other in wrong if getattr(other.fact, "inside", None) is not None]
    if verdict == default.verdict:
        return replace(default, inner=tuple(inner)) if verdict in (Verdict.FAIL, Verdict.PARTIAL) else default
    return _Site(site, verdict, wrong[0].blamed, wrong[0].path, tuple(one for one in inner if one is not wrong[0]))


def _judge_alone(policy: SitePolicy, site: object, bench: Bench) -> _Site | None:
    bound = {policy.site_name: site}
    if bench.holds(policy.drop, site, **bound):
        return None
    if not policy.paths:
        return _Site(site, _verdict(policy, site, bench, bound), site, None)
    paths = bench.listed(policy.paths, site, **bound)
    verdicts = [_verdict(policy, site, bench, {**bound, "path": path}) for path in paths]
    if not paths:
        return None
    verdict = of_paths(verdicts, worst=policy.kind == "worst")
    return _Site(site, verdict, site, _worst_path(paths, verdicts))


def _verdict(policy: SitePolicy, site: object, bench: Bench, bound: dict[str, object]) -> Verdict:
    if bench.holds(policy.unknown, site, **bound):
        return Verdict.UNKNOWN
    if bench.holds(policy.passes, site, **bound):
        return Verdict.PASS
    return Verdict.PARTIAL if bench.holds(policy.partial, site, **bound) else Verdict.FAIL


def _worst_path(paths: Sequence[object], verdicts: Sequence[Verdict]) -> object:
    """Return the path a finding should speak about: the first of the worst."""
    order = (Verdict.FAIL, Verdict.PARTIAL, Verdict.UNKNOWN, Verdict.PASS)
    return paths[min(range(len(paths)), key=lambda place: order.index(verdicts[place]))]


def _findings(
    check: Check, policy: SitePolicy, bench: Bench, sites: Sequence[_Site], outcome: Outcome
) -> tuple[Finding, ...]:
    wrong = [site for site in sites if site.verdict in (Verdict.FAIL, Verdict.PARTIAL)]
    if outcome.capped and not wrong:  # all in order, but in code that nothing runs
        return tuple(Finding(_place(site.fact), UNREACHED, Verdict.PARTIAL) for site in sites)
    findings = []
    unreached = outcome.verdict == Verdict.PARTIAL and outcome.capped and policy.kind == "worst"
    for part in (part for site in wrong for part in (site, *site.inner)):
        bound = {policy.site_name: part.blamed, **({"path": part.path} if policy.paths else {})}
        verdict = Verdict.PARTIAL if unreached else part.verdict
        findings.append(Finding(_place(part.blamed), bench.says(check.message, part.fact, **bound), verdict))
    return tuple(findings)


def _evidence(sites: Sequence[_Site], verdict: Verdict) -> tuple[Evidence, ...]:
    shown = (evidence_of(site.fact) for site in sites if site.verdict == verdict)
    return tuple(evidence for evidence in shown if evidence is not None)


def _place(fact: object) -> Place:
    return place_of(fact) or REPOSITORY
