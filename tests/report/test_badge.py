"""Badges: valid, legible, honest about what is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from readiness.report.badge import (
    CACHE_SECONDS,
    COLOURS,
    LABEL_COLOUR,
    NEUTRAL,
    badge_of,
    text_width,
    to_endpoint,
    to_svg,
)
from readiness.report.model import RawReport, Report

from .sample import NO_MODEL, RATCHET, REPORT, TROUBLED

SVG = "{http://www.w3.org/2000/svg}"
DAY = date(2026, 11, 20)  # of every sample


def title(report: Report) -> str:
    return ElementTree.fromstring(to_svg(badge_of(report))).findtext(f"{SVG}title") or ""


@pytest.mark.parametrize("report", [REPORT, RATCHET], ids=["plain", "waived"])
def test_the_picture(report: Report, snapshot: SnapshotAssertion) -> None:
    assert to_svg(badge_of(report)) == snapshot


def test_a_screen_reader_hears_label_and_score() -> None:
    root = ElementTree.fromstring(to_svg(badge_of(REPORT)))
    assert root.get("role") == "img"
    assert root.get("aria-label") == "readiness: 62 C · 2026-11-20"


def test_the_title_tells_score_grade_date_and_ruler() -> None:
    assert title(REPORT) == ("readiness of agent-service-toolkit: 62.4 of 100, grade C, on 2026-11-20, ruler 1.0.0")


def test_a_score_on_thin_evidence_is_provisional() -> None:
    assert badge_of(TROUBLED).message == "provisional 77 C · 2026-11-20"
    assert "provisional: 61 % could be decided" in title(TROUBLED)
    assert badge_of(TROUBLED, "input-resilience").message == "provisional 74 · 2026-11-20"


def test_no_model_and_no_score_are_grey() -> None:
    assert badge_of(NO_MODEL).message == "no model · 2026-11-20"
    assert badge_of(TROUBLED, "observability").message == "not scored · 2026-11-20"
    assert {badge_of(NO_MODEL).colour, badge_of(TROUBLED, "observability").colour} == {NEUTRAL}


def test_a_layer_has_its_own_badge() -> None:
    drawn = badge_of(REPORT, "scalability-cost")
    assert (drawn.label, drawn.message, drawn.colour) == ("scalability & cost control", "41 · 2026-11-20", COLOURS["D"])
    with pytest.raises(KeyError):
        badge_of(REPORT, "no-such-layer")


def waived(value: float, grade: str, raw: float, raw_grade: str) -> Report:
    assert REPORT.score
    score = replace(REPORT.score, value=value, grade=grade, raw=RawReport(raw, raw_grade))
    return replace(REPORT, score=score)


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (RATCHET, "66 C (raw 62 C, +4 waived) · 2026-11-20"),
        (waived(75.2, "B", 74.9, "C"), "75 B (raw 74 C, +1 waived) · 2026-11-20"),
        (waived(62.9, "C", 62.4, "C"), "62 C (raw 62 C, +<1 waived) · 2026-11-20"),
        (waived(62.4, "C", 62.4, "C"), "62 C (raw 62 C) · 2026-11-20"),
        (waived(61.0, "C", 62.4, "C"), "61 C (raw 62 C) · 2026-11-20"),  # what is accepted was partly met
    ],
)
def test_what_is_waived_stands_beside_the_score(report: Report, message: str) -> None:
    assert badge_of(report).message == message


def test_the_title_has_both_scores_and_the_points_between() -> None:
    assert title(RATCHET) == (
        "readiness of agent-service-toolkit: 66.1 of 100, grade C, of which 3.7 are owed to waivers and suppressions: "
        "62.4, grade C, without them, on 2026-11-20, ruler 1.0.0"
    )


def test_a_layer_says_whether_anything_in_it_is_waived() -> None:
    assert badge_of(RATCHET, "integration-reliability").message == "63 with waivers · 2026-11-20"
    assert badge_of(RATCHET, "observability").message == "52 · 2026-11-20"


@pytest.mark.parametrize("layer", [None, "observability"])
@pytest.mark.parametrize(("age", "stale"), [(-3, False), (0, False), (30, False), (31, True), (4000, True)])
def test_what_is_older_than_allowed_is_grey_and_stale(age: int, stale: bool, layer: str | None) -> None:
    fresh = badge_of(REPORT, layer)
    drawn = badge_of(REPORT, layer, today=DAY + timedelta(days=age), max_age=30)
    if not stale:
        assert drawn == fresh
        return
    assert drawn.message == f"stale: {fresh.message}"
    assert drawn.colour == NEUTRAL != fresh.colour
    assert drawn.title.endswith(f"on 2026-11-20, ruler 1.0.0; stale, older than 30 days on {DAY + timedelta(days=age)}")


def test_without_a_day_or_an_age_nothing_is_stale() -> None:
    assert badge_of(REPORT, today=date(2099, 1, 1)) == badge_of(REPORT, max_age=0) == badge_of(REPORT)


@pytest.mark.parametrize("day", [None, "", "last week", "2026-13-01"])
def test_a_report_without_a_day_says_so_and_is_stale_wherever_age_matters(day: str | None) -> None:
    report = replace(REPORT, as_of=day)
    assert badge_of(report).message == "62 C · undated"
    drawn = badge_of(report, today=DAY, max_age=9999)
    assert (drawn.message, drawn.colour) == ("stale: 62 C · undated", NEUTRAL)
    assert drawn.title.endswith("undated, ruler 1.0.0; stale, of unknown age")


def test_the_endpoint_has_only_the_keys_that_shields_accepts() -> None:
    assert json.loads(to_endpoint(badge_of(REPORT))) == {
        "schemaVersion": 1,
        "label": "readiness",
        "message": "62 C · 2026-11-20",
        "color": COLOURS["C"].removeprefix("#"),
        "cacheSeconds": CACHE_SECONDS,
    }


@pytest.mark.parametrize("colour", [*COLOURS.values(), NEUTRAL, LABEL_COLOUR])
def test_white_text_is_legible_on_every_colour(colour: str) -> None:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert 1.05 / (luminance + 0.05) >= 4.5  # WCAG 2, level AA


def test_texts_fit_the_picture() -> None:
    for report in (REPORT, TROUBLED, NO_MODEL, RATCHET):
        root = ElementTree.fromstring(to_svg(badge_of(report, today=date(2027, 11, 20), max_age=30)))
        for text in root.iter(f"{SVG}text"):
            assert float(text.get("x", "0")) + float(text.get("textLength", "0")) <= float(root.get("width", "0")) - 5


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=())) | st.just("</title><script>&\"'\x00"))
def test_any_name_gives_valid_xml(name: str) -> None:
    report = replace(
        REPORT,
        repository=replace(REPORT.repository, name=name),
        as_of=name,
        layers=(replace(REPORT.layers[0], title=name), *REPORT.layers[1:]),
    )
    for drawn in (badge_of(report), badge_of(report, "model-capability")):
        root = ElementTree.fromstring(to_svg(drawn).encode())
        assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {"svg", "title", "clipPath", "g", "rect", "text"}
    assert text_width(name) >= 0
