"""Two reports side by side: the score and whose doing its change is, verdicts, and what became of each finding."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.errors import UsageError
from readiness.report.comparison import Comparison, RulersDifferError, Split, compare, rescored
from readiness.report.model import (
    CheckReport,
    FindingReport,
    LayerReport,
    Report,
    RulerReport,
    SiteCounts,
    SkippedReport,
    SuppressedReport,
)
from readiness.scanning import scan

from .sample import LAYERS, NO_MODEL, RATCHET, REPORT, TIMEOUT

LOW, HIGH = "model-capability", "input-resilience"
OTHER_RULER = RulerReport("2.0.0", "sha256:" + "cd" * 32)


def check(name: str, satisfaction: float | None, *, layer: str = LOW, weight: str = "high") -> CheckReport:
    """A check with this outcome and nothing else to it."""
    verdict = {None: "unknown", 0.0: "fail", 1.0: "pass"}.get(satisfaction, "partial")
    return replace(
        TIMEOUT,
        name=name,
        layer=layer,
        weight=weight,
        verdict=verdict,
        satisfaction=satisfaction,
        sites=None,
        evidence=(),
        findings=(),
    )


def measured(*checks: CheckReport, ruler: RulerReport = REPORT.ruler) -> Report:
    """A report of two layers with a score that its checks make."""
    layers = tuple(LayerReport(name, name, None, 0) for name in (LOW, HIGH))
    report = replace(REPORT, ruler=ruler, layers=layers, checks=checks)
    value = rescored(report, report, {one.name for one in checks})
    assert report.score is not None and value is not None
    return replace(report, score=replace(report.score, value=value))


def with_findings(*findings: FindingReport, **others: CheckReport) -> Report:
    """The sample with these findings of one check; a keyword replaces a part of the report."""
    return replace(REPORT, checks=(replace(TIMEOUT, findings=findings),), **others)  # type: ignore[arg-type]


def finding(path: str, content: str = "c", number: int = 1, message: str = "no timeout") -> FindingReport:
    """A finding whose fingerprint is made of path, content and number, as real ones are."""
    return FindingReport(path, number, number, message, f"{path}#{content}#{number}", content=content)


def accepted(one: FindingReport, fingerprint: str = "") -> SuppressedReport:
    """The same finding, suppressed."""
    return SuppressedReport(
        TIMEOUT.name, one.path, one.line, "it is fine", message=one.message, fingerprint=fingerprint or one.fingerprint
    )


def told(comparison: Comparison) -> list[tuple[str, str, str]]:
    """What became of which path's finding."""
    return [(one.change, one.was, one.path) for one in comparison.findings]


@pytest.mark.parametrize("report", [REPORT, RATCHET, NO_MODEL])
def test_a_report_does_not_differ_from_itself(report: Report) -> None:
    same = compare(report, report)
    assert not (same.change or same.split or same.checks or same.findings)
    assert not any(one.change for one in (*same.layers, *same.debts))


def test_every_part_of_a_change() -> None:
    new = replace(
        REPORT,
        score=replace(REPORT.score, value=66.1) if REPORT.score else None,
        layers=(replace(LAYERS[0], score=None), replace(LAYERS[1], score=80.0), *LAYERS[2:]),
        debts=(replace(REPORT.debts[0], days=1.5), *REPORT.debts[1:]),
    )
    found = compare(REPORT, new)
    assert found.change == 3.7
    assert [(one.before, one.after, one.change) for one in found.layers[:2]] == [(81.2, None, None), (74.0, 80.0, 6.0)]
    assert (found.debts[0].name, found.debts[0].change) == ("technical", -1.5)


def test_a_repository_without_a_model_has_no_change_of_score() -> None:
    found = compare(REPORT, NO_MODEL)
    assert found.change is None
    assert found.checks == ()


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (0.0, 1.0, "better"),
        (0.64, 0.8, "better"),
        (1.0, 0.5, "worse"),
        (0.0, None, "otherwise"),
        (None, 1.0, "otherwise"),
    ],
)
def test_how_a_check_came_out(before: float | None, after: float | None, change: str) -> None:
    steady = check("steady", 1.0)
    found = compare(measured(steady, check("a", before)), measured(steady, check("a", after)))
    assert [(one.name, one.change) for one in found.checks] == [("a", change)]


def test_checks_of_another_ruler() -> None:
    kept = [check("kept", 1.0, weight="critical"), check("kept-too", 1.0, weight="critical")]
    old = measured(*kept, check("gone", 0.0), check("heavier", 1.0))
    new = measured(*kept, check("heavier", 1.0, weight="critical"), check("added", 0.0), ruler=OTHER_RULER)
    assert {one.name: one.change for one in compare(old, new).checks} == {
        "heavier": "recounted",
        "added": "new",
        "gone": "gone",
    }


