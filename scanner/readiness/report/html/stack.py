"""The stack, drawn as what it is: blocks on one another.

What stands is solid and level. The first layer that does not stand is broken where its score falls short of what
carries the next, and what lies above it, however good, has come to rest on nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from readiness.assess.catalogue import Catalogue
from readiness.report.html.words import points
from readiness.report.model import LayerReport, Report
from readiness.report.page import count
from readiness.report.sanitize import one_line

WIDTH = 380
LENGTH, HEIGHT = 300, 44
"""Of one block."""

LEFT, TOP, PADDING = 44, 16, 12
STRIP = LENGTH - 2 * PADDING

_TITLE = 30
_GROUND = 40
# How what lies above the break has come to rest: turned by so many degrees, shifted by so much. By hand, as a heap is.
_REST = ((2.2, 5), (-1.7, -7), (1.9, 9), (-2.1, -3), (1.5, 12))
_GAP = 10.0
# The fracture from top to bottom, as offsets from where it runs.
_FRACTURE = ((5, 0.0), (-4, 0.22), (4, 0.45), (-6, 0.7), (1, 1.0))
_CLEFT = 9


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a block: its outline, and how it lies."""

    outline: str
    turn: str


@dataclass(frozen=True, slots=True)
class Stone:
    """One layer as a block. `state` is `standing`, `broken` or `fallen`; `strip` is its score in units of the drawing.

    `track` is the part of the strip's way that is on the first piece.
    """

    number: int
    title: str
    score: str
    state: str
    grade: str | None
    x: float
    y: float
    turn: float
    pieces: tuple[Piece, ...]
    strip: float
    track: float


@dataclass(frozen=True, slots=True)
class Stack:
    """The drawing, and the same in words."""

    stones: tuple[Stone, ...]
    height: float
    ground: float
    standing: int
    top: float
    notch: float
    threshold: str
    sentence: str
    reason: str
    description: str


def stack(report: Report, catalogue: Catalogue) -> Stack | None:
    """The stack of a report; None where there is no score, and so no stack."""
    if report.score is None or not report.layers:
        return None
    standing = report.score.stack_height
    fallen = max(0, len(report.layers) - standing - 1)
    ground = TOP + len(report.layers) * HEIGHT + fallen * _GAP
    threshold = catalogue.grades.stack_threshold
    notch = PADDING + STRIP * threshold / 100
    return Stack(
        stones=tuple(
            _stone(number, layer, standing, ground, notch, catalogue) for number, layer in enumerate(report.layers)
        ),
        height=_round(ground + _GROUND),
        ground=_round(ground),
        standing=standing,
        top=_round(ground - standing * HEIGHT),
        notch=_round(notch),
        threshold=f"{threshold:g}",
        sentence=f"The stack stands {standing} of {count(len(report.layers), 'layer')} high",
        reason=_reason(report.layers, standing, threshold),
        description=_description(report.layers, standing),
    )


def _stone(
    position: int, layer: LayerReport, standing: int, ground: float, notch: float, catalogue: Catalogue
) -> Stone:
    above = position - standing  # 0 is where it breaks
    state = "standing" if above < 0 else "broken" if above == 0 else "fallen"
    turn, shift = _REST[(above - 1) % len(_REST)] if above > 0 else (0.0, 0)
    title = one_line(layer.title)
    return Stone(
        number=position + 1,
        title=title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…",
        score="not scored" if layer.score is None else points(layer.score),
        state=state,
        grade=None if layer.score is None else catalogue.grades.of(layer.score),
        x=LEFT + shift,
        y=_round(ground - (position + 1) * HEIGHT - max(0, above) * _GAP),
        turn=turn,
        pieces=_broken(notch) if state == "broken" else (Piece(f"0,0 {LENGTH},0 {LENGTH},{HEIGHT} 0,{HEIGHT}", ""),),
        strip=_round(STRIP * (layer.score or 0) / 100),
        track=_round(notch - PADDING - 8 if state == "broken" else STRIP),
    )


def _broken(notch: float) -> tuple[Piece, Piece]:
    """The two pieces of a block that breaks at the notch; the smaller one leans away."""
    edge = [(notch + offset, HEIGHT * share) for offset, share in _FRACTURE]
    left = [(0.0, 0.0), *edge, (0.0, float(HEIGHT))]
    right = [*((x + _CLEFT, y) for x, y in edge), (LENGTH + _CLEFT, float(HEIGHT)), (LENGTH + _CLEFT, 0.0)]
    return Piece(_outline(left), ""), Piece(_outline(right), f"rotate(4 {LENGTH + _CLEFT} {HEIGHT})")


def _outline(corners: list[tuple[float, float]]) -> str:
    return " ".join(f"{_round(x)},{_round(y)}" for x, y in corners)


def _reason(layers: tuple[LayerReport, ...], standing: int, threshold: float) -> str:
    """Why it stands no higher."""
    if standing >= len(layers):
        return "Every layer carries the one above it."
    broken = layers[standing]
    title = one_line(broken.title)
    told = (
        f"Layer {standing + 1}, {title}, is not scored: nothing in it could be decided"
        if broken.score is None
        else f"Layer {standing + 1}, {title}, scores {points(broken.score)}, and a layer stands at {threshold:g}"
    )
    above = len(layers) - standing - 1
    good = sum(layer.score is not None and layer.score >= threshold for layer in layers[standing + 1 :])
    if not above:
        return f"{told}."
    rest = f"What lies above it rests on nothing{', however well it scores' if good else ''}."
    return f"{told}. {rest}"


def _description(layers: tuple[LayerReport, ...], standing: int) -> str:
    words = []
    for position, layer in enumerate(layers):
        state = "stands" if position < standing else "broken" if position == standing else "does not stand"
        score = "not scored" if layer.score is None else points(layer.score)
        words.append(f"{position + 1} {one_line(layer.title)}, {score}, {state}")
    return f"The stack from the bottom up: {'; '.join(words)}."


def _round(value: float) -> float | int:
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded
