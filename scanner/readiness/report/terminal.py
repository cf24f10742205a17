"""The report in a terminal: the score, the stack, the debts, and what to fix first."""

from __future__ import annotations

import math
from itertools import zip_longest

from rich.text import Text

from readiness.report.attested import attested
from readiness.report.model import LayerReport, Report, ScoreSummary
from readiness.report.page import GRADE_STYLES, INDENT, VERDICT_STYLES, Page, count, listed, row, spans, style_of
from readiness.report.scoped import scoped
from readiness.report.sentences import first_finding, kind_in_words, told, without_score

_MARGIN = " " * INDENT
_FIRST = 5  # actions shown: more than a reader remembers is a list, not a plan
_PROBLEMS = 5
_TITLE = 26
_PROVISIONAL = "   provisional"


def summary(report: Report, page: Page, *, complete: bool = False) -> list[Text]:
    """The page that `readiness scan` prints; `complete` when all the details follow, so that it need not offer them."""
    lines = _header(report, page)
    lines += _problems(report, page)
    if report.score is None:
        lines += [Text(), *_without_score(report, page), *attested(report, page, complete=complete)]
        return lines + _notes(report, page, complete)
    lines += [Text(), _headline(report, report.score, page), Text()]
    lines += _stack_and_debts(report, page)
    lines += attested(report, page, complete=complete)
    lines += scoped(report, page, complete=complete)
    lines += _fix_first(report, page)
    lines += _hints(report, report.score, page)
    lines += _gate(report, page)
    return lines + _notes(report, page, complete)


def quiet(report: Report, page: Page) -> list[Text]:
    """The score on one line, for scripts that want a word and people in a hurry."""
    if report.score is None:
        return _without_score(report, page)
    line = _score(report.score)
    line.append(f"   {_stack(report, page.width - line.cell_len - 3 - len(_PROVISIONAL))}")
    if report.score.provisional:
        line.append(_PROVISIONAL, "magenta")
    return [line]


def layer_numbers(report: Report) -> dict[str, int]:
    """The number of each layer, counted from the bottom."""
    return {layer.name: number for number, layer in enumerate(report.layers, start=1)}


def whole(score: float) -> int:
    """A score without decimals, never rounded up: what reads 70 stands."""
    return math.floor(score)


def _header(report: Report, page: Page) -> list[Text]:
    repository = report.repository
    dot = f" {page.glyphs.dot} "
    revision = f" @ {page.name(repository.revision)[:7]}" if repository.revision else ""
    dirty = " (dirty)" if repository.dirty else ""
    name = page.fit(page.name(repository.name) or "repository", page.width - len(revision) - len(dirty))
    first = spans((name, "bold"), (revision, "dim"), (dirty, "yellow"))
    kinds = ", ".join(page.text(kind_in_words(kind)) for kind in repository.kinds)
    counts = _counts(report)

    rest = page.width - first.cell_len - len(dot)
    if kinds and rest >= 12:
        first.append(dot, "dim").append(page.fit(kinds, rest))
    if first.cell_len + len(dot) + len(counts) <= page.width:
        return [first.append(dot, "dim").append(counts, "dim")]
    return [first, spans((page.fit(counts, page.width), "dim"))]


def _counts(report: Report) -> str:
    files = report.repository.files
    parts = [count(files.python, "Python file")]
    if files.notebooks:
        parts.append(count(files.notebooks, "notebook"))
    calls = [call for call in report.model_calls if call.role == "serving" and not call.is_constructor]
    if calls:
        understood = sum(call.understood for call in calls)
        parts.append(f"{count(understood, 'model call')} understood of {len(calls)}")
    return ", ".join(parts)