def test_a_real_report_scored_again_has_its_score(pilot: Path) -> None:
    report = scan(pilot)
    assert report.score is not None
    assert rescored(report, report, {one.name for one in report.checks}) == report.score.value


def test_the_rounding_of_a_report_does_not_reach_the_score() -> None:
    """Two of three places are 0.667 in a report, but no score was ever rounded up to 66.7."""
    two_of_three = measured(replace(check("a", 0.667), sites=SiteCounts(2, 0, 1, 0)))
    assert rescored(two_of_three, two_of_three, {"a"}) == 66.6


def test_two_rulers_split_the_change() -> None:
    old = measured(check("a", 0.0), check("b", 1.0, layer=HIGH))
    new = measured(check("a", 1.0), check("b", 1.0, layer=HIGH), check("c", 0.0, weight="medium"), ruler=OTHER_RULER)
    found = compare(old, new)
    # 50.0 before; 100.0 over what both have; (5/8 * 100 + 100) / 2 = 81.25 with the new check.
    assert (found.change, found.split) == (31.2, Split(work=50.0, ruler=-18.8))


def test_another_weight_is_the_rulers_doing() -> None:
    old = measured(check("a", 0.0), check("b", 1.0))
    new = measured(check("a", 0.0, weight="critical"), check("b", 1.0), ruler=OTHER_RULER)
    found = compare(old, new)
    assert found.split == Split(work=0.0, ruler=found.change or 0.0)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_two_parts_add_up_to_the_change(data: st.DataObject) -> None:
    names = [f"check-{number}" for number in range(8)]
    outcome = st.none() | st.integers(0, 1000).map(lambda part: part / 1000)

    def report(ruler: RulerReport) -> Report:
        chosen = data.draw(st.lists(st.sampled_from(names[4:]), unique=True))
        checks = [check(names[0], 1.0), check(names[1], 0.5, layer=HIGH)]
        for name in (*names[2:4], *chosen):
            weight = data.draw(st.sampled_from(["critical", "high", "medium", "low"]))
            layer = data.draw(st.sampled_from([LOW, HIGH]))
            checks.append(check(name, data.draw(outcome), layer=layer, weight=weight))
        return measured(*checks, ruler=ruler)

    old, new = report(REPORT.ruler), report(OTHER_RULER)
    try:
        found = compare(old, new)
    except RulersDifferError:
        return
    assert found.change is not None and found.split is not None and old.score is not None and new.score is not None
    assert f"{found.split.work + found.split.ruler:.1f}" == f"{found.change:.1f}"
    assert f"{old.score.value + found.change:.1f}" == f"{new.score.value:.1f}"


def test_rulers_that_share_too_little_are_refused() -> None:
    old = measured(check("a", 1.0), check("b", 1.0))
    new = measured(check("a", 1.0), check("c", 1.0, weight="critical"), ruler=OTHER_RULER)
    with pytest.raises(RulersDifferError, match=r"share too little \(38 % of their weight\): scan OLD again with this"):
        compare(old, new)
    assert issubclass(RulersDifferError, UsageError)


def test_rulers_of_other_layers_are_refused() -> None:
    old, new = measured(check("a", 1.0)), measured(check("a", 1.0), ruler=OTHER_RULER)
    with pytest.raises(RulersDifferError, match="their layers differ"):
        compare(old, replace(new, layers=new.layers[:1]))


def test_an_experimental_check_does_not_count() -> None:
    steady = check("steady", 1.0)
    loud = replace(check("loud", 0.0), experimental=True, findings=(finding("a.py"),))
    found = compare(measured(steady), measured(steady, loud))
    assert not (found.change or found.checks or found.findings)


def test_a_renamed_check_is_the_same_check() -> None:
    old = measured(replace(check("old-name", 0.0), findings=(finding("a.py", "of-old-name"),)))
    new = measured(replace(check("new-name", 0.0), findings=(finding("a.py", "of-new-name"),)), ruler=OTHER_RULER)
    found = compare(old, new, {"old-name": "new-name", "new-name": "new-name"})
    assert found.split == Split(0.0, 0.0)
    assert not (found.checks or found.findings)


def test_new_and_fixed_findings() -> None:
    found = compare(with_findings(finding("a.py", "x")), with_findings(finding("a.py", "y")))
    assert told(found) == [("new", "", "a.py"), ("fixed", "", "a.py")]


def test_states_of_a_baseline_play_no_part() -> None:
    known = replace(finding("a.py"), state="known")
    assert told(compare(with_findings(), with_findings(known))) == [("new", "", "a.py")]


def test_a_finding_whose_surroundings_were_renamed_is_the_same() -> None:
    before, after = finding("a.py"), replace(finding("a.py"), fingerprint="another")
    assert told(compare(with_findings(before), with_findings(after))) == []


