"""The report as SARIF 2.1.0, for code scanning: rules from the catalogue, one result for each reported finding.

Every text goes through `sanitize` and is harmless even when decoded; a path becomes a percent-encoded URI reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from readiness._resources import version
from readiness.assess.accuracy import CheckAccuracy
from readiness.assess.catalogue import Catalogue
from readiness.assess.check import Check
from readiness.report.findings import EXEMPTIONS, EXEMPTIONS_STATEMENT, Listed, reported
from readiness.report.model import FindingReport, Report, RepositorySummary, SuppressedReport
from readiness.report.sanitize import clean, cut, one_line, source_line

Json = dict[str, Any]

# The name of the standard's schema, as the standard gives it; nothing is read from there.
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

MOST_RESULTS = 5000  # GitHub keeps no more of a run
MOST_BYTES = 8_000_000  # of results: GitHub refuses 10 MB, and rules and notifications take less than the rest
_MOST_NOTIFICATIONS = 100
_DESCRIPTION = 1024  # characters that GitHub allows in a rule's descriptions
_MESSAGE = 1000
_SNIPPET = 2000

_ROOT = "%SRCROOT%"

# What fails a critical or high check should stop a merge, where a team lets errors do that; a half never does.
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_HALF = {"error": "warning", "warning": "warning", "note": "note"}
_SEVERITIES = {"error": "error", "warning": "warning", "note": "recommendation"}

_ACCEPT = (
    "`# readiness: ignore[{}] reason`, in a comment at the end of the line or on a line of its own above it; "
    "what is of no line, by a waiver in the configuration."
)

_ENOUGH = 5  # complaints looked at, before a share of right ones means anything
_SEMANTIC = re.compile(r"\d+\.\d+\.\d+")
_LONE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # surrogates that stand for no byte of a name
_PLACEHOLDER = re.compile(r"\{(\d+)\}")


def to_sarif(report: Report, catalogue: Catalogue, *, suppressed: bool = True) -> str:
    """The report as one SARIF log with one run, on one line, the worst results first.

    Args:
        report: what to show; with a baseline or a revision only what is new. A viewer could show known findings as
            unchanged, but code scanning opens an alert for each result whatever its state, and a team that has just
            written a baseline would get them all.
        catalogue: where reasons and remedies of the rules come from; a check that it does not have is named only.
        suppressed: whether accepted findings are results too, marked as suppressed. Viewers hide them; GitHub does not
            know the mark and opens an alert for each.
    """
    listed = [(one, None) for one in reported(report)]
    accepted = [(_listed(one, report, catalogue), one) for one in report.suppressed] if suppressed else []
    rules = _rules(report, catalogue, {one.check: one.statement for one, _ in [*listed, *accepted]})
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    every = (_result(one, index, report, why) for one, why in [*listed, *accepted])
    results = list(_within_limits(every))
    run = {
        "tool": {"driver": _driver(rules)},
        "automationDetails": {"id": "readiness/"},
        "columnKind": "unicodeCodePoints",
        # Without its URI: where the repository lay on the machine that scanned it is nobody's business.
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the scanned repository."}}},
        "invocations": [_invocation(report, len(listed) + len(accepted) - len(results))],
        "results": results,
        "properties": _headline(report),
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False) + "\n"


def _driver(rules: list[Json]) -> Json:
    driver: Json = {"name": "readiness", "version": version(), "rules": rules}
    if _SEMANTIC.fullmatch(version()):  # a pre-release is spelt differently in Python
        driver["semanticVersion"] = version()
    return driver


def _headline(report: Report) -> Json:
    """The score beside the results: it is of no finding, and SARIF has no other place for it."""
    score = report.score
    said: Json = {"ruler": {"version": clean(report.ruler.version), "hash": clean(report.ruler.hash)}, "score": None}
    if score is not None:
        said |= {"score": score.value, "grade": clean(score.grade), "stackHeight": score.stack_height}
        said |= {"low": score.low, "high": score.high, "coverage": score.coverage, "provisional": score.provisional}
    if score is not None and score.raw is not None:
        said |= {"rawScore": score.raw.value, "rawGrade": clean(score.raw.grade)}
    if report.gate is not None:
        demands = [{"demand": one_line(one.demand), "says": one_line(one.says)} for one in report.gate.demands]
        said["gate"] = {"met": report.gate.met, "demands": demands}
    return said


def _rules(report: Report, catalogue: Catalogue, found: dict[str, str]) -> list[Json]:
    """A rule for every check that was judged, found or not, so that rules change with the ruler only."""
    judged = {check.name for check in report.checks} | set(found)
    rules = [_rule(check, catalogue) for check in catalogue.checks if check.name in judged]
    strange = judged - {check.name for check in catalogue.checks} - {EXEMPTIONS}
    rules += [_strange_rule(name, report, found) for name in sorted(strange)]
    return [*rules, _exemptions_rule()] if EXEMPTIONS in found else rules


def _rule(check: Check, catalogue: Catalogue) -> Json:
    measured = catalogue.accuracy.checks.get(check.name, CheckAccuracy())
    parts = [
        ("Why", check.why),
        ("What to do", check.remedy),
        ("Look closer", f"`readiness explain {check.name}` has examples, and how it is decided."),
        ("Accept it", _ACCEPT.format(check.name)),
    ]
    return _descriptor(check.name, check.statement, check.why, parts, check.weight) | {
        "properties": _properties([check.layer, check.debt], check.weight, _precision(measured))
    }


def _strange_rule(name: str, report: Report, found: dict[str, str]) -> Json:
    """A check of another ruler: a saved report may have one."""
    check = report.check(name)
    statement = check.statement if check is not None else found[name]
    weight = check.weight if check is not None else "low"
    tags = [check.layer, check.debt] if check is not None else []
    parts = [("Look closer", f"This version of readiness has no check `{name}`; scan again.")]
    return _descriptor(name, statement or name, "", parts, weight) | {"properties": _properties(tags, weight, "medium")}


def _exemptions_rule() -> Json:
    why = "What is accepted without a reason, beyond its date, or without need hides the next finding in its place."
    remedy = "Give the reason, look again and renew the date, or take the suppression or the waiver out."
    parts = [("Why", why), ("What to do", remedy)]
    # The scanner reads what it complains of from its own syntax: it does not guess.
    return _descriptor(EXEMPTIONS, EXEMPTIONS_STATEMENT, why, parts, "low") | {
        "properties": _properties(["exemptions"], "low", "very-high")
    }


def _descriptor(name: str, statement: str, why: str, parts: list[tuple[str, str]], weight: str) -> Json:
    shown = [(title, _paragraphs(text)) for title, text in parts]
    return {
        "id": clean(name),
        "name": "".join(word.capitalize() for word in clean(name).split("-"))[:255],  # not the same as the id, ever
        "shortDescription": {"text": cut(one_line(statement), _DESCRIPTION)},
        "fullDescription": {"text": cut(one_line(f"{statement} {why}"), _DESCRIPTION)},
        "help": {
            "text": "\n\n".join(f"{title}: {text}" for title, text in shown),
            "markdown": "\n\n".join(f"**{title}**\n\n{text}" for title, text in shown),
        },
        "defaultConfiguration": {"level": _LEVELS.get(weight, "note")},
    }


def _properties(tags: list[str], weight: str, precision: str) -> Json:
    # No `security-severity`, not even for prompt injection: with it GitHub makes security alerts of the results, which
    # page other people and block other merges. That a guard is absent is no vulnerability that somebody has shown.
    return {
        "tags": [clean(tag) for tag in tags if tag],
        "precision": precision,
        "problem.severity": _SEVERITIES[_LEVELS.get(weight, "note")],
    }


def _precision(measured: CheckAccuracy) -> str:
    """How often complaints were right, in GitHub's words: a few right ones are no proof, some wrong ones are."""
    share = measured.precision
    if measured.experimental:
        return "low"
    if share.value is None or share.whole < _ENOUGH or share.value < 0.9:
        return "medium"
    return "very-high" if share.interval()[0] >= 0.9 else "high"


