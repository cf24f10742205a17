"""A comparison, drawn: for a terminal, for a comment on a pull request, for a program."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from readiness.report.comparison import CheckChange, Comparison, DebtChange, LayerChange, Side, Standing, difference
from readiness.report.finding_changes import FindingChange
from readiness.report.json import printable, written
from readiness.report.markdown import LIMIT, Paper, code, place, prose, signed, table
from readiness.report.model import SCHEMA_VERSION, ScoreSummary
from readiness.report.page import GRADE_STYLES, INDENT, VERDICT_STYLES, Page, count, row, spans, style_of
from readiness.report.sanitize import clean

MARKER = "<!-- readiness: compare -->"
"""The first line of the Markdown: a pipeline finds its comment again by it, and not that of a scan."""

_MARGIN = " " * INDENT
_TITLE, _OUTCOME = 26, 29  # cells of the name of a layer, and of `partial 64 % -> partial 80 %`
_CHECKS, _FIRST, _OTHERS = 20, 10, 5  # checks, new findings and findings of other kinds that a terminal shows
_ORDER = ("worse", "better", "otherwise", "new", "gone", "recounted")
_CHECK_STYLES = {"worse": "red", "better": "green", "new": "cyan", "gone": "cyan"}
_FINDINGS = {
    "new": "new finding",
    "revealed": "finding that OLD could not show",
    "reopened": "finding that is accepted no more",
    "moved": "moved finding",
    "accepted": "finding that is now accepted",
    "fixed": "fixed finding",
    "unseen": "finding that NEW cannot show",
}
_PLURALS = {
    "revealed": "findings that OLD could not show",
    "reopened": "findings that are accepted no more",
    "accepted": "findings that are now accepted",
    "unseen": "findings that NEW cannot show",
}
_CAVEAT = "A check of the same name may ask for something else: to be exact, scan OLD again with this version."
_VERSIONS = "Two versions of readiness measured by the same checks: what they see may differ."


def to_page(comparison: Comparison, page: Page) -> list[Text]:
    """The comparison for a terminal: the score first, then where it comes from, then what to look at."""
    lines = [_side("old", comparison.old, page), _side("new", comparison.new, page), Text(), *_scores(comparison, page)]
    lines += [spans(_MARGIN, line) for told in _notes(comparison) for line in page.wrap(page.text(told), _room(page))]
    lines += [Text(), *_stack(comparison, page), Text(), *_debts(comparison, page)]
    lines += _checks(comparison, page)
    for kind in _FINDINGS:
        lines += _findings(comparison, kind, page)
    if not (comparison.change or comparison.checks or comparison.findings):
        lines += [Text(), spans(_MARGIN, "No check came out differently, and the findings are the same.")]
    return lines


def to_json(comparison: Comparison) -> str:
    """The comparison as JSON, one key per line, ending in a newline."""
    data: dict[str, Any] = {"schema_version": SCHEMA_VERSION, **printable(comparison)}
    return written(data, indent=2) + "\n"


def to_markdown(comparison: Comparison, limit: int = LIMIT) -> str:
    """The comparison as GitHub-flavoured Markdown of at most so many bytes.

    Raises:
        ValueError: the limit leaves no room for a comparison.
    """
    paper = Paper(limit)
    paper.write(f"{MARKER}\n## readiness: {_headline(comparison)}")
    raw = _raw(comparison, "→")
    told = [*([prose(raw)] if raw else []), *_notes(comparison)]
    told += [_told_side("Old", comparison.old), _told_side("New", comparison.new)]
    paper.write("\\\n".join(told))
    paper.write(_layer_table(comparison.layers), "the table of layers")
    paper.write(_debt_table(comparison.debts), "the table of debts")
    checks = [f"- {_kind(one)}: {code(one.name)}: {prose(_told(one, '→'))}" for one in _ordered(comparison.checks)]
    paper.write_list(f"### {_changed(len(checks))}", checks, "check", share=0.3)
    for kind, noun in _FINDINGS.items():
        items = [_item(one) for one in comparison.findings if one.change == kind]
        title = count(len(items), noun, _PLURALS.get(kind, ""))
        unfolded = kind == "new"
        paper.write_list(f"### {title}" if unfolded else title, items, "finding", share=0.5, folded=not unfolded)
    return paper.text()


def _room(page: Page) -> int:
    return page.right - INDENT


def _arrow(page: Page) -> str:
    try:
        "→".encode(page.encoding)
    except (UnicodeEncodeError, LookupError):
        return "->"
    return "→"


def _side(which: str, side: Side, page: Page) -> Text:
    """Of what one report is, on one line."""
    dot = f" {page.glyphs.dot} "
    revision = f" @ {page.name(side.revision)[:7]}" if side.revision else ""
    facts = [f"on {page.name(side.as_of)}"] if side.as_of else []
    rest = dot + page.fit(dot.join([*facts, f"ruler {page.name(side.ruler.version)}"]), 40)
    dirty = " (dirty)" if side.dirty else ""
    cells = page.width - Text(f"{which}  {revision}{dirty}{rest}").cell_len
    name = page.fit(page.name(side.name) or "repository", cells)
    return spans((f"{which}  ", "dim"), (name, "bold"), (revision, "dim"), (dirty, "yellow"), (rest, "dim"))


def _scores(comparison: Comparison, page: Page) -> list[Text]:
    """The headline of both, and both without waivers where one of them has any."""
    old, new, arrow = comparison.old.score, comparison.new.score, _arrow(page)
    line = spans(_MARGIN, _grade(old, page), f" {arrow} ", _grade(new, page))
    if comparison.change is not None:
        line.append("   ").append(signed(comparison.change), _direction(comparison.change))
    if old is not None and new is not None:
        height = len(comparison.layers)
        line.append(f"      the stack: {old.stack_height} {arrow} {new.stack_height} of {height} layers")
    raw = _raw(comparison, arrow)
    return [line, *([spans(_MARGIN, (page.fit(page.text(raw), _room(page)), "dim"))] if raw else [])]


def _grade(score: ScoreSummary | None, page: Page) -> tuple[str, str]:
    if score is None:
        return "no score", "dim"
    return f"{score.value:.1f} {page.fit(page.text(score.grade), 2)}", GRADE_STYLES.get(score.grade, "bold")


def _raw(comparison: Comparison, arrow: str) -> str:
    """Both scores without waivers, where one of them has any."""
    old, new = comparison.old.score, comparison.new.score
    if old is None or new is None or not (old.raw or new.raw):
        return ""
    values = [(one.raw.value, one.raw.grade) if one.raw else (one.value, one.grade) for one in (old, new)]
    change = difference(values[0][0], values[1][0])
    told = f" {arrow} ".join(f"{value:.1f} {grade[:9]}" for value, grade in values)
    return f"Without waivers: {told}, {signed(change)}"


def _notes(comparison: Comparison) -> list[str]:
    """What a reader must know before quoting the change."""
    split = comparison.split
    if split is not None:
        told = f"{signed(split.work)} from your work, {signed(split.ruler)} from new and changed checks."
        return [f"Two rulers measured: {told}", _CAVEAT]
    rulers = (comparison.old.ruler, comparison.new.ruler)
    if rulers[0].hash != rulers[1].hash:
        return ["Two rulers measured, and one of the repositories has no score."]
    return [_VERSIONS] if rulers[0].version != rulers[1].version else []


def _direction(change: float) -> str:
    """More is better."""
    return "green" if change > 0 else "red" if change < 0 else "dim"


def _stack(comparison: Comparison, page: Page) -> list[Text]:
    """The layers with both scores, the top layer first."""
    lines = []
    for number, layer in enumerate(comparison.layers, start=1):
        line = spans(_MARGIN, (f"{number}", "dim"), "  ", page.fit(page.text(layer.title), _TITLE))
        line.append(" " * (INDENT + 3 + _TITLE + 2 - line.cell_len))
        line.append(_points(layer.before), "dim").append(f" {_arrow(page)} ")
        line.append(_points(layer.after), style_of(layer.after) if layer.after is not None else "dim")
        if layer.change is not None:
            line.append(f"{signed(layer.change):>8}", _direction(layer.change))
        lines.append(line)
    return lines[::-1]


def _points(score: float | None) -> str:
    return "not scored" if score is None else f"{score:>5.1f}"


def _debts(comparison: Comparison, page: Page) -> list[Text]:
    """What is owed in all, and the debts that changed."""
    before, after = (round(sum(getattr(one, when) for one in comparison.debts), 1) for when in ("before", "after"))
    rows = [
        ("debt, in days", before, after),
        *((one.name, one.before, one.after) for one in comparison.debts if one.change),
    ]
    lines: list[Text] = []
    for name, was, now in rows:
        change = difference(was, now)
        title = page.fit(page.text(name), _TITLE)
        line = spans(_MARGIN, (title, "" if lines else "bold"))
        line.append(" " * (INDENT + 3 + _TITLE + 2 - line.cell_len))
        line.append(f"{was:>5.1f}", "dim").append(f" {_arrow(page)} {now:>5.1f}")
        lines.append(line.append(f"{signed(change):>8}", _direction(-change)))
    return lines


def _checks(comparison: Comparison, page: Page) -> list[Text]:
    changes = _ordered(comparison.checks)
    if not changes:
        return []
    lines = [Text(), spans(_MARGIN, (_changed(len(changes)), "bold"))]
    column = page.right - _OUTCOME
    for one in changes[:_CHECKS]:
        line = spans(_MARGIN, (f"{_kind(one):<11}", _CHECK_STYLES.get(one.change, "")))
        begin = line.cell_len
        line.append(page.fit(page.name(one.name), 40))
        if line.cell_len + 2 > column:  # a long name has its line to itself
            lines.append(line)
            line = Text(" " * begin)
        else:
            line.append(" " * (column - line.cell_len))
        lines.append(line.append(page.fit(page.text(_told(one, _arrow(page))), page.right - line.cell_len), "dim"))
    return lines + _more(len(changes) - _CHECKS)


def _ordered(changes: Iterable[CheckChange]) -> list[CheckChange]:
    return sorted(changes, key=lambda one: _ORDER.index(one.change))


def _changed(number: int) -> str:
    return count(number, "check differs", "checks differ")


def _kind(one: CheckChange) -> str:
    return {"otherwise": "other"}.get(one.change, one.change)


def _told(one: CheckChange, arrow: str) -> str:
    """What a check was and is."""
    before, after = one.before, one.after
    if before is None or after is None:
        known = before or after
        return f"{_verdict(known)}, {known.weight}" if known is not None else ""
    if one.change != "recounted":
        return f"{_verdict(before)} {arrow} {_verdict(after)}"
    parts = [(one.weight, one.layer, "experimental" if one.experimental else "counts") for one in (before, after)]
    return ", ".join(f"{was} {arrow} {now}" for was, now in zip(*parts, strict=True) if was != now)


def _verdict(standing: Standing) -> str:
    if standing.verdict == "partial" and standing.satisfaction is not None:
        return f"partial {math.floor(standing.satisfaction * 100 + 1e-6)} %"
    return standing.verdict.replace("-", " ")


def _findings(comparison: Comparison, kind: str, page: Page) -> list[Text]:
    found = [one for one in comparison.findings if one.change == kind]
    if not found:
        return []
    most = _FIRST if kind == "new" else _OTHERS
    lines = [Text(), spans(_MARGIN, (count(len(found), _FINDINGS[kind], _PLURALS.get(kind, "")), "bold"))]
    if kind == "moved":
        moves = Counter((one.was, one.path) for one in found)
        for (was, path), number in list(moves.items())[:most]:
            lines += _move(was, path, number, page)
        return lines + _more(len(moves) - most)
    for one in found[:most]:
        lines += _finding(one, page)
    return lines + _more(len(found) - most)


def _move(was: str, path: str, number: int, page: Page) -> list[Text]:
    """Two lines for a file with all that moved in it: it is one event, however many findings it has."""
    left = spans(_MARGIN, (page.place(path, 0, _room(page) - 16), "cyan"))
    where = page.place(was, 0, _room(page) - 8)
    return [row(left, Text(count(number, "finding"), "dim"), page.right), spans(_MARGIN, "   from ", (where, "dim"))]


def _finding(one: FindingChange, page: Page) -> list[Text]:
    verdict = one.verdict if one.verdict in page.glyphs.marks else "fail"
    mark = "pass" if one.change == "fixed" else verdict
    check = page.fit(page.name(one.check), 36)
    left = spans(_MARGIN, (page.glyphs.marks[mark], VERDICT_STYLES[mark]), "  ")
    where = page.place(one.path, one.line if one.change != "fixed" else 0, _room(page) - cell_len(check) - 6)
    left.append(where if one.path else "the whole repository", "cyan")
    lines = [row(left, spans((check, "dim")), page.right)]
    told = page.text(one.reason if one.change == "accepted" else one.message)
    lines += [spans(_MARGIN, "   ", line) for line in page.wrap(told, _room(page) - 3, lines=2)]
    return lines


def _more(rest: int) -> list[Text]:
    return [spans(_MARGIN, "   ", (f"and {rest} more: --format json lists them", "dim"))] if rest > 0 else []


def _headline(comparison: Comparison) -> str:
    old, new = comparison.old.score, comparison.new.score
    was, now = ("no score" if one is None else f"{one.value:.1f} {prose(one.grade, 9)}" for one in (old, new))
    change = f", {signed(comparison.change)}" if comparison.change is not None else ""
    return f"{was} → {now}{change}"


def _told_side(name: str, side: Side) -> str:
    revision = f" at {code(clean(side.revision)[:7])}" if side.revision else ""
    dirty = " (dirty)" if side.dirty else ""
    day = f" · judged on {prose(side.as_of, 20)}" if side.as_of else ""
    return f"{name}: {prose(side.name, 80)}{revision}{dirty}{day} · ruler {prose(side.ruler.version, 40)}"


def _layer_table(layers: Sequence[LayerChange]) -> str:
    """The stack, the top layer first."""
    rows = []
    for number, one in enumerate(layers, start=1):
        change = signed(one.change) if one.change is not None else ""
        rows.append(
            (str(number), prose(one.title, 60), _points(one.before).strip(), _points(one.after).strip(), change)
        )
    return table(("", "Layer", "Before", "After", ""), "| --: | --- | --: | --: | --: |", rows[::-1])


def _debt_table(debts: Iterable[DebtChange]) -> str:
    rows = [(prose(one.name, 40), f"{one.before:.1f}", f"{one.after:.1f}", signed(one.change)) for one in debts]
    return table(("Debt, in days", "Before", "After", ""), "| --- | --: | --: | --: |", rows)


def _item(one: FindingChange) -> str:
    """A finding as an item of a list."""
    where = place(one.path, one.line if one.change != "fixed" else 0)
    was = f", from {place(one.was)}" if one.was else ""
    weight = f" ({prose(one.weight, 20)})" if one.weight else ""
    return (
        f"- {where}{was} · {code(one.check)}{weight}: {prose(one.reason if one.change == 'accepted' else one.message)}"
    )
