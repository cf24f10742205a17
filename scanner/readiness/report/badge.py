"""A badge for a README: a small SVG of our own drawing, or the JSON of a shields endpoint.

The six strokes on the left of the SVG are the stack: one per layer, the top layer on top, as long as its score.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from readiness.report.model import LayerReport, Report
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
    4.2: 'ftrI()[]{}/\\ -"',
    5.6: "ckszxyvJ",
    6.9: "abdeghnopquLT0123456789FE_*",
    8.0: "ABCDGHKNOPQRSUVXYZ&+<>=~#$",
    10.8: "mwMW%@",
}
_WIDTH_OF = {character: width for width, characters in _WIDTHS.items() for character in characters}
_WIDEST = 11.5  # whatever is not in the table

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


def badge_of(report: Report, layer: str | None = None) -> Badge:
    """The badge of a report, or of one of its layers.

    Raises:
        KeyError: the report has no layer of that name.
    """
    strokes = tuple(one.score for one in report.layers)
    if layer is not None:
        one = next((one for one in report.layers if one.name == layer), None)
        if one is None:
            raise KeyError(layer)
        return _layer_badge(report, one)
    score = report.score
    if score is None:
        return Badge("readiness", "no model", NEUTRAL, _title(report, "uses no AI model"))
    message = f"{math.floor(score.value)} {score.grade}"
    story = f"{score.value:.1f} of 100, grade {score.grade}"
    if score.provisional:
        message = f"provisional {message}"
        story += f", provisional: {math.floor(score.coverage * 100)} % could be decided"
    return Badge("readiness", message, COLOURS.get(score.grade, NEUTRAL), _title(report, story), strokes)


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
    data = {"schemaVersion": 1, "label": badge.label, "message": badge.message, "color": badge.colour.removeprefix("#")}
    return json.dumps(data, ensure_ascii=False) + "\n"


def text_width(text: str) -> float:
    """How wide a text is at 11 px, or a little more than that."""
    return sum(_WIDTH_OF.get(character, _WIDEST) for character in text)


def _layer_badge(report: Report, layer: LayerReport) -> Badge:
    label = one_line(layer.title).lower()
    if report.score is None or layer.score is None:
        said = "uses no AI model" if report.score is None else f"{label} is not scored: nothing in it was decided"
        return Badge(label, "no model" if report.score is None else "not scored", NEUTRAL, _title(report, said))
    grade = next((grade for least, grade in _STEPS if layer.score >= least), "F")
    message, story = str(math.floor(layer.score)), f"{label} {layer.score:.1f} of 100"
    if report.score.provisional:
        message, story = f"provisional {message}", f"{story}, provisional"
    return Badge(label, message, COLOURS[grade], _title(report, story))


def _title(report: Report, story: str) -> str:
    parts = [f"readiness of {one_line(report.repository.name)}: {story}"]
    if report.as_of is not None:
        parts.append(f"on {one_line(report.as_of)}")
    parts.append(f"ruler {one_line(report.ruler.version)}")
    return ", ".join(parts)


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