def _listed(one: SuppressedReport, report: Report, catalogue: Catalogue) -> Listed:
    """An accepted finding as it would be listed."""
    finding = FindingReport(one.path, one.line, one.end_line, one.message, one.fingerprint, one.verdict)
    check = report.check(one.check) or catalogue.check(one.check)
    if check is None:
        return Listed(one.check, "", "low", "", "", "", finding)
    return Listed(one.check, check.statement, check.weight, check.layer, check.debt, check.effort, finding)


def _state(report: Report, accepted: SuppressedReport | None) -> str:
    """The state of a result; a run in which one has a state must give one to each: what is accepted is no news."""
    if report.scope is None or report.scope.baseline is None:
        return ""
    return "unchanged" if accepted is not None else "new"


def _result(one: Listed, index: dict[str, int], report: Report, accepted: SuppressedReport | None) -> Json:
    finding, rule, state = one.finding, clean(one.check), _state(report, accepted)
    message = _plain(finding.message) or _plain(one.statement) or rule
    result: Json = {
        "ruleId": rule,
        "ruleIndex": index[rule],
        "level": _level(one.weight, finding.verdict),
        "message": {"text": message if message.endswith((".", "!", "?", "…")) else f"{message}."},
        "locations": [_location(finding, report.repository)],
        "properties": {"weight": clean(one.weight), "verdict": clean(finding.verdict)},
    }
    if finding.fingerprint:  # ":1" is how GitHub counts equal lines; ours are told apart already
        known_by = clean(finding.fingerprint)
        result["partialFingerprints"] = {"primaryLocationLineHash": f"{known_by}:1", "readiness/v1": known_by}
    if state:
        result["baselineState"] = state
    if accepted is not None:
        result["suppressions"] = [_suppression(accepted)]
    return result


