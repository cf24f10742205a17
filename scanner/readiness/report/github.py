"""The report as workflow commands: GitHub shows each as an annotation, beside its line and on the page of the run.

A command is one line, and a name or a message with a line break in it would begin another. Texts go through `sanitize`
first, then through the escapes of the commands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from readiness.report.findings import Listed, reported
from readiness.report.model import Report, ScoreSummary
from readiness.report.page import count, listed
from readiness.report.sanitize import clean, cut, one_line

KINDS = ("error", "warning", "notice")
MOST = 10
"""Annotations of one kind that GitHub shows of one step; it drops the others without a word."""

_KEPT_BACK = {"notice": 2}  # for what is left out, and for the score
_FILES = 3
_PATH = 200
_MESSAGE = 1000


def to_github(report: Report) -> str:
    """A command for each reported finding, worst first, as many as GitHub shows; how many more; the score and the gate.

    What is accepted or known in the baseline is left out. The text ends in a newline.
    """
    by_kind: dict[str, list[Listed]] = {kind: [] for kind in KINDS}
    for one in reported(report):
        by_kind[_kind(one)].append(one)
    lines, left_out = [], []
    for kind, findings in by_kind.items():
        room = MOST - _KEPT_BACK.get(kind, 0)
        lines += [_finding(kind, one, report.repository.prefix) for one in findings[:room]]
        left_out += findings[room:]
    if left_out:
        lines.append(_command("notice", _more(left_out), title="readiness"))
    lines.append(_command("notice", _verdict(report), title="readiness"))
    return "\n".join(lines) + "\n"


def _kind(one: Listed) -> str:
    """An error where something heavy fails; a low check is worth a notice."""
    if one.weight == "low":
        return "notice"
    return "error" if one.finding.verdict == "fail" and one.weight in ("critical", "high") else "warning"


def _finding(kind: str, one: Listed, prefix: str) -> str:
    finding = one.finding
    message = one_line(finding.message) or one_line(one.statement)
    place: dict[str, str | int] = {}
    if finding.path:  # what concerns the whole repository is shown on the page of the run
        place["file"] = clean(prefix + finding.path)
        place["line"] = max(1, finding.line)
        place["endLine"] = max(1, finding.line, finding.end_line)
    return _command(kind, cut(message, _MESSAGE), title=clean(one.check), **place)


def _more(left_out: Sequence[Listed]) -> str:
    """How many findings GitHub would have dropped, and where they are."""
    files = Counter(one.finding.path for one in left_out)
    ranked = sorted(files.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{cut(clean(path), _PATH) or 'the repository as a whole'} ({number})" for path, number in ranked]
    return f"{count(len(left_out), 'more finding')}: {listed(named, str, _FILES)}. `--format json` has all of them."


def _verdict(report: Report) -> str:
    """The score and the gate, in words."""
    if report.score is None:
        lines = ["The repository uses no AI model, so there is no score."]
    else:
        lines = [_score(report.score)]
    if report.gate is not None:
        lines.append("The gate is met." if report.gate.met else "The gate is not met.")
        lines += [f"{one.demand}: {one.says}." for one in report.gate.demands if not one.met]
    return "\n".join(cut(one_line(line), _MESSAGE) for line in lines)


def _score(score: ScoreSummary) -> str:
    told = f"Readiness {score.value:.1f} of 100, grade {score.grade}"
    if score.raw is not None:
        told += f"; {score.raw.value:.1f}, grade {score.raw.grade}, without what the owners have accepted"
    return f"{told}; provisional, too much is unknown." if score.provisional else f"{told}."


def _command(kind: str, message: str, **properties: str | int) -> str:
    given = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{kind} {given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
