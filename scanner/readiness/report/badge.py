"""A badge for a README: a small SVG of our own drawing, or the JSON of a shields endpoint.

It tells the truth at a glance: score and grade, what they are without waivers, and the day they were measured; grey and
stale when that is too long ago. The six strokes on the left of the SVG are the stack: one per layer, the top layer on
top, as long as its score.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import date
from xml.sax.saxutils import escape, quoteattr

from readiness.report.model import RawReport, Report
from readiness.report.sanitize import one_line

# Dark enough for white text (WCAG AA, 4.5 to 1).
COLOURS = {"A": "#1b7a33", "B": "#4a7316", "C": "#8f6100", "D": "#b4490f", "F": "#b3261e"}
NEUTRAL = "#5f6770"
LABEL_COLOUR = "#2b3137"

_HEIGHT = 20
_PADDING = 7.0
_ICON = 14.0
_STROKES_TOP = 4.0
_STROKE_STEP = 2.2

# Advance widths of a common sans serif at 11 px, by hand, rounded up: a badge must never cut its text.
_WIDTHS = {
    3.2: "ijl|'!,.:;",
    4.2: 'ftrI()[]{}/\\ -"·',
    5.6: "ckszxyvJ",
    6.9: "abdeghnopquLT0123456789FE_*",
    8.0: "ABCDGHKNOPQRSUVXYZ&+<>=~#$",
    10.8: "mwMW%@",
}
_WIDTH_OF = {character: width for width, characters in _WIDTHS.items() for character in characters}
_WIDEST = 11.5  # whatever is not in the table

CACHE_SECONDS = 3600
"""How long shields may keep what it has drawn: a badge that turns grey shall be seen grey on the same day."""

# The grade of one layer: the steps of the whole score.
_STEPS = ((90.0, "A"), (75.0, "B"), (60.0, "C"), (40.0, "D"))


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says: two words, a colour, and the whole story for those who point at it."""

    label: str
    message: str
    colour: str
    title: str
    strokes: tuple[float | None, ...] = ()


def badge_of(
    report: Report, layer: str | None = None, *, today: date | None = None, max_age: int | None = None
) -> Badge:
    """The badge of a report, or of one of its layers.

    Args:
        report: what was measured.
        layer: the name of the layer.
        today: the day the badge is looked at; a report has no clock.
        max_age: the days after which a measurement is stale. Both are needed to call one so; a report without a date
            that can be read is stale then, for nobody can say that it is not.

    Raises:
        KeyError: the report has no layer of that name.
    """
    drawn = _whole(report) if layer is None else _of_layer(report, layer)
    measured = _day(report.as_of)
    said = f"on {measured}" if measured else "undated"
    drawn = replace(
        drawn,
        message=f"{drawn.message} · {measured or 'undated'}",
        title=f"readiness of {one_line(report.repository.name)}: {drawn.title}, {said}, "
        f"ruler {one_line(report.ruler.version)}",
    )
    if today is None or max_age is None or (measured is not None and (today - measured).days <= max_age):
        return drawn
    days = f"{max_age} {'day' if max_age == 1 else 'days'}"
    story = f"older than {days} on {today}" if measured else "of unknown age"
    return replace(drawn, message=f"stale: {drawn.message}", colour=NEUTRAL, title=f"{drawn.title}; stale, {story}")


