"""The checks as the page lists them: what was found, what speaks for it, why it matters and what to do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from readiness.assess.catalogue import Catalogue
from readiness.report.findings import WEIGHTS
from readiness.report.html import words
from readiness.report.html.frames import Frame, of_evidence, of_finding
from readiness.report.html.prose import Block, blocks
from readiness.report.model import ActionReport, CheckReport, LayerReport, Report
from readiness.report.sentences import first_finding
from readiness.report.terminal import layer_numbers

FINDINGS, DOUBTS, EVIDENCE = 20, 6, 6
"""Places shown of one check: a page with a thousand frames is read by nobody. `readiness scan --check` has them all."""

ACCUSING = ("fail", "partial")

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One check on the page.

    `findings` are the first of those that are reported, `doubts` the first of what could not be decided and so accuses
    nobody; `aside` counts what a baseline or a revision leaves out, `accepted` what suppressions and waivers cover.
    """

    check: CheckReport
    anchor: str
    rank: int
    layer: int
    debt: str
    findings: tuple[Frame, ...]
    reported: int
    doubts: tuple[Frame, ...]
    doubtful: int
    aside: tuple[tuple[str, int], ...]
    is_new: bool
    accepted: int
    evidence: tuple[Frame, ...]
    evident: int
    why: tuple[Block, ...]
    remedy: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Floor:
    """A layer with its checks and the question it answers."""

    number: int
    layer: LayerReport
    question: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A next action: what is wrong, where it begins, and what to do."""

    action: ActionReport
    said: str
    path: str
    line: int
    remedy: tuple[Block, ...]


def entries(report: Report, catalogue: Catalogue) -> tuple[Floor, ...]:
    """Every check of the report by layer, the bottom layer first."""
    maker = _Maker(report, catalogue)
    questions = {layer.name: layer.question for layer in catalogue.layers}
    by_layer: dict[str, list[Entry]] = {layer.name: [] for layer in report.layers}
    for position, check in enumerate(report.checks):
        if check.layer in by_layer:
            by_layer[check.layer].append(maker.entry(check, position))
    return tuple(
        Floor(number, layer, questions.get(layer.name, ""), tuple(by_layer[layer.name]))
        for number, layer in enumerate(report.layers, start=1)
    )


def next_steps(report: Report, catalogue: Catalogue) -> tuple[Step, ...]:
    """The actions of the report, in its order."""
    steps = []
    for action in report.actions:
        check = report.check(action.check)
        known = catalogue.check(action.check)
        finding = first_finding(check) if check else None
        steps.append(
            Step(
                action,
                words.told(check) if check else "",
                finding.path if finding else "",
                finding.line if finding else 0,
                blocks(known.remedy) if known else (),
            )
        )
    return tuple(steps)


def weights(report: Report) -> tuple[str, ...]:
    """The weights that checks of the report have, the heaviest first."""
    there = {check.weight for check in report.checks}
    return tuple(weight for weight in WEIGHTS if weight in there)


def anchors(report: Report) -> dict[str, str]:
    """What a link within the page points at: the check's name, or its number where the name is none of ours."""
    return {
        check.name: f"check-{check.name if _NAME.fullmatch(check.name) else position}"
        for position, check in enumerate(report.checks)
    }


class _Maker:
    """Makes entries: what is the same for all checks is looked up once."""

    def __init__(self, report: Report, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._anchors = anchors(report)
        self._numbers = layer_numbers(report)
        self._debts = {debt.name: debt.title for debt in catalogue.debts}
        self._accepted = Counter(one.check for one in report.suppressed)

    def entry(self, check: CheckReport, position: int) -> Entry:
        known = self._catalogue.check(check.name)
        doubts = [finding for finding in check.findings if finding.verdict not in ACCUSING]
        findings = [finding for finding in check.findings if finding.verdict in ACCUSING]
        reported = [finding for finding in findings if finding.reported]
        # A place that is accused is not shown again as evidence.
        accused = {(finding.path, finding.line) for finding in check.findings}
        evidence = [one for one in check.evidence if (one.path, one.line) not in accused]
        speaks_for = check.verdict if check.verdict in ("unknown", "not-applicable") else "pass"
        return Entry(
            check=check,
            anchor=self._anchors[check.name],
            rank=position,
            layer=self._numbers.get(check.layer, 0),
            debt=self._debts.get(check.debt, check.debt.capitalize()),
            findings=tuple(of_finding(finding) for finding in reported[:FINDINGS]),
            reported=len(reported),
            doubts=tuple(of_finding(finding) for finding in doubts[:DOUBTS]),
            doubtful=len(doubts),
            aside=_states(finding.state for finding in findings if not finding.reported),
            is_new=any(finding.state == "new" for finding in reported),
            accepted=self._accepted[check.name],
            evidence=tuple(of_evidence(one, speaks_for) for one in evidence[:EVIDENCE]),
            evident=len(evidence),
            why=blocks(known.why) if known else (),
            remedy=blocks(known.remedy) if known else (),
        )


def _states(states: Iterable[str]) -> tuple[tuple[str, int], ...]:
    counted = Counter(states)
    return tuple((state, counted[state]) for state in ("known", "moved", "outside") if counted[state])
