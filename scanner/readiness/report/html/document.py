"""The page put together: template, style and script of our own, filled with texts of others.

Three things stand between a hostile repository and the reader: Jinja escapes every text, `shown` makes what is hidden
in it visible, and the page's own policy (CSP) lets run only the style and the script whose hashes it names.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from readiness.assess.catalogue import Catalogue
from readiness.report.badge import COLOURS, NEUTRAL
from readiness.report.findings import EXEMPTIONS, reported
from readiness.report.html import words
from readiness.report.html.entries import anchors, entries, next_steps, weights
from readiness.report.html.gaps import debts, gaps
from readiness.report.html.stack import stack
from readiness.report.model import Report
from readiness.report.page import RICH, count
from readiness.report.sanitize import clean, one_line

_ROWS = 200
"""Rows of a list of places; what exceeds them is counted."""

_LONGEST = 1_000
"""Characters of one text; a name of ten thousand is no name."""


def to_html(report: Report, catalogue: Catalogue) -> str:
    """The report as one HTML document, for a screen, a phone or paper; the same report gives the same bytes.

    Args:
        report: what to show. Its texts may be hostile.
        catalogue: where reasons, remedies and the questions of the layers come from. A check that it does not know is
            shown without them.
    """
    style, script = _style(), _text("page.js")
    page = _environment().get_template("page.html.jinja")
    return page.render(
        report=report,
        policy=_policy(style, script),
        style=style,
        script=script,
        stack=stack(report, catalogue),
        gaps=gaps(report, catalogue),
        debts=debts(report, catalogue),
        steps=next_steps(report, catalogue),
        entries=entries(report, catalogue),
        fresh=reported(report),
        anchors=anchors(report),
        weights=weights(report),
        grades=catalogue.grades,
        same_ruler=report.ruler.hash == catalogue.ruler.hash,
    )


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _style() -> str:
    """The style sheet, with the badge's colours before it: they are written down once."""
    grades = "".join(f" --grade-{name.lower()}: {colour};" for name, colour in COLOURS.items())
    return f"\n:root {{{grades} --grade-none: {NEUTRAL}; }}\n{_text('page.css')}"


def _text(name: str) -> str:
    return files("readiness.report.html").joinpath(name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"line": one_line, "points": words.points, "days": words.days}
    made.globals |= {
        "words": words,
        "count": count,
        "marks": RICH.marks,
        "rows": _ROWS,
        "exemptions_rule": EXEMPTIONS,
    }
    return made


def _shown(value: Any) -> Any:
    """What an expression of the template may put on the page: no control, no mark that turns the reading direction."""
    if not isinstance(value, str) or hasattr(value, "__html__"):  # markup is what our own templates have made
        return value
    text = clean(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