def test_a_renamed_file_moves_its_findings() -> None:
    old = with_findings(finding("a.py", "x"), finding("a.py", "y"))
    new = with_findings(finding("b.py", "x"), finding("b.py", "y"))
    assert told(compare(old, new)) == [("moved", "a.py", "b.py")] * 2


def test_a_file_that_still_has_findings_has_not_moved() -> None:
    old = with_findings(finding("a.py", "x"), finding("a.py", "y"))
    new = with_findings(finding("b.py", "x"), finding("a.py", "y"))
    assert told(compare(old, new)) == [("new", "", "b.py"), ("fixed", "", "a.py")]


def test_one_more_of_what_a_file_had_has_not_moved_there() -> None:
    old = with_findings(finding("a.py", "x"), finding("b.py", "x"))
    new = with_findings(finding("b.py", "x"), finding("b.py", "x", 2))
    assert told(compare(old, new)) == [("new", "", "b.py"), ("fixed", "", "a.py")]


def test_a_file_that_was_copied_moves_once() -> None:
    found = compare(with_findings(finding("a.py")), with_findings(finding("b.py"), finding("c.py")))
    assert told(found) == [("new", "", "c.py"), ("moved", "a.py", "b.py")]


def test_without_content_nothing_moves() -> None:
    found = compare(with_findings(finding("a.py", "")), with_findings(finding("b.py", "")))
    assert told(found) == [("new", "", "b.py"), ("fixed", "", "a.py")]


def test_what_is_accepted_is_neither_fixed_nor_new() -> None:
    one = finding("a.py")
    open_, closed = with_findings(one), replace(with_findings(), suppressed=(accepted(one),))
    assert told(compare(open_, closed)) == [("accepted", "", "a.py")]
    assert compare(open_, closed).findings[0].reason == "it is fine"
    assert told(compare(closed, open_)) == [("reopened", "", "a.py")]
    assert told(compare(closed, closed)) == []
    assert told(compare(closed, with_findings())) == []


def test_one_of_two_alike_is_accepted() -> None:
    """Open and accepted findings are numbered apart: the second becomes the first of those that are left."""
    first, second = finding("a.py", number=1), finding("a.py", number=2)
    half = replace(with_findings(first), suppressed=(accepted(first),))
    assert told(compare(with_findings(first, second), half)) == [("accepted", "", "a.py")]
    assert told(compare(half, with_findings(first, second))) == [("reopened", "", "a.py")]


def test_where_one_report_could_not_see_nothing_is_new_or_fixed() -> None:
    clear = with_findings(finding("a.py"))
    unread = replace(with_findings(), skipped=(SkippedReport("a.py", "does not parse"),))
    folder = replace(with_findings(), skipped=(SkippedReport("b/", "too many"),))
    undecided = replace(REPORT, checks=(replace(TIMEOUT, verdict="unknown", satisfaction=None, findings=()),))
    unasked = replace(REPORT, checks=(check("another", 1.0),))
    for blind in (unread, undecided, unasked):
        assert told(compare(blind, clear)) == [("revealed", "", "a.py")]
        assert told(compare(clear, blind)) == [("unseen", "", "a.py")]
    assert told(compare(with_findings(finding("b/a.py")), folder)) == [("unseen", "", "b/a.py")]


def test_a_file_that_is_not_read_any_more_has_not_moved() -> None:
    unread = replace(with_findings(finding("b.py")), skipped=(SkippedReport("a.py", "does not parse"),))
    assert told(compare(with_findings(finding("a.py")), unread)) == [("new", "", "b.py"), ("unseen", "", "a.py")]


PATHS, CONTENTS = st.sampled_from(["a.py", "b.py", "c.py", ""]), st.sampled_from(["x", "y", ""])
REPORTS = st.lists(st.tuples(PATHS, CONTENTS), max_size=8).map(
    lambda places: with_findings(
        *(finding(path, content, places[: at + 1].count((path, content))) for at, (path, content) in enumerate(places))
    )
)


@settings(max_examples=300, deadline=None)
@given(REPORTS, REPORTS)
def test_every_finding_is_told_once_or_is_the_same(old: Report, new: Report) -> None:
    before = {one.fingerprint for one in old.checks[0].findings}
    after = {one.fingerprint for one in new.checks[0].findings}
    found = compare(old, new).findings
    kinds = Counter(one.change for one in found)
    assert set(kinds) <= {"new", "moved", "fixed"}
    assert {one.fingerprint for one in found if one.change != "fixed"} <= after - before
    assert {one.fingerprint for one in found if one.change == "fixed"} <= before - after
    assert len(before) - kinds["fixed"] == len(after) - kinds["new"]  # what is left of both is the same, or has moved
