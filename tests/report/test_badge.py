"""Badges: valid, legible, honest about what is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from readiness.report.badge import COLOURS, LABEL_COLOUR, NEUTRAL, badge_of, text_width, to_endpoint, to_svg
from readiness.report.model import Report

from .sample import NO_MODEL, REPORT, TROUBLED

SVG = "{http://www.w3.org/2000/svg}"


def title(report: Report) -> str:
    return ElementTree.fromstring(to_svg(badge_of(report))).findtext(f"{SVG}title") or ""


def test_the_picture(snapshot: SnapshotAssertion) -> None:
    assert to_svg(badge_of(REPORT)) == snapshot


def test_a_screen_reader_hears_label_and_score() -> None:
    root = ElementTree.fromstring(to_svg(badge_of(REPORT)))
    assert root.get("role") == "img"
    assert root.get("aria-label") == "readiness: 62 C"


def test_the_title_tells_score_grade_date_and_ruler() -> None:
    assert title(REPORT) == ("readiness of agent-service-toolkit: 62.4 of 100, grade C, on 2026-11-20, ruler 1.0.0")


def test_a_score_on_thin_evidence_is_provisional() -> None:
    assert badge_of(TROUBLED).message == "provisional 77 C"
    assert "provisional: 61 % could be decided" in title(TROUBLED)
    assert badge_of(TROUBLED, "input-resilience").message == "provisional 74"


def test_no_model_and_no_score_are_grey() -> None:
    assert badge_of(NO_MODEL).message == "no model"
    assert badge_of(TROUBLED, "observability").message == "not scored"
    assert {badge_of(NO_MODEL).colour, badge_of(TROUBLED, "observability").colour} == {NEUTRAL}


def test_a_layer_has_its_own_badge() -> None:
    drawn = badge_of(REPORT, "scalability-cost")
    assert (drawn.label, drawn.message, drawn.colour) == ("scalability & cost control", "41", COLOURS["D"])
    with pytest.raises(KeyError):
        badge_of(REPORT, "no-such-layer")


def test_the_endpoint_has_only_the_keys_that_shields_accepts() -> None:
    assert json.loads(to_endpoint(badge_of(REPORT))) == {
        "schemaVersion": 1,
        "label": "readiness",
        "message": "62 C",
        "color": COLOURS["C"].removeprefix("#"),
    }


@pytest.mark.parametrize("colour", [*COLOURS.values(), NEUTRAL, LABEL_COLOUR])
def test_white_text_is_legible_on_every_colour(colour: str) -> None:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert 1.05 / (luminance + 0.05) >= 4.5  # WCAG 2, level AA


def test_texts_fit_the_picture() -> None:
    for report in (REPORT, TROUBLED, NO_MODEL):
        root = ElementTree.fromstring(to_svg(badge_of(report)))
        for text in root.iter(f"{SVG}text"):
            assert float(text.get("x", "0")) + float(text.get("textLength", "0")) <= float(root.get("width", "0")) - 5


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=())) | st.just("</title><script>&\"'\x00"))
def test_any_name_gives_valid_xml(name: str) -> None:
    report = replace(
        REPORT,
        repository=replace(REPORT.repository, name=name),
        layers=(replace(REPORT.layers[0], title=name), *REPORT.layers[1:]),
    )
    for drawn in (badge_of(report), badge_of(report, "model-capability")):
        root = ElementTree.fromstring(to_svg(drawn).encode())
        assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {"svg", "title", "clipPath", "g", "rect", "text"}
    assert text_width(name) >= 0
