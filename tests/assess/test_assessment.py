"""Facts and a catalogue in, an assessment out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from readiness.assess.assess import assess
from readiness.assess.assessment import Verdict
from readiness.assess.catalogue import load_catalogue
from readiness.assess.errors import CatalogueError
from readiness.facts.place import Place

Write = Callable[..., Path]


@dataclass(frozen=True, slots=True)
class Door:
    name: str
    place: Place
    closed: bool = False
    alarmed: bool = False
    wired: bool = False
    width: float | None = None


@dataclass
class House:
    doors: list[Door] = field(default_factory=list)
    gate: bool = True


HOUSE = House(
    [Door("front", Place("front.py", 3, 4), closed=True, wired=True), Door("back", Place("back.py", 1, 1), width=200)]
)


def test_an_assessment_holds_everything_a_report_says(write_catalogue: Write) -> None:
    catalogue = load_catalogue(write_catalogue(), House)
    assessment = assess(HOUSE, catalogue, model_free=False)
    assert assessment.ruler == catalogue.ruler
    doors, alarm = assessment.results
    assert (doors.check, doors.verdict, doors.satisfaction, doors.gain) == ("doors-closed", Verdict.PARTIAL, 0.5, 25.0)
    assert [finding.message for finding in doors.findings] == ["back is open"]
    assert (alarm.check, alarm.verdict, alarm.gain) == ("alarm-rings", Verdict.PARTIAL, 25.0)
    assert [finding.message for finding in alarm.findings] == ["wired, but 1 silent"]
    assert assessment.score is not None
    assert (assessment.score.value, assessment.score.grade, assessment.score.stack_height) == (50.0, "C", 0)
    assert [(layer.name, layer.score, layer.checks) for layer in assessment.layers] == [
        ("ground", 50.0, 1),
        ("roof", 50.0, 1),
    ]
    assert [(debt.name, debt.days, debt.share) for debt in assessment.debts] == [
        ("technical", 0.25, 0.2),
        ("governance", 1.0, 0.8),
    ]
    assert assessment.grid == {
        ("ground", "governance"): None,
        ("ground", "technical"): 50.0,
        ("roof", "governance"): 50.0,
        ("roof", "technical"): None,
    }
    assert [(action.check, action.gain, action.effort) for action in assessment.actions] == [
        ("doors-closed", 25.0, "hours"),
        ("alarm-rings", 25.0, "days"),
    ]


def test_a_satisfied_repository_has_nothing_left_to_do(write_catalogue: Write) -> None:
    house = House([Door("front", Place("front.py", 3, 4), closed=True, alarmed=True)])
    assessment = assess(house, load_catalogue(write_catalogue(), House), model_free=False)
    assert assessment.score is not None
    assert (assessment.score.value, assessment.score.grade, assessment.score.stack_height) == (100.0, "A", 2)
    assert assessment.actions == ()
    assert sum(debt.days for debt in assessment.debts) == 0


def test_without_a_model_nothing_is_judged(write_catalogue: Write) -> None:
    assessment = assess(HOUSE, load_catalogue(write_catalogue(), House), model_free=True)
    assert assessment.score is None
    assert (assessment.results, assessment.debts, assessment.actions) == ((), (), ())
    assert [layer.score for layer in assessment.layers] == [None, None]


def test_with_nothing_decided_there_is_no_score_but_there_are_results(write_catalogue: Write) -> None:
    closed = House(HOUSE.doors, gate=False)
    assessment = assess(closed, load_catalogue(write_catalogue(), House), model_free=False)
    assert assessment.score is None
    assert {result.verdict for result in assessment.results} == {Verdict.NOT_APPLICABLE}


def measured(**counts: int) -> dict[str, object]:
    wrong = {"labelled": 10, "agreed": 5, "wanted": 5, "reported": 6, "both": 4} | counts
    return {"measured": "2026-11-21", "repositories": [{"name": "a/b"}], "checks": {"alarm-rings": wrong}}


def test_a_check_that_is_often_wrong_is_shown_and_does_not_count(write_catalogue: Write) -> None:
    catalogue = load_catalogue(write_catalogue(scales={"accuracy.yaml": measured()}), House)
    assert catalogue.accuracy.experimental == {"alarm-rings"}
    assessment = assess(HOUSE, catalogue, model_free=False)
    alarm = assessment.results[1]
    assert (alarm.verdict, alarm.gain) == (Verdict.PARTIAL, 0.0)
    assert [finding.message for finding in alarm.findings] == ["wired, but 1 silent"]
    assert [(layer.name, layer.checks) for layer in assessment.layers] == [("ground", 1), ("roof", 0)]
    assert [action.check for action in assessment.actions] == ["doors-closed"]
    assert {debt.name: debt.days for debt in assessment.debts} == {"technical": 0.25, "governance": 0.0}


def test_a_check_that_is_right_four_times_in_five_counts(write_catalogue: Write) -> None:
    catalogue = load_catalogue(write_catalogue(scales={"accuracy.yaml": measured(reported=5)}), House)
    assert catalogue.accuracy.experimental == frozenset()


@pytest.mark.parametrize("wrong", [{"both": 7}, {"agreed": 11}, {"wanted": 12}])
def test_counts_that_contradict_one_another_are_refused(write_catalogue: Write, wrong: dict[str, int]) -> None:
    with pytest.raises(CatalogueError, match="contradict"):
        load_catalogue(write_catalogue(scales={"accuracy.yaml": measured(**wrong)}), House)
