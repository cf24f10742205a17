"""A check meets facts: gates, sites, paths, variants, ladders, and what is shown for each."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from readiness.assess.assessment import REPOSITORY, Finding, Result, Sites, Verdict
from readiness.assess.check import Check, Rung, SitePolicy
from readiness.assess.errors import CheckError
from readiness.assess.judge import judge
from readiness.facts.place import Evidence, Place


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    guarded: bool


@dataclass(frozen=True, slots=True)
class Call:
    line: int
    seconds: float | None = None
    known: bool = True
    probe: bool = False
    reachable: bool = True
    text: str = ""
    routes: tuple[Route, ...] = ()
    variants: tuple[Call, ...] = ()

    @property
    def place(self) -> Place:
        return Place("app.py", self.line, self.line)


@dataclass(frozen=True, slots=True)
class Facts:
    calls: list[Call] = field(default_factory=list)
    notes: list[Evidence] = field(default_factory=list)
    gate: bool = True


def check(
    policy: SitePolicy | None = None, rungs: tuple[Rung, ...] = (), message: str = "line {{ call.line }}"
) -> Check:
    words = dict.fromkeys(("statement", "since", "why", "detection", "remedy", "false_positives"), "x")
    return Check(
        name="a-check", layer="ground", debt="technical", weight="high", effort="hours", sources=(), applies="gate",
        examples=(), policy=policy, rungs=rungs, message=message, **words,
    )  # fmt: skip


TIMEOUT = SitePolicy(
    kind="each",
    sites="calls",
    site_name="call",
    drop="call.probe",
    unknown="not call.known",
    passes="call.seconds is number and call.seconds <= 120",
    partial="call.seconds is number",
)
GUARDED = SitePolicy(kind="each", sites="calls", site_name="call", paths="call.routes", passes="path.guarded")
SAFE = SitePolicy(kind="worst", sites="calls", site_name="call", passes="call.seconds is number", empty="pass")


def judged(policy: SitePolicy, *calls: Call, message: str = "line {{ call.line }}") -> Result:
    return judge(check(policy, message=message), Facts(list(calls)))


def test_a_closed_gate_is_not_applicable() -> None:
    assert judge(check(TIMEOUT), Facts([Call(1)], gate=False)) == Result(
        "a-check", Verdict.NOT_APPLICABLE, None, None, (), ()
    )


def test_each_site_is_listed_with_what_it_is() -> None:
    result = judged(TIMEOUT, Call(4), Call(3, 600), Call(2, 30, text="good"), Call(1, known=False), Call(9, probe=True))
    assert (result.verdict, result.satisfaction) == (Verdict.PARTIAL, 0.5)
    assert result.sites == Sites(1, 1, 1, 1)
    assert result.evidence == (Evidence(Place("app.py", 2, 2), "good"),)
    assert result.findings == (
        Finding(Place("app.py", 4, 4), "line 4", Verdict.FAIL),
        Finding(Place("app.py", 3, 3), "line 3", Verdict.PARTIAL),
    )
    assert result.unclear == (Evidence(Place("app.py", 1, 1), ""),)


def test_no_site_left_has_a_verdict_of_its_own() -> None:
    for calls in ((), (Call(1, probe=True),)):
        assert judged(TIMEOUT, *calls).verdict == Verdict.NOT_APPLICABLE
    assert judged(SAFE).verdict == Verdict.PASS
    strict = SitePolicy("each", "calls", "call", "true", empty="fail", empty_message="no call at all")
    assert judged(strict).findings == (Finding(REPOSITORY, "no call at all", Verdict.FAIL),)
    assert judged(strict).satisfaction == 0.0


def test_a_worse_variant_makes_a_pass_partial_and_is_what_the_finding_shows() -> None:
    menu = Call(1, 30, variants=(Call(5, 30), Call(6), Call(7, 600)))
    result = judged(TIMEOUT, menu)
    assert (result.verdict, result.satisfaction) == (Verdict.PARTIAL, 0.5)
    assert result.findings == (Finding(Place("app.py", 6, 6), "line 6", Verdict.PARTIAL),)
    assert judged(TIMEOUT, Call(1, variants=(Call(2, 30),))).verdict == Verdict.FAIL
    assert judged(TIMEOUT, Call(1, 30, variants=(Call(2, known=False),))).verdict == Verdict.PASS


def test_a_site_with_several_paths_is_their_rounded_mean_and_names_the_worst() -> None:
    call = Call(1, routes=(Route("/safe", guarded=True), Route("/open", guarded=False)))
    result = judged(GUARDED, call, message="{{ path.name }}")
    assert (result.verdict, result.satisfaction) == (Verdict.PARTIAL, 0.5)
    assert result.findings == (Finding(Place("app.py", 1, 1), "/open", Verdict.PARTIAL),)
    assert judged(GUARDED, Call(1)).verdict == Verdict.NOT_APPLICABLE


def test_code_that_nothing_reaches_counts_only_alone() -> None:
    assert judged(TIMEOUT, Call(1, 30), Call(2, reachable=False)).findings == ()
    dead = judged(TIMEOUT, Call(1, 30, reachable=False))
    assert (dead.verdict, dead.satisfaction) == (Verdict.PARTIAL, 0.5)
    assert dead.findings[0].message == "No entry point reaches this code, so it counts as half done."


def test_harm_that_nothing_reaches_is_partial() -> None:
    result = judged(SAFE, Call(1, 1), Call(2, reachable=False))
    assert (result.verdict, result.satisfaction) == (Verdict.PARTIAL, 0.5)
    assert result.findings == (Finding(Place("app.py", 2, 2), "line 2", Verdict.PARTIAL),)
    assert judged(SAFE, Call(1, 1), Call(2)).verdict == Verdict.FAIL


LADDER = (
    Rung("pass", "calls | selectattr('seconds', 'number')"),
    Rung("partial", "calls | selectattr('known')", "{{ found | length }} known, none timed"),
    Rung("fail", "notes", "only {{ (found | first).text }}"),
    Rung("unknown", "calls"),
)


def on_ladder(*calls: Call, notes: tuple[Evidence, ...] = ()) -> Result:
    return judge(check(rungs=LADDER, message="there is nothing"), Facts(list(calls), list(notes)))


def test_the_first_rung_on_which_something_is_found_decides() -> None:
    passed = on_ladder(Call(2, 1.0), Call(1, 2.0), Call(3))
    assert (passed.verdict, passed.satisfaction, passed.sites) == (Verdict.PASS, 1.0, None)
    assert [evidence.place.line for evidence in passed.evidence] == [1, 2]
    partial = on_ladder(Call(2), Call(1))
    assert (partial.verdict, partial.satisfaction) == (Verdict.PARTIAL, 0.5)
    assert partial.findings == (Finding(Place("app.py", 1, 1), "2 known, none timed", Verdict.PARTIAL),)
    assert len(partial.evidence) == 2
    notes = (Evidence(Place("b.md", 1, 1), "a wish"), Evidence(Place("a.md", 3, 3), "a plan"))
    failed = on_ladder(Call(1, known=False), notes=notes)
    assert [(finding.place.path, finding.message) for finding in failed.findings] == [
        ("a.md", "only a wish"),
        ("b.md", "only a wish"),
    ]
    unknown = on_ladder(Call(1, known=False))
    assert (unknown.verdict, unknown.satisfaction, len(unknown.unclear)) == (Verdict.UNKNOWN, None, 1)


def test_an_absent_thing_is_found_missing_in_the_repository_as_a_whole() -> None:
    result = on_ladder()
    assert (result.verdict, result.satisfaction) == (Verdict.FAIL, 0.0)
    assert result.findings == (Finding(REPOSITORY, "there is nothing", Verdict.FAIL),)


def test_a_rung_can_be_a_plain_condition() -> None:
    result = judge(check(rungs=(Rung("pass", "gate"),)), Facts())
    assert (result.verdict, result.evidence) == (Verdict.PASS, ())


def test_an_expression_that_breaks_names_check_expression_and_place() -> None:
    unguarded = SitePolicy("each", "calls", "call", "call.seconds <= 3")
    with pytest.raises(CheckError) as fault:
        judged(unguarded, Call(7))
    assert fault.value.check == "a-check"
    for part in ("a-check", "`call.seconds <= 3`", "app.py:7", "TypeError"):
        assert part in str(fault.value)
