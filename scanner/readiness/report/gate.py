"""The gate: what a pipeline demands of a report, and in words whether it is met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from readiness.report.findings import EXEMPTIONS, WEIGHTS, Listed, reported
from readiness.report.model import DemandReport, GateReport, Report
from readiness.report.sanitize import clean

NEW = "new"
_SHOWN = 3  # places named in the gate's words; the report has them all


@dataclass(frozen=True, slots=True)
class Demands:
    """What is demanded.

    Parameters:
        under: the least score out of 100, by layer, "" for the whole.
        on: weights (a finding of it or of a heavier one fails), names of checks, or `new`.
        source: where it is demanded, for the words: empty for the command line, else the file.
    """

    under: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    on: Sequence[str] = ()
    under_source: str = ""
    on_source: str = ""


def judge_gate(report: Report, demands: Demands) -> GateReport | None:
    """Judge a report; None where nothing is demanded.

    Only findings that are reported count: with a baseline or a revision, those that are new. A repository that uses no
    model meets every demand.
    """
    judged = [_under(report, layer, least, demands.under_source) for layer, least in demands.under.items()]
    judged += [_on(report, word, demands.on_source) for word in demands.on]
    if not judged:
        return None
    return GateReport(all(one.met for one in judged), tuple(judged))


def _named(option: str, value: str, source: str) -> str:
    return f"{option} in {source}: {value}" if source else f"--{option} {value}"


def _under(report: Report, layer: str, least: float, source: str) -> DemandReport:
    demand = _named("fail-under", f"{layer}={least:g}" if layer else f"{least:g}", source)
    if report.score is None:
        return DemandReport(demand, True, "there is no score to fail under")
    what, value = "the score", report.score.value if not layer else None
    if layer:
        one = next((one for one in report.layers if one.name == layer), None)
        what, value = layer, one.score if one else None
    if value is None:
        return DemandReport(demand, False, f"{what} is not scored: nothing in it could be decided")
    met = value >= least
    return DemandReport(demand, met, f"{what} {value:.1f} is {'not ' if met else ''}under {least:g}")


def _on(report: Report, word: str, source: str) -> DemandReport:
    demand = _named("fail-on", word, source)
    found = [one for one in reported(report) if _is(word)(one)]
    kind = {NEW: "new finding", **{weight: f"finding of weight {weight} or more" for weight in WEIGHTS}}
    kind["critical"], kind["low"] = "finding of weight critical", "finding"
    what = kind.get(word, f"finding of {word}")
    if not found:
        return DemandReport(demand, True, f"no {what}")
    words = what if len(found) == 1 else what.replace("finding", "findings", 1)
    return DemandReport(demand, False, f"{len(found)} {words}: {_places(found)}")


def _is(word: str) -> Callable[[Listed], bool]:
    if word == NEW:
        return lambda one: True  # of all that is reported: with a baseline or a revision that is what is new
    if word in WEIGHTS:
        heavy = WEIGHTS[: WEIGHTS.index(word) + 1]
        return lambda one: one.weight in heavy and one.check != EXEMPTIONS
    return lambda one: one.check == word


def _places(found: Sequence[Listed]) -> str:
    shown = [_place(one) for one in found[:_SHOWN]]
    more = len(found) - len(shown)
    return f"{', '.join(shown)} and {more} more" if more else _listed(shown)


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _place(one: Listed) -> str:
    finding = one.finding
    return f"{one.check} at {clean(finding.path)}:{finding.line}" if finding.path else one.check
