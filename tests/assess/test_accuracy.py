"""What was measured decides which checks count, and how sure a reader may be."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.assess.accuracy import CheckAccuracy, Share, compare

ACCURACY = yaml.safe_load((Path(__file__).resolve().parents[2] / "checks" / "accuracy.yaml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    # 81 of 263 is the example of Newcombe, Statistics in Medicine 17 (1998); the others follow from the formula.
    [(12, 12, 0.757, 1.0), (0, 12, 0.0, 0.243), (9, 10, 0.596, 0.982), (81, 263, 0.255, 0.366)],
)
def test_wilsons_interval(part: int, whole: int, low: float, high: float) -> None:
    assert Share(part, whole).interval() == pytest.approx((low, high), abs=6e-4)


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_an_interval_holds_its_share_and_stays_within_0_and_1(part: int, more: int) -> None:
    share = Share(part, part + more)
    low, high = share.interval()
    assert 0 <= low <= high <= 1
    assert share.value is None or low - 1e-12 <= share.value <= high + 1e-12


def test_verdicts_are_compared() -> None:
    pairs = [("fail", "fail"), ("fail", "partial"), ("pass", "fail"), ("partial", "pass"), ("pass", "pass")]
    found = compare([*pairs, ("not-applicable", "not-applicable")])
    assert found == CheckAccuracy(labelled=6, agreed=3, wanted=3, reported=3, both=2)
    assert found.experimental
    assert not CheckAccuracy(5, 5, 0, 0, 0).experimental, "nothing is known of its complaints"


def test_every_disagreement_has_its_cause() -> None:
    waiting = [(one["check"], one["repository"]) for one in ACCURACY["disagreements"] if not one["why"]]
    assert waiting == []
    assert {one["cause"] for one in ACCURACY["disagreements"]} <= {"ours", "label", "ambiguous"}


def test_the_counts_are_those_of_the_disagreements() -> None:
    apart = dict.fromkeys(ACCURACY["checks"], 0)
    for one in ACCURACY["disagreements"]:
        apart[one["check"]] += 1
    assert {name: one["labelled"] - one["agreed"] for name, one in ACCURACY["checks"].items()} == apart
