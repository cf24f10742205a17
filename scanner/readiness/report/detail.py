"""The long forms of the report: every check with its evidence, and one check with all its places and their code."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.text import Text

from readiness.report.model import (
    CheckReport,
    EvidenceReport,
    FindingReport,
    LayerReport,
    Report,
    SiteCounts,
    SuppressedReport,
)
from readiness.report.page import VERDICT_STYLES, Page, count, row, spans, style_of
from readiness.report.terminal import layer_numbers, summary, whole

_MARGIN = "   "
_FINDINGS, _EVIDENCE = 5, 3  # places per check in the verbose page; `--check` has them all
_WORDS = {"not-applicable": "not applicable"}


def verbose(report: Report, page: Page) -> list[Text]:
    """The summary, then every check by layer, then the files that were not read."""
    lines = summary(report, page, complete=True)
    if report.score is not None:
        for layer in reversed(report.layers):
            lines += _layer(report, layer, page)
    lines += _problems(report, page)
    lines += _suppressed(report, page)
    return lines + _skipped(report, page)


def one_check(report: Report, check: CheckReport, page: Page) -> list[Text]:
    """One check: what it asks, its verdict, and every place with its lines of code."""
    titles = {layer.name: layer.title for layer in report.layers}
    number = layer_numbers(report).get(check.layer, 0)
    counts = f"{check.weight}, experimental: it does not count" if check.experimental else check.weight
    place = f"{counts}, {check.debt} debt, layer {number}: {titles.get(check.layer, check.layer)}"
    lines = [
        spans((page.fit(check.name, page.width), "bold")),
        spans((page.fit(page.text(place), page.width), "dim")),
        Text(),
        *(Text(line) for line in page.wrap(page.text(check.statement), page.width)),
        Text(),
        _verdict(check, page),
    ]
    for finding in check.findings:
        lines += [Text(), *_frame(finding, finding.message, finding.verdict, page)]
    # A place that is accused is not shown again as evidence.
    accused = {(finding.path, finding.line) for finding in check.findings}
    for evidence in check.evidence:
        if (evidence.path, evidence.line) not in accused:
            lines += [Text(), *_frame(evidence, evidence.text, _speaks_for(check), page)]
    return [*lines, Text(), spans(("readiness explain ", "dim"), check.name)]


def _verdict(check: CheckReport, page: Page) -> Text:
    style = VERDICT_STYLES[check.verdict]
    left = spans((f"{page.glyphs.marks[check.verdict]} {_word(check.verdict)}", f"bold {style}"))
    if check.satisfaction is not None and check.verdict == "partial":
        left.append(f"   {whole(check.satisfaction * 100)} %")
    if check.sites is not None and check.sites.total:
        left.append(f"   {_sites(check.sites)}", "dim")
    return row(left, _price(check), page.width) if check.gain else left


def _word(verdict: str) -> str:
    return _WORDS.get(verdict, verdict)


def _price(check: CheckReport) -> Text:
    return spans((f"+{check.gain:.1f}", "green"), f"  {check.effort:>7}")


def _sites(sites: SiteCounts) -> str:
    named = (
        (sites.passed, "pass"),
        (sites.partial, "partial"),
        (sites.failed, "fail"),
        (sites.unknown, "unknown"),
    )
    told = ", ".join(f"{number} {word}" for number, word in named if number)
    return f"{count(sites.total, 'place')}: {told}"


def _speaks_for(check: CheckReport) -> str:
    """The mark beside evidence: what is shown is there, even where it is not enough."""
    return check.verdict if check.verdict in ("unknown", "not-applicable") else "pass"


def _frame(one: FindingReport | EvidenceReport, text: str, verdict: str, page: Page) -> list[Text]:
    """A place, what is said about it, and its lines."""
    mark = spans((page.glyphs.marks[verdict], VERDICT_STYLES[verdict]), " ")
    place = page.place(one.path, one.line, page.width - 2) or "the repository as a whole"
    lines = [mark.append(place, "cyan")]
    lines += [spans("  ", line) for line in page.wrap(page.text(text), page.width - 2)]
    source = one.source.split("\n") if one.source else []
    if not source:
        return lines
    digits = len(str(one.line + len(source) - 1))
    for number, line in enumerate(source, start=one.line):
        gutter = f"    {number:>{digits}} {page.glyphs.bar} "
        lines.append(spans((gutter, "dim"), page.fit(page.source(line), page.width - len(gutter))))
    hidden = one.end_line - one.line + 1 - len(source)
    if hidden > 0:
        rest = f"    {'':>{digits}} {page.glyphs.bar} {page.glyphs.more} {count(hidden, 'more line')}"
        lines.append(spans((rest, "dim")))
    return lines


def _layer(report: Report, layer: LayerReport, page: Page) -> list[Text]:
    number = layer_numbers(report)[layer.name]
    score = Text("not scored", "dim") if layer.score is None else Text(str(whole(layer.score)), style_of(layer.score))
    heading = spans((f"{number}  {page.fit(page.text(layer.title), 60)}", "bold"))
    lines = [Text(), row(heading, score, page.width)]
    checks = [check for check in report.checks if check.layer == layer.name]
    for check in checks:
        if check.verdict != "not-applicable":
            lines += _check(check, page)
    aside = [check.name for check in checks if check.verdict == "not-applicable"]
    if aside:
        lines += _hanging(f"{page.glyphs.marks['not-applicable']} not applicable: {', '.join(aside)}", page)
    return lines


def _hanging(text: str, page: Page) -> list[Text]:
    """A dim paragraph whose lines after the first are set in by a mark's width."""
    wrapped = page.wrap(text, page.width - 5)
    return [spans(_MARGIN, ("  " if row else "", "dim"), (line, "dim")) for row, line in enumerate(wrapped)]


