"""From verdicts to the score: bounds, gains, debts, grades, held as properties over any catalogue and any outcome."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import fsum, isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.assess.actions import actions, debts, gains
from readiness.assess.assessment import LayerScore, Result, Verdict
from readiness.assess.check import HOURS, POINTS, Check
from readiness.assess.scales import Grade, Grades, Layer
from readiness.assess.score import Card, Judged, score, stack_height

LAYERS = tuple(Layer(name, name, "?") for name in ("one", "two", "three"))
# No deadline: the machine of a pipeline may be busy.
quick = settings(deadline=None, max_examples=50)
DEBTS = ("technical", "governance")
GRADES = Grades((Grade("A", 90), Grade("B", 75), Grade("C", 60), Grade("D", 40), Grade("F", 0)), "C", "critical", 70)


def outcome(name: str, verdict: Verdict, share: float = 0.5) -> Result:
    satisfaction = {Verdict.PASS: 1.0, Verdict.PARTIAL: share, Verdict.FAIL: 0.0}.get(verdict)
    return Result(name, verdict, satisfaction, None, (), ())


def check(name: str, layer: str = "one", **fields: object) -> Check:
    made = Check(
        name=name, layer=layer, debt="technical", weight="high", effort="hours", sources=(), examples=(),
        applies="true", statement="", since="", why="", detection="", remedy="", false_positives="",
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


@st.composite
def cards(draw: st.DrawFn) -> Card:
    names = [f"check-{number}" for number in range(draw(st.integers(1, 14)))]
    judged: list[Judged] = []
    for name in names:
        made = check(
            name,
            draw(st.sampled_from(LAYERS)).name,
            debt=draw(st.sampled_from(DEBTS)),
            weight=draw(st.sampled_from(sorted(POINTS))),
            effort=draw(st.sampled_from(sorted(HOURS))),
            implies=tuple(draw(st.lists(st.sampled_from(names), max_size=2))),
        )
        result = outcome(name, draw(st.sampled_from(list(Verdict))), draw(st.floats(0.4, 0.95, exclude_max=True)))
        judged.append((made, result))
    return Card(tuple(judged), LAYERS)


def test_layers_weigh_the_same_whatever_they_hold() -> None:
    card = Card(
        (
            (check("a", "one", weight="critical"), outcome("a", Verdict.FAIL)),
            (check("b", "one", weight="medium"), outcome("b", Verdict.PASS)),
            (check("c", "two", weight="low"), outcome("c", Verdict.PARTIAL, 0.64)),
            (check("d", "three"), outcome("d", Verdict.NOT_APPLICABLE)),
        ),
        LAYERS,
    )
    one, two, three = card.layer_scores()
    assert (one.score, one.checks) == (100 * 3 / 11, 2)
    assert two.score == pytest.approx(64)
    assert (three.score, three.checks) == (None, 0)
    headline = score(card, GRADES)
    assert headline is not None
    assert headline.value == pytest.approx((100 * 3 / 11 + 64) / 2)
    assert headline.capped_by == ("a",)
    assert headline.coverage == 1.0


def test_unknown_checks_widen_the_interval_and_lower_the_coverage() -> None:
    card = Card(
        (
            (check("a", weight="high"), outcome("a", Verdict.PASS)),
            (check("b", weight="medium"), outcome("b", Verdict.UNKNOWN)),
            (check("c", "two", weight="low"), outcome("c", Verdict.UNKNOWN)),
        ),
        LAYERS,
    )
    headline = score(card, GRADES)
    assert headline is not None
    assert (headline.value, headline.low, headline.high) == (100.0, 100 * 5 / 8 / 2, 100.0)
    assert headline.coverage == 5 / 9


def test_nothing_decided_is_no_score() -> None:
    assert score(Card(((check("a"), outcome("a", Verdict.UNKNOWN)),), LAYERS), GRADES) is None


@pytest.mark.parametrize(
    ("verdict", "grade"), [(Verdict.FAIL, "C"), (Verdict.PARTIAL, "A"), (Verdict.UNKNOWN, "A"), (Verdict.PASS, "A")]
)
def test_only_a_failed_critical_check_caps_the_grade(verdict: Verdict, grade: str) -> None:
    many = [(check(f"good-{n}", weight="critical"), outcome(f"good-{n}", Verdict.PASS)) for n in range(20)]
    card = Card((*many, (check("bad", weight="critical"), outcome("bad", verdict))), LAYERS)
    headline = score(card, GRADES)
    assert headline is not None
    assert (headline.uncapped_grade, headline.grade) == ("A", grade)
    assert headline.capped_by == (("bad",) if verdict == Verdict.FAIL else ())


@pytest.mark.parametrize(
    ("scores", "height"),
    [
        ((70, 100, 71), 3),
        ((70, 69.9, 100), 1),
        ((60, 100, 100), 0),
        ((80, None, 80), 2),  # a layer that is not scored neither counts nor breaks the stack
        ((None, 60, 80), 0),
        ((None, None, None), 0),
    ],
)
def test_the_stack_stands_as_high_as_it_has_no_gap(scores: tuple[float | None, ...], height: int) -> None:
    assert stack_height([LayerScore("x", value, 1) for value in scores], 70) == height


def test_debt_is_the_effort_that_is_still_missing() -> None:
    judged = (
        (check("a", effort="days"), outcome("a", Verdict.FAIL)),
        (check("b", effort="hours"), outcome("b", Verdict.PARTIAL, 0.75)),
        (check("c", effort="hours", debt="governance"), outcome("c", Verdict.PARTIAL, 0.5)),
        (check("d", effort="days", debt="governance"), outcome("d", Verdict.UNKNOWN)),
    )
    technical, governance = debts(judged, DEBTS)
    assert (technical.days, governance.days) == (2.125, 0.25)
    assert technical.share + governance.share == 1.0
    assert [debt.share for debt in debts((), DEBTS)] == [0.0, 0.0]


def test_cheap_gains_come_first_and_what_is_implied_is_counted_once() -> None:
    checks = {
        "a": check("a", effort="days", implies=("b",)),
        "b": check("b", effort="days"),
        "c": check("c", effort="minutes"),
    }
    listed = actions(checks, {"a": 2.0, "b": 3.0, "c": 1.0})
    assert [(action.check, action.gain) for action in listed] == [("c", 1.0), ("a", 5.0)]
    checks["b"] = check("b", effort="minutes")
    listed = actions(checks, {"a": 2.0, "b": 3.0, "c": 1.0})
    assert [(action.check, action.gain) for action in listed] == [("b", 3.0), ("c", 1.0), ("a", 2.0)]


@quick
@given(cards())
def test_the_score_lies_within_its_interval(card: Card) -> None:
    headline = score(card, GRADES)
    if headline is not None:
        assert 0 <= headline.low <= headline.value + 1e-9
        assert headline.value <= headline.high + 1e-9 <= 100 + 2e-9
        assert 0 < headline.coverage <= 1
        if headline.coverage == 1:
            assert headline.low == headline.value == headline.high


@quick
@given(cards(), st.randoms())
def test_the_order_of_checks_changes_nothing(card: Card, random: st.randoms) -> None:  # type: ignore[valid-type]
    shuffled = list(card.judged)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = Card(tuple(shuffled), LAYERS)
    checks = {made.name: made for made, _ in card.judged}
    assert score(card, GRADES) == score(other, GRADES)
    assert actions(checks, gains(card)) == actions(checks, gains(other))
    assert card.grid(DEBTS) == other.grid(DEBTS)


@quick
@given(cards(), st.data())
def test_mending_a_check_raises_the_score_by_its_gain(card: Card, data: st.DataObject) -> None:
    promised = gains(card)
    if not promised:
        return
    name = data.draw(st.sampled_from(sorted(promised)))
    mended = Card(
        tuple((made, outcome(name, Verdict.PASS) if made.name == name else result) for made, result in card.judged),
        LAYERS,
    )
    before, after = card.overall(), mended.overall()
    assert before is not None and after is not None
    assert promised[name] > 0
    assert isclose(after - before, promised[name], abs_tol=1e-9)


@quick
@given(cards())
def test_the_actions_add_up_to_what_is_missing(card: Card) -> None:
    value = card.overall()
    listed = actions({made.name: made for made, _ in card.judged}, gains(card))
    if value is None:
        assert listed == ()
    else:
        assert isclose(fsum(action.gain for action in listed), 100 - value, abs_tol=1e-7)
        rates = [action.gain / HOURS[action.effort] for action in listed]  # type: ignore[index]
        assert all(first >= second - 1e-9 for first, second in pairwise(rates))


@quick
@given(cards())
def test_shares_of_debt_are_a_whole(card: Card) -> None:
    owed = debts(card.judged, DEBTS)
    assert isclose(fsum(debt.share for debt in owed), 1.0) or all(debt.days == 0 for debt in owed)
