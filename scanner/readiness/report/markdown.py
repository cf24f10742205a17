"""The report as GitHub-flavoured Markdown: for a comment on a pull request, and for the summary of a job.

A document is a row of blocks, each there whole or not at all: what does not fit under the limit is counted, and said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from readiness.report.comparison import difference
from readiness.report.findings import Listed, reported
from readiness.report.model import (
    ActionReport,
    BeforeReport,
    ExemptionReport,
    LayerReport,
    Report,
    ScopeReport,
    ScoreSummary,
    SuppressedReport,
)
from readiness.report.page import count
from readiness.report.sanitize import clean
from readiness.report.sentences import first_finding

MARKER = "<!-- readiness -->"
"""The first line: a pipeline finds its comment again by it."""

LIMIT = 65_536
"""What GitHub takes as a comment."""

LEAST = 4_096
"""Below this limit there is no room for a report."""

_NOTICES = 1_024  # bytes kept free, so that whatever does not fit can be said to be missing
_ACTIONS = 3
_OPEN = 20  # new findings that are told unfolded
_BAR = 10
_PROSE, _CODE = 300, 160

# A zero-width space after these: GitHub makes links, mentions and references of text, whatever way it was written.
_BREAK = "\u200b"
_LIVE = re.compile(r"@|\#(?=\w)|:(?=//)|www(?=\.)|GH(?=-\d)|[0-9a-f]{6}(?=[0-9a-f])", re.ASCII | re.IGNORECASE)
# What begins a block at the beginning of a text.
_OPENING = re.compile(r"[#+=-]|[0-9](?=[0-9]*[.)](?!\S))")
_REFERENCES = str.maketrans(
    {
        **{sign: f"&#{ord(sign)};" for sign in "\\`*_[]~|\"'"},
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "$": "<span>$</span>",  # a formula otherwise; a reference would still be one
        _BREAK: "&#8203;",
    }
)


def prose(text: str, most: int = _PROSE) -> str:
    """A text of a repository on one line, with no meaning to Markdown or HTML, in a table as well as outside."""
    shown = _LIVE.sub(rf"\g<0>{_BREAK}", _cut(" ".join(text.split()), most))
    opening = _OPENING.match(shown)
    begin = f"&#{ord(shown[0])};" if opening else ""
    return begin + shown[1 if opening else 0 :].translate(_REFERENCES)


def code(text: str, most: int = _CODE) -> str:
    """A name of a repository as code; not for tables, where a `|` ends a cell even in code."""
    shown = _cut(text, most)
    if not shown:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    blank = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{blank}{shown}{blank}{fence}" if shown.strip() else f"{fence}{shown}{fence}"


def place(path: str, line: int = 0) -> str:
    """`path:line` as code, a long path cut at its beginning; in words where there is no path."""
    if not path:
        return "the whole repository"
    tail = f":{line}" if line > 0 else ""
    end = clean(path[-_CODE:])
    return code((end if len(path) <= _CODE and len(end) <= _CODE else f"…{end[-_CODE:]}") + tail, 2 * _CODE)


def _cut(text: str, most: int) -> str:
    """The beginning of a text, made visible, and visibly cut."""
    shown = clean(text[: most + 1])  # no shorter than the text: what is longer than `most` is not looked at
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def signed(points: float) -> str:
    """`+4.0`, `-3.0`, `0.0`."""
    return f"{points:+.1f}" if points else "0.0"


def table(heading: Sequence[str], rule: str, rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; `rule` is its second line."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(heading)} |", rule, *lines])


class Paper:
    """A document under a limit of bytes."""

    def __init__(self, limit: int) -> None:
        self._blocks: list[str] = []
        self._end: list[str] = []
        self._left = limit - _NOTICES

    def write(self, block: str, what: str = "this") -> None:
        """Add a block, or say that it is missing."""
        if not block:
            return
        if _size(block) <= self._left:
            self._left -= _size(block)
            self._blocks.append(block)
        else:
            self._blocks.append(f"… {what} did not fit here: the JSON report has it")

    def write_list(
        self, title: str, items: Sequence[str], noun: str, *, share: float = 1.0, folded: bool = False
    ) -> None:
        """Add a titled list, as much of it as fits into a share of what room is left.

        Args:
            title: what is listed; Markdown.
            items: one line of Markdown each.
            noun: what one item is, for the count of those that are left out.
            share: of the room that is left.
            folded: the reader unfolds the list, and it stands at the end, whenever it is written.
        """
        if not items:
            return
        room = int(self._left * share) - _size(_titled(title, "", folded))
        kept = fitting(items, room - _size(_more(len(items), noun)))
        block = _titled(title, _body(items, kept, noun), folded) if kept else _more(len(items), noun)
        self._left -= _size(block) if kept else 0
        (self._end if folded else self._blocks).append(block)

    def write_groups(self, groups: Sequence[tuple[str, Sequence[int]]], items: Sequence[str], noun: str) -> None:
        """Add folded lists that share the room: the first items are there before the later ones, in whatever group.

        Args:
            groups: the title of each, and which of the items are in it.
            items: one line of Markdown each, the most important first.
            noun: what one item is.
        """
        frames = sum(_size(_titled(title, _more(len(numbers), noun), True)) for title, numbers in groups)
        kept = fitting(items, self._left - frames)
        if items and not kept:
            self._blocks.append(_more(len(items), noun))
            return
        for title, numbers in groups:
            lines = [items[number] for number in numbers]
            body = _body(lines, sum(number < kept for number in numbers), noun)
            self.write(_titled(title, body, True), title)

    def text(self) -> str:
        """The whole document."""
        return "\n\n".join([*self._blocks, *self._end]) + "\n"


def fitting(items: Sequence[str], room: int) -> int:
    """How many of the items, from the first on, have room in so many bytes."""
    for number, item in enumerate(items):
        room -= _size(item)
        if room < 0:
            return number
    return len(items)


def to_markdown(report: Report, limit: int = LIMIT) -> str:
    """The report as Markdown of at most so many bytes, and so of at most so many characters.

    Raises:
        ValueError: the limit leaves no room for a report.
    """
    if limit < LEAST:
        raise ValueError(f"a report needs a limit of {LEAST} bytes at least")
    paper = Paper(limit)
    paper.write(f"{MARKER}\n{_headline(report)}")
    paper.write(_standing(report))
    _write_gate(paper, report)
    if report.score is not None:
        paper.write(_layers(report.layers), "the table of layers")
    few = report.scope is not None and len(reported(report)) <= _OPEN
    if report.scope is not None:
        _write_scope(paper, report, report.scope, tell=few)
    actions = [_action(report, action) for action in report.actions[:_ACTIONS]]
    paper.write_list(
        "### Fix first", [f"{number}. {one}" for number, one in enumerate(actions, 1)], "action", share=0.2
    )
    _write_asides(paper, report)
    if not few:
        _write_findings(paper, report)
    return paper.text()


def _headline(report: Report) -> str:
    score = report.score
    if score is None:
        return "## readiness: no score"
    raw = f" ({score.raw.value:.1f} {prose(score.raw.grade, 9)} without waivers)" if score.raw else ""
    before = report.scope.before if report.scope is not None else None
    since = f", {_since(score, before)}" if before is not None else ""
    return f"## readiness: {score.value:.1f} of 100, grade {prose(score.grade, 9)}{raw}{since}"


def _since(score: ScoreSummary, before: BeforeReport) -> str:
    was = f"{before.value:.1f} {prose(before.grade, 9)}"
    if not before.same_ruler:
        return f"the baseline's {was} was measured by another ruler"
    change = difference(before.value, score.value)
    return f"{signed(change)} since the baseline ({was})" if change else "as in the baseline"


def _standing(report: Report) -> str:
    """What a reader must know before quoting the score, and what was scanned."""
    repository, score = report.repository, report.score
    told = []
    if score is None:
        uses = (
            "nothing about its use of a model could be decided"
            if repository.gates.get("model")
            else "it uses no AI model that readiness can see"
        )
        told.append(f"There is nothing to score: {uses}.")
    else:
        facts = [f"between {score.low:.1f} and {score.high:.1f}"] if score.high > score.low else []
        facts += [f"the stack stands {score.stack_height} of {len(report.layers)} layers high", *_cap(score)]
        if score.provisional:
            facts.append(f"**provisional**: only {math.floor(score.coverage * 100)} % could be decided")
        told.append(" · ".join(facts))
    revision = f" at {code(clean(repository.revision)[:7])}" if repository.revision else ""
    what = [f"{prose(repository.name, 80)}{revision}{' (dirty)' if repository.dirty else ''}"]
    what += [f"judged on {prose(report.as_of, 20)}"] if report.as_of else []
    return "\\\n".join([*told, " · ".join([*what, f"ruler {prose(report.ruler.version, 40)}"])])


def _cap(score: ScoreSummary) -> list[str]:
    """Why the grade is not what the points say, or cannot become it."""
    if not score.capped_by or (score.uncapped_grade == score.grade and score.grade != "C"):
        return []
    names = ", ".join(code(name, 60) for name in score.capped_by[:3])
    more = f" and {len(score.capped_by) - 3} more" if len(score.capped_by) > 3 else ""
    grade, better = prose(score.grade, 9), prose(score.uncapped_grade, 9)
    how = f"held at {grade}" if better == grade else f"capped at {grade}, not {better},"
    return [f"{how} by {names}{more}"]


def _write_gate(paper: Paper, report: Report) -> None:
    if report.gate is not None:
        items = [
            f"- {'met' if one.met else '**not met**'}: {code(one.demand)}: {prose(one.says)}"
            for one in report.gate.demands
        ]
        paper.write_list(f"**The gate {'passed' if report.gate.met else 'failed'}.**", items, "demand", share=0.2)


def _layers(layers: Sequence[LayerReport]) -> str:
    """The stack, the top layer first."""
    rows = [(str(number), prose(layer.title, 60), *_bar(layer.score)) for number, layer in enumerate(layers, start=1)]
    return table(("", "Layer", "", "Score"), "| --: | --- | --- | --: |", reversed(rows))


def _bar(score: float | None) -> tuple[str, str]:
    if score is None:
        return "not scored", "–"
    full = min(_BAR, round(score * _BAR / 100))
    return f"`{'█' * full}{'░' * (_BAR - full)}`", f"{score:.1f}"


def _write_scope(paper: Paper, report: Report, scope: ScopeReport, *, tell: bool) -> None:
    """Write what the report is held against and what is fixed; and tell the new findings, where they are few."""
    new = reported(report)
    against = [f"the baseline {code(scope.baseline)}"] if scope.baseline is not None else []
    against += [f"what changed since {code(scope.since)}"] if scope.since is not None else []
    counts = [count(len(new), "new finding")]
    counts += [count(scope.known, "known finding")] if scope.known else []
    counts += [count(scope.moved, "moved finding")] if scope.moved else []
    counts += [f"{count(scope.outside, 'finding')} elsewhere"] if scope.outside else []
    paper.write(f"Against {' and '.join(against)}: {', '.join(counts)}.")
    if tell:
        items = [_finding(one) for one in new]
        paper.write_list(f"### {count(len(new), 'new finding')}", items, "new finding", share=0.4)
    fixed = [f"- {place(one.path)} · {code(one.check)}: {prose(one.message)}" for one in scope.fixed]
    paper.write_list(f"### {count(len(fixed), 'fixed finding')}", fixed, "fixed finding", share=0.2)


def _finding(one: Listed) -> str:
    found = one.finding
    weight = prose(one.weight if found.verdict == "fail" else f"{one.weight}, {found.verdict}", 40)
    return f"- {place(found.path, found.line)} · {code(one.check)} ({weight}): {prose(found.message)}"


def _action(report: Report, action: ActionReport) -> str:
    gain = f"+{action.gain:.1f}" if action.gain >= 0.05 else "less than +0.1"
    check = report.check(action.check)
    found = first_finding(check) if check is not None else None
    first = f", first at {place(found.path, found.line)}: {prose(found.message)}" if found is not None else ""
    return f"{code(action.check)}: {gain}, {prose(action.effort, 20)}{first}"


def _write_findings(paper: Paper, report: Report) -> None:
    """All findings that are reported, folded by layer, the top layer first; where room lacks, the heaviest stay."""
    listed = reported(report)
    titles = {layer.name: layer.title for layer in reversed(report.layers)} | {"": "Suppressions and waivers"}
    groups = []
    for name, title in titles.items():
        numbers = [number for number, one in enumerate(listed) if one.layer == name]
        if numbers:
            groups.append((f"{prose(title, 60)}: {count(len(numbers), 'finding')}", numbers))
    paper.write_groups(groups, [_finding(one) for one in listed], "finding")


def _write_asides(paper: Paper, report: Report) -> None:
    """What is accepted, and what earns nothing or was not read: a reader of the score wants to know of it."""
    accepted = [_exemption(one) for one in report.exemptions] or [_suppressed(one) for one in report.suppressed]
    title = f"Waivers and suppressions: {len(accepted)}"
    paper.write_list(title, accepted, "waiver or suppression", share=0.2, folded=True)
    broken = [f"- {place(one.path, one.line)}: {prose(one.message)}" for one in report.problems]
    paper.write_list(
        f"Cannot be imported: {len(broken)}", broken, "file that cannot be imported", share=0.2, folded=True
    )
    skipped = [f"- {place(one.path)}: {prose(one.reason)}" for one in report.skipped]
    paper.write_list(f"Not read: {count(len(skipped), 'file')}", skipped, "file", share=0.2, folded=True)


def _exemption(one: ExemptionReport) -> str:
    standing = "" if one.standing == "used" else f"**{prose(one.standing, 20)}** "
    where = f" in {code(one.scope)}" if one.scope else ""
    told = [prose(one.kind.replace("-", " "), 40), count(one.findings, "finding")]
    told += [prose(one.owner, 80)] if one.owner else []
    told += [f"until {prose(one.expires, 20)}"] if one.expires else []
    told += [f"evidence: {prose(one.evidence)}"] if one.evidence else []
    return f"- {standing}{code(one.check)}{where}: {prose(one.reason)} ({', '.join(told)}; {place(one.path, one.line)})"


def _suppressed(one: SuppressedReport) -> str:
    return f"- {code(one.check)} at {place(one.path, one.line)}: {prose(one.reason)}"


def _titled(title: str, body: str, folded: bool) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>" if folded else f"{title}\n\n{body}"


def _body(items: Sequence[str], kept: int, noun: str) -> str:
    rest = len(items) - kept
    parts = (["\n".join(items[:kept])] if kept else []) + ([_more(rest, noun)] if rest else [])
    return "\n\n".join(parts)


def _more(rest: int, noun: str) -> str:
    return f"… and {rest} more {noun if rest == 1 else noun + 's'}: the JSON report has them all"


def _size(block: str) -> int:
    """The bytes of a block and of the blank line after it."""
    return len(block.encode()) + 2