def _problems(report: Report, page: Page) -> list[Text]:
    """Code that cannot be imported, before the score: it earns nothing, and its owners want to know first."""
    if not report.problems:
        return []
    lines = [Text(), spans(_MARGIN, ("Cannot be imported, so it earns nothing", "bold red"))]
    for problem in report.problems[:_PROBLEMS]:
        place = page.place(problem.path, problem.line, page.right // 2)
        message = page.fit(page.text(problem.message), page.right - INDENT - len(place) - 6)
        lines.append(spans(_MARGIN, (page.glyphs.marks["fail"], "red"), "  ", (place, "cyan"), "   ", message))
        if lines[-1].cell_len > page.width:  # a wide path: cells are not characters
            lines[-1].truncate(page.width)
    more = len(report.problems) - _PROBLEMS
    if more > 0:
        lines.append(spans(_MARGIN, "   ", (f"and {more} more: --verbose lists them", "dim")))
    return lines


def _without_score(report: Report, page: Page) -> list[Text]:
    """The one clear sentence."""
    name = page.fit(page.name(report.repository.name) or "This repository", page.width // 2)
    sentence = without_score(name, report.repository.gates.get("model", False))
    return [Text(line) for line in page.wrap(sentence, page.width)]


def _score(score: ScoreSummary) -> Text:
    style = GRADE_STYLES.get(score.grade, "bold")
    line = spans(_MARGIN, (f"{whole(score.value)}  {score.grade}", style))
    if score.raw is not None:
        line.append(f"   {whole(score.raw.value)} {score.raw.grade} without waivers")
    low, high = whole(score.low), math.ceil(score.high)
    if score.high > score.low:
        line.append(f"   between {low} and {high}")
    return line


def _stack(report: Report, cells: int) -> str:
    """How high the stack stands, in the words there is room for."""
    height = report.score.stack_height if report.score else 0
    sentence = f"the stack stands {height} of {len(report.layers)} layers high"
    return sentence if len(sentence) <= cells else f"stack: {height} of {len(report.layers)}"


def _headline(report: Report, score: ScoreSummary, page: Page) -> Text:
    line = _score(score)
    stack = _stack(report, page.width - line.cell_len - 3)
    at = INDENT + 3 + _TITLE + 2  # under one another: this sentence and the bars
    gap = max(3, min(at, page.width - len(stack)) - line.cell_len)
    return line.append(" " * gap).append(stack, "" if score.stack_height else "dim")


def _stack_and_debts(report: Report, page: Page) -> list[Text]:
    cells = 10 if page.width < 90 else 20
    left = [_layer(number, layer, cells, page) for number, layer in enumerate(report.layers, start=1)]
    right = _debts(report, page)
    width = INDENT + 3 + _TITLE + 2 + cells + 2 + 3
    beside = page.width - width - 4 >= max((line.cell_len for line in right), default=0)
    if not beside:
        return [*reversed(left), Text(), *(spans(_MARGIN).append_text(line) for line in right)]
    rows = []
    for layer, debt in zip_longest(reversed(left), right):
        line = layer if layer is not None else Text()
        if debt is not None:
            line.append(" " * (width + 4 - line.cell_len)).append_text(debt)
        rows.append(line)
    return rows


def _layer(number: int, layer: LayerReport, cells: int, page: Page) -> Text:
    title = page.fit(page.text(layer.title), _TITLE)
    line = spans(_MARGIN, (str(number), "bold" if layer.standing else "dim"), "  ", title)
    line.append(" " * (INDENT + 3 + _TITLE + 2 - line.cell_len))
    if layer.score is None:
        return line.append("not scored".ljust(cells), "dim").append(f"  {page.glyphs.dash:>3}", "dim")
    full = min(cells, round(layer.score * cells / 100))
    style = style_of(layer.score)
    line.append(page.glyphs.full * full, style).append(page.glyphs.empty * (cells - full), "dim")
    return line.append(f"  {whole(layer.score):>3}", style)


def _debts(report: Report, page: Page) -> list[Text]:
    total = sum(debt.days for debt in report.debts)
    lines = [spans(("debt        ", "bold"), (f"{total:>6.1f}", "bold"), (" days", "dim"))]
    for debt in sorted(report.debts, key=lambda debt: (-debt.days, debt.name)):
        name = page.fit(page.text(debt.name), 12)
        lines.append(spans((f"{name:<12}{debt.days:>6.1f}", "" if debt.days else "dim")))
    return lines


def _fix_first(report: Report, page: Page) -> list[Text]:
    if not report.actions:
        return [Text(), spans(_MARGIN, "Nothing is left to fix: every check that could be decided is satisfied.")]
    title = "Fix first" if len(report.actions) > 1 else "Fix"
    lines = [Text(), row(spans(_MARGIN, (title, "bold")), spans((" gain   effort", "dim")), page.right)]
    for number, action in enumerate(report.actions[:_FIRST], start=1):
        check = report.check(action.check)
        gain = f"+{action.gain:.1f}" if action.gain >= 0.05 else "<0.1"
        right = spans((f"{gain:>5}", "green"), "  ", (f"{action.effort:>7}", ""))
        left = spans(_MARGIN, (str(number), "dim"), "  ", (page.fit(action.check, 44), "bold"))
        if check is not None:
            finding = first_finding(check)
            place = page.place(finding.path, finding.line, page.right - left.cell_len - 17 - 3) if finding else ""
            left.append("   ").append(place, "cyan")
        lines.append(row(left, right, page.right))
        if check is not None:
            message = page.wrap(page.text(told(check)), page.right - INDENT - 3, lines=2)
            lines += [spans(_MARGIN, "   ", line) for line in message]
    return lines


def _hints(report: Report, score: ScoreSummary, page: Page) -> list[Text]:
    hint = spans()
    if report.actions:
        hint = spans(_MARGIN, ("readiness explain ", "dim"), page.fit(report.actions[0].check, 40))
    cap = _cap(score, page)
    lines = [Text()] if hint.cell_len or cap else []
    if hint.cell_len and cap and hint.cell_len + 4 + len(cap) <= page.right:
        return [*lines, row(hint, spans((cap, "yellow")), page.right)]
    if hint.cell_len:
        lines.append(hint)
    lines += [spans(_MARGIN, (line, "yellow")) for line in page.wrap(cap, page.right - INDENT)]
    return lines


def _cap(score: ScoreSummary, page: Page) -> str:
    """Why the grade is not what the points say, or cannot become it."""
    if not score.capped_by:
        return ""
    names = listed(score.capped_by, page.name)
    if score.uncapped_grade == score.grade and score.grade != "C":
        return ""  # the points alone keep it lower: the cap is not what to think of now
    if score.uncapped_grade == score.grade:
        return f"held at C by {names}"
    return f"capped at {score.grade}, not {score.uncapped_grade}, by {names}"


def _gate(report: Report, page: Page) -> list[Text]:
    """Whether what was demanded is met, demand by demand."""
    if report.gate is None:
        return []
    lines = [
        Text(),
        spans(_MARGIN, ("Gate", "bold"), "  ", ("met", "green") if report.gate.met else ("not met", "red")),
    ]
    for one in report.gate.demands:
        mark = "pass" if one.met else "fail"
        told = page.wrap(f"{page.text(one.says)} ({page.text(one.demand)})", page.right - INDENT - 3)
        lines.append(spans(_MARGIN, (page.glyphs.marks[mark], VERDICT_STYLES[mark]), "  ", told[0]))
        lines += [spans(_MARGIN, "   ", line) for line in told[1:]]
    return lines


def _notes(report: Report, page: Page, complete: bool) -> list[Text]:
    """What a reader must know before quoting the score."""
    notes: list[tuple[str, str]] = []
    if report.score is not None and report.score.provisional:
        share = math.floor(report.score.coverage * 100)
        more = "" if complete else " --verbose says what is unknown."
        notes.append((f"Provisional: only {share} % could be decided.{more}", "magenta"))
    if report.suppressed and not complete:
        notes.append((f"{count(len(report.suppressed), 'finding')} accepted by the owners: --verbose lists them.", ""))
    faults = [one.standing for one in report.exemptions if one.finding is not None]
    if faults and not complete:
        words = ", ".join(f"{faults.count(word)} {word}" for word in dict.fromkeys(faults))
        notes.append((f"Suppressions and waivers to mend: {words}. --verbose lists them.", "yellow"))
    if report.skipped and not complete:
        words = "file was" if len(report.skipped) == 1 else "files were"
        notes.append((f"{len(report.skipped)} {words} not read: --verbose says which and why.", "dim"))
    wrapped = [(line, style) for note, style in notes for line in page.wrap(note, page.right - INDENT)]
    return [Text(), *(spans(_MARGIN, (line, style)) for line, style in wrapped)] if wrapped else []