def _level(weight: str, verdict: str) -> str:
    level = _LEVELS.get(weight, "note")
    return _HALF[level] if verdict == "partial" else level


def _suppression(one: SuppressedReport) -> Json:
    particulars = [("evidence", one.evidence), ("owner", one.owner), ("until", one.expires)]
    told = [("satisfied elsewhere: " if one.kind == "satisfied-elsewhere" else "") + one.reason]
    told += [f"{word} {value}" for word, value in particulars if value]
    # No `status`: the standard's schema misspells it (`state`), and where there is none it is accepted.
    return {
        "kind": "inSource" if one.origin == "code" else "external",
        "justification": cut(one_line("; ".join(told)), _MESSAGE),
    }


def _location(finding: FindingReport, repository: RepositorySummary) -> Json:
    """GitHub shows no result without a file: what the repository lacks is said where it is described."""
    place = {
        "artifactLocation": {
            "uri": _uri(repository.prefix + (finding.path or repository.front_page)),
            "uriBaseId": _ROOT,
        },
        "region": _region(finding.line, finding.end_line, finding.source),
    }
    said = {} if finding.path else {"message": {"text": "It concerns the repository as a whole."}}
    return {"physicalLocation": place, **said}


def _region(line: int, end_line: int, source: str) -> Json:
    """Whole lines. Where the last one is not shown, its first character stands for it: GitHub wants a column."""
    start = max(1, line)
    end = max(start, end_line)
    shown = source.split("\n") if source else []
    complete = len(shown) == end - start + 1
    width = len(shown[-1]) if complete else 0
    region: Json = {"startLine": start, "startColumn": 1, "endLine": end, "endColumn": max(2, width + 1)}
    if shown:
        lines = [source_line(one) for one in shown] + ([] if complete else ["…"])
        region["snippet"] = {"text": cut("\n".join(lines), _SNIPPET)}
    return region


def _uri(path: str) -> str:
    """A path as a relative reference of plain ASCII; the bytes of a name that is no UTF-8 stay what they are."""
    return quote(_LONE.sub("\ufffd", path).encode("utf-8", "surrogateescape"), safe="/")


def _invocation(report: Report, left_out: int) -> Json:
    notes = []
    if left_out:
        notes.append(_notification(f"{left_out} further results are left out: a host accepts no more.", "warning"))
    if report.score is None:
        notes.append(_notification("The repository uses no AI model, so there is no score.", "note"))
    notes += [
        _notification(f"Not read: {one.reason}", "note", report.repository.prefix + one.path)
        for one in report.skipped[:_MOST_NOTIFICATIONS]
    ]
    rest = len(report.skipped) - _MOST_NOTIFICATIONS
    if rest > 0:
        notes.append(_notification(f"{rest} further files were not read: the JSON report lists them.", "note"))
    return {"executionSuccessful": True, "toolExecutionNotifications": notes}


def _notification(text: str, level: str, path: str = "") -> Json:
    said: Json = {"message": {"text": _plain(text)}, "level": level}
    if path:
        artifact = {"uri": _uri(path), "uriBaseId": _ROOT}
        said["locations"] = [{"physicalLocation": {"artifactLocation": artifact}}]
    return said


def _within_limits(results: Iterable[Json]) -> Iterator[Json]:
    """The first results, as many as a host accepts."""
    room = MOST_BYTES
    for number, result in enumerate(results):
        room -= len(json.dumps(result, ensure_ascii=False).encode()) + 2
        if number == MOST_RESULTS or room < 0:
            return
        yield result


def _plain(text: str) -> str:
    """A text in which a viewer finds nothing to fill in (`{0}`) and nothing to link (`[here](there)`)."""
    return cut(_PLACEHOLDER.sub(r"{{\1}}", one_line(text)).replace("](", "] ("), _MESSAGE)


def _paragraphs(text: str) -> str:
    return "\n".join(clean(line) for line in text.strip().split("\n"))
