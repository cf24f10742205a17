"""What is new, in a terminal: the findings that a baseline does not know, or that lie in what has changed."""

from __future__ import annotations

from rich.text import Text

from readiness.report.findings import Listed, reported
from readiness.report.model import Report, ScopeReport
from readiness.report.page import INDENT, Page, count, row, spans

_MARGIN = " " * INDENT
_SHOWN = 5


def scoped(report: Report, page: Page, *, complete: bool = False) -> list[Text]:
    """The findings that are reported, worst first, and what became of the others; nothing where all are reported."""
    scope = report.scope
    if scope is None:
        return []
    found = reported(report)
    shown = found if complete else found[:_SHOWN]
    title = page.fit(f"New: {_what(scope, page)}", page.right - INDENT - 14)
    lines = [Text(), row(spans(_MARGIN, (title, "bold")), Text(count(len(found), "finding")), page.right)]
    for one in shown:
        lines += _one(one, page)
    if len(found) > len(shown):
        lines.append(spans(_MARGIN, "   ", (f"and {len(found) - len(shown)} more: --verbose lists them", "dim")))
    rest = [f"{number} {word}" for number, word in _others(scope) if number]
    for line in page.wrap(", ".join(rest), page.right - INDENT - 3):
        lines.append(spans(_MARGIN, "   ", (line, "dim")))
    return [*lines, *_before(report, scope, page), *_fixed(scope, page, complete)]


def _what(scope: ScopeReport, page: Page) -> str:
    """What makes a finding new."""
    revision = f"changed since {page.text(scope.since)}" if scope.since is not None else ""
    baseline = f"not in {page.text(scope.baseline)}" if scope.baseline is not None else ""
    return ", ".join(part for part in (revision, baseline) if part)


def _others(scope: ScopeReport) -> tuple[tuple[int, str], ...]:
    return (
        (scope.known, "known"),
        (scope.moved, "moved with their file"),
        (scope.outside, "outside of what changed"),
        (len(scope.fixed), "fixed: `readiness baseline --prune` takes them out"),
    )


def _one(one: Listed, page: Page) -> list[Text]:
    finding = one.finding
    mark = page.glyphs.marks.get(finding.verdict, page.glyphs.marks["fail"])
    first = spans(_MARGIN, (mark, "yellow" if finding.verdict == "partial" else "red"), "  ")
    first.append(page.fit(page.name(one.check), 44), "bold")
    place = page.place(finding.path, finding.line, page.right - first.cell_len - 14)
    first.append("   ").append(place, "cyan")
    told = page.wrap(page.text(finding.message), page.right - INDENT - 3, lines=2)
    return [row(first, spans((one.weight, "dim")), page.right), *(spans(_MARGIN, "   ", line) for line in told)]


def _before(report: Report, scope: ScopeReport, page: Page) -> list[Text]:
    before = scope.before
    if before is None or report.score is None:
        return []
    if not before.same_ruler:
        said = f"The baseline scored {before.value:.1f} with another ruler: new checks may make findings new."
        return [spans(_MARGIN, "   ", (line, "dim")) for line in page.wrap(said, page.right - INDENT - 3)]
    change = report.score.value - before.value
    said = f"The score was {before.value:.1f} then: {change:+.1f}" if abs(change) >= 0.05 else "The score is unchanged"
    return [spans(_MARGIN, "   ", (f"{said}.", "dim"))]


def _fixed(scope: ScopeReport, page: Page, complete: bool) -> list[Text]:
    if not complete or not scope.fixed:
        return []
    lines = [Text(), spans(_MARGIN, ("Fixed", "bold"))]
    for one in scope.fixed:
        line = spans(_MARGIN, (page.glyphs.marks["pass"], "green"), "  ", page.fit(page.name(one.check), 44), "   ")
        place = page.fit_end(page.name(one.path), page.right - line.cell_len)
        lines.append(line.append(place, "cyan"))
    return lines