def to_svg(badge: Badge) -> str:
    """The badge as a static SVG: no script, no link, no font to load; readable by a screen reader."""
    icon = _ICON if badge.strokes else 0.0
    label, message = text_width(badge.label), text_width(badge.message)
    left = _PADDING + icon + label + _PADDING
    right = _PADDING + message + _PADDING
    width = math.ceil(left + right)
    left, right = _number(left), _number(width - left)
    name = quoteattr(f"{badge.label}: {badge.message}")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" viewBox="0 0 {width} {_HEIGHT}" '
        f'role="img" aria-label={name}>',
        f"  <title>{escape(badge.title)}</title>",
        f'  <clipPath id="round"><rect width="{width}" height="{_HEIGHT}" rx="4"/></clipPath>',
        '  <g clip-path="url(#round)">',
        f'    <rect width="{left}" height="{_HEIGHT}" fill="{LABEL_COLOUR}"/>',
        f'    <rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{badge.colour}"/>',
        "  </g>",
        *_strokes(badge.strokes),
        '  <g fill="#fff" font-family="Verdana, DejaVu Sans, Geneva, sans-serif" font-size="11" aria-hidden="true">',
        _text(_PADDING + icon, label, badge.label),
        _text(left + _PADDING, message, badge.message),
        "  </g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def to_endpoint(badge: Badge) -> str:
    """The badge as the JSON that a shields endpoint serves."""
    data = {
        "schemaVersion": 1,
        "label": badge.label,
        "message": badge.message,
        "color": badge.colour.removeprefix("#"),
        "cacheSeconds": CACHE_SECONDS,
    }
    return json.dumps(data, ensure_ascii=False) + "\n"


def text_width(text: str) -> float:
    """How wide a text is at 11 px, or a little more than that."""
    return sum(_WIDTH_OF.get(character, _WIDEST) for character in text)


def _whole(report: Report) -> Badge:
    score = report.score
    if score is None:
        return Badge("readiness", "no model", NEUTRAL, "uses no AI model")
    message = f"{math.floor(score.value)} {score.grade}"
    story = f"{score.value:.1f} of 100, grade {score.grade}"
    if score.provisional:
        message = f"provisional {message}"
        story += f", provisional: {math.floor(score.coverage * 100)} % could be decided"
    if score.raw is not None:
        message += f" ({_without_waivers(score.value, score.raw)})"
        story += (
            f", of which {score.waived:.1f} are owed to waivers and suppressions: "
            f"{score.raw.value:.1f}, grade {score.raw.grade}, without them"
        )
    strokes = tuple(one.score for one in report.layers)
    return Badge("readiness", message, COLOURS.get(score.grade, NEUTRAL), story, strokes)


def _without_waivers(value: float, raw: RawReport) -> str:
    """What the score is without them, and the points between: the difference of the two numbers that are shown."""
    points = math.floor(value) - math.floor(raw.value)
    said = f"raw {math.floor(raw.value)} {raw.grade}"
    if points > 0:
        return f"{said}, +{points} waived"
    return f"{said}, +<1 waived" if value > raw.value else said


def _of_layer(report: Report, name: str) -> Badge:
    layer = next((one for one in report.layers if one.name == name), None)
    if layer is None:
        raise KeyError(name)
    label = one_line(layer.title).lower()
    if report.score is None:
        return Badge(label, "no model", NEUTRAL, "uses no AI model")
    if layer.score is None:
        return Badge(label, "not scored", NEUTRAL, f"{label} is not scored: nothing in it was decided")
    grade = next((grade for least, grade in _STEPS if layer.score >= least), "F")
    message, story = str(math.floor(layer.score)), f"{label} {layer.score:.1f} of 100"
    if report.score.provisional:
        message, story = f"provisional {message}", f"{story}, provisional"
    waived = {one.check for one in report.suppressed}
    if any(one.layer == layer.name and one.name in waived for one in report.checks):
        message, story = f"{message} with waivers", f"{story}, with waivers or suppressions in force"
    return Badge(label, message, COLOURS[grade], story)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _strokes(scores: tuple[float | None, ...]) -> list[str]:
    lines = []
    for row, score in enumerate(reversed(scores)):
        y = _number(_STROKES_TOP + row * _STROKE_STEP)
        length = 0.0 if score is None else score / 100
        lines.append(f'  <rect x="6" y="{y}" width="10" height="1.3" fill="#fff" fill-opacity=".25"/>')
        if length:
            lines.append(f'  <rect x="6" y="{y}" width="{_number(10 * length)}" height="1.3" fill="#fff"/>')
    return lines


def _text(x: float, width: float, text: str) -> str:
    """A text that takes exactly the room it was given, whatever font the reader has."""
    return (
        f'    <text x="{_number(x)}" y="14" textLength="{_number(width)}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )


def _number(value: float) -> float | int:
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded
