"""The report as JUnit XML: a suite for each layer, a case for each check, and the gate as a suite of its own.

Pipelines draw what passed, failed and was skipped without knowing what a check is. What XML cannot carry, controls
above all, `sanitize` has made visible before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from readiness.report.model import CheckReport, ExemptionReport, FindingReport, Report
from readiness.report.page import count
from readiness.report.sanitize import clean, cut, one_line

Outcome = Literal["passed", "failure", "skipped"]

_MESSAGE = 1000
_FINDINGS = 200  # of one check: a page that lists more is not read


@dataclass(frozen=True, slots=True)
class _Case:
    """One case: `message` is the line that a page shows of it, `lines` what it shows when that is opened."""

    name: str
    outcome: Outcome = "passed"
    message: str = ""
    lines: tuple[str, ...] = ()
    kind: str = ""


def to_junit(report: Report) -> str:
    """The report as one XML document; it has no times, because a report has no clock.

    What is reported of a check fails its case: with a baseline or a revision, a check whose findings are all known
    passes, and says so.
    """
    headline = _headline(report)
    suites = []
    for layer in report.layers:
        cases = [_check(check) for check in report.checks if check.layer == layer.name]
        suites.append(_suite(layer.name, cases, headline | {"layer-score": _number(layer.score)}))
    suites += [_suite(name, cases, headline) for name, cases in _of_no_layer(report).items()]
    root = Element("testsuites", {"name": "readiness"})
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.extend(suite for suite in suites if suite.get("tests") != "0")
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def _headline(report: Report) -> dict[str, str]:
    score = report.score
    if score is None:
        return {}
    raw = {"raw-score": _number(score.raw.value), "raw-grade": score.raw.grade} if score.raw is not None else {}
    return {"score": _number(score.value), "grade": score.grade, **raw, "ruler": report.ruler.version}


def _number(score: float | None) -> str:
    return "not scored" if score is None else f"{score:.1f}"


def _of_no_layer(report: Report) -> dict[str, list[_Case]]:
    demands = report.gate.demands if report.gate is not None else ()
    without = _Case("score", "skipped", "the repository uses no AI model, so there is no score")
    return {
        "score": [without] if report.score is None else [],
        "exemptions": [_exemption(one, one.finding) for one in report.exemptions if one.finding is not None],
        "gate": [
            _Case(one.demand, lines=(one.says,)) if one.met else _Case(one.demand, "failure", one.says, kind="gate")
            for one in demands
        ],
    }


def _check(check: CheckReport) -> _Case:
    if check.experimental:
        return _Case(check.name, "skipped", f"experimental, it does not count ({check.verdict}): {check.statement}")
    if check.verdict in ("unknown", "not-applicable"):
        why = next((one.message for one in check.findings), check.statement)
        return _Case(check.name, "skipped", f"{check.verdict.replace('-', ' ')}: {why}")
    faults = [one for one in check.findings if one.verdict in ("fail", "partial")]
    shown = [one for one in faults if one.reported]
    left_out = _left_out(faults)
    if check.verdict == "partial" and not faults:  # what it lacks is accepted
        return _Case(check.name, lines=("half done, accepted by the owners",))
    if check.verdict == "pass" or (left_out and not shown):
        return _Case(check.name, lines=left_out)
    message = f"{check.verdict}: {shown[0].message if shown else check.statement}"
    lines = [check.statement, *(_told(one) for one in shown[:_FINDINGS])]
    if len(shown) > _FINDINGS:
        lines.append(f"{count(len(shown) - _FINDINGS, 'more finding')}: readiness scan --check {check.name}")
    return _Case(check.name, "failure", message, (*lines, *left_out), check.verdict)


def _exemption(one: ExemptionReport, finding: FindingReport) -> _Case:
    name = f"{one.check or 'every check'} at {one.path}:{one.line}"
    if not finding.reported:
        return _Case(name, lines=_left_out([finding]))
    return _Case(name, "failure", f"{one.standing}: {finding.message}", (_told(finding),), one.standing)


def _left_out(findings: Iterable[FindingReport]) -> tuple[str, ...]:
    """How many findings a baseline or a revision leaves out; empty where none."""
    states = [one.state for one in findings if not one.reported]
    outside = states.count("outside")
    told = ((len(states) - outside, "known in the baseline"), (outside, "outside of what changed"))
    return tuple(f"{count(number, 'finding')} {where}" for number, where in told if number)


def _told(finding: FindingReport) -> str:
    return f"{clean(finding.path)}:{finding.line}: {finding.message}" if finding.path else finding.message


def _suite(name: str, cases: list[_Case], properties: dict[str, str]) -> Element:
    name = f"readiness.{clean(name)}"
    counts = {outcome: sum(case.outcome == outcome for case in cases) for outcome in ("failure", "skipped")}
    suite = Element("testsuite", {"name": name, "tests": str(len(cases)), "errors": "0"})
    suite.set("failures", str(counts["failure"]))
    suite.set("skipped", str(counts["skipped"]))
    if properties:
        shelf = SubElement(suite, "properties")
        for key, value in properties.items():
            SubElement(shelf, "property", {"name": key, "value": clean(value)})
    for case in cases:
        suite.append(_element(case, name))
    return suite


def _element(case: _Case, classname: str) -> Element:
    element = Element("testcase", {"classname": classname, "name": _line(case.name)})
    text = "\n".join(_line(line) for line in case.lines)
    if case.outcome == "passed":
        if text:
            SubElement(element, "system-out").text = text
        return element
    said = SubElement(element, case.outcome, {"message": _line(case.message)})
    said.text = text or _line(case.message)  # some pages show the one, some the other
    if case.kind:
        said.set("type", clean(case.kind))
    return element


def _line(text: str) -> str:
    return cut(one_line(text), _MESSAGE)