def _check(check: CheckReport, page: Page) -> list[Text]:
    style = VERDICT_STYLES[check.verdict]
    left = spans(_MARGIN, (page.glyphs.marks[check.verdict], style), " ")
    cells = min(page.width - 42, 40)
    left.append(page.fit(check.name, cells).ljust(cells), "" if check.verdict == "pass" else "bold")
    word = _word(check.verdict)
    if check.verdict == "partial" and check.satisfaction is not None:
        word = f"{word} {whole(check.satisfaction * 100)} %"
    left.append(f" {word:<12}", style)
    left.append(
        " experimental" if check.experimental else f" {check.weight:<8}", "magenta" if check.experimental else "dim"
    )
    lines = [row(left, _price(check), page.width) if check.gain else left]
    findings = check.findings[:_FINDINGS]
    evidence = () if findings else check.evidence[:_EVIDENCE]
    for finding in findings:
        lines += _told(finding, finding.message, page)
    for one in evidence:
        lines += _told(one, one.text, page)
    shown, there = len(findings) + len(evidence), len(check.findings) or len(check.evidence)
    if there > shown:
        lines.append(spans(_MARGIN, "     ", (f"and {there - shown} more: --check {check.name}", "dim")))
    return lines


def _told(one: FindingReport | EvidenceReport, text: str, page: Page) -> list[Text]:
    """A place and what is said of it: on one line where both fit, else below one another."""
    line = spans(_MARGIN, "  ", (page.place(one.path, one.line, page.width // 2), "cyan"))
    if line.cell_len > 5:
        line.append("  ")
    said = page.text(text)
    if cell_len(said) <= page.width - line.cell_len:
        return [line.append(said)]
    if line.cell_len <= 5:  # it is nowhere in particular
        return [spans(_MARGIN, "  ", row) for row in page.wrap(said, page.width - 5, lines=3)]
    return [line, *(spans(_MARGIN, "    ", row) for row in page.wrap(said, page.width - 7, lines=3))]


def _listed(title: str, rows: Iterable[tuple[str, int, str]], page: Page) -> list[Text]:
    """A titled list of places, each with a reason."""
    lines = []
    for path, at, reason in rows:
        line = spans(_MARGIN, (page.place(path, at, page.width // 2) or "the repository", "cyan"), "   ")
        said = page.text(reason)
        if line.cell_len + cell_len(said) <= page.width:
            lines.append(line.append(said))
        else:
            lines += [line, *(spans(_MARGIN, "  ", row) for row in page.wrap(said, page.width - 5, lines=3))]
    return [Text(), spans((title, "bold")), *lines] if lines else []


def _problems(report: Report, page: Page) -> list[Text]:
    return _listed(
        "Cannot be imported", ((problem.path, problem.line, problem.message) for problem in report.problems), page
    )


def _suppressed(report: Report, page: Page) -> list[Text]:
    """Findings that are accepted, each with who accepted it and until when, and exemptions that are not in order."""
    rows = ((one.path, one.line, f"{one.check}: {one.reason}{_terms(one)}") for one in report.suppressed)
    faults = ((one.path, one.line, one.finding.message) for one in report.exemptions if one.finding is not None)
    return [
        *_listed("Accepted by the owners", rows, page),
        *_listed("Suppressions and waivers to mend", faults, page),
    ]


def _terms(one: SuppressedReport) -> str:
    if one.origin == "code":
        return ""
    elsewhere = f"satisfied elsewhere ({one.evidence}), " if one.kind == "satisfied-elsewhere" else ""
    return f" ({elsewhere}{one.owner}, until {one.expires})"


def _skipped(report: Report, page: Page) -> list[Text]:
    return _listed("Not read", ((file.path, 0, file.reason) for file in report.skipped), page)
