"""What the owners attest: beside the score, marked as theirs, and never as a pass."""

from __future__ import annotations

from rich.text import Text

from readiness.report.model import AttestationReport, Report
from readiness.report.page import INDENT, Page, spans

_MARGIN = " " * INDENT
_SHOWN = 3
_STYLES = {"attested": "cyan", "expired": "yellow", "malformed": "red"}
_MARKS = {"expired": "partial", "malformed": "fail"}


def attested(report: Report, page: Page, *, complete: bool = False) -> list[Text]:
    """The attestations, those to mend first; only a few of them unless the page is to be complete."""
    if not report.attestations:
        return []
    ordered = sorted(report.attestations, key=lambda one: one.standing == "attested")
    shown = ordered if complete else ordered[:_SHOWN]
    lines = [Text(), spans(_MARGIN, ("Attested by the owners", "bold"), ("  stated, not measured: in no score", "dim"))]
    for one in shown:
        lines += _one(one, page)
    rest = len(ordered) - len(shown)
    if rest:
        lines.append(spans(_MARGIN, "   ", (f"and {rest} more: --verbose lists them", "dim")))
    return lines


def _one(one: AttestationReport, page: Page) -> list[Text]:
    """A claim with who stands for it until when, or with what is wrong."""
    style = _STYLES[one.standing]
    mark = page.glyphs.marks[_MARKS[one.standing]] if one.standing in _MARKS else page.glyphs.dot
    name = page.name(one.claim) or "an entry"
    first = spans(_MARGIN, (mark, style), "  ", (page.fit(name, 40), "bold"))
    if one.standing == "attested":
        said = f"{page.text(one.owner)}, until {page.text(one.expires)}: {page.text(one.evidence)}"
        first.append("   ").append(page.fit(said, page.right - first.cell_len - 3), "dim")
        return [first]
    first.append(f"   {one.standing}", style)
    place = page.place(one.path, one.line, page.right - first.cell_len - 3)
    first.append("   ").append(place, "cyan")
    told = page.wrap(page.text(one.problem), page.right - INDENT - 3, lines=2)
    return [first, *(spans(_MARGIN, "   ", line) for line in told)]
