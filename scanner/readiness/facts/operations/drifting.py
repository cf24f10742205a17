"""What compares the data and answers of today with those of before. check `drift-monitored`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.core import Core
from readiness.facts.delivery.ci_step import Trigger
from readiness.facts.evals.evals import Evals
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External
from readiness.facts.operations.alerts import AlertRule
from readiness.facts.operations.monitoring_knowledge import MonitoringKnowledge
from readiness.facts.place import Place
from readiness.repository.tree import Role

_COMPUTED = (Role.SERVING, Role.SCRIPT, Role.NOTEBOOK, Role.EXAMPLE, Role.EVAL)
_MATHS = frozenset(
    {"log", "log2", "sum", "abs", "histogram", "cumsum", "searchsorted", "bisect_right", "sqrt", "Counter",
     "percentile", "quantile", "kl_div", "entropy", "mean", "std", "norm"}
)  # fmt: skip
_PANEL = re.compile(r"stddev_over_time|z-?score|quantile_over_time[^\n]{0,200}offset|psi\b|offset\s+\d+[dw]", re.I)
_ALERT = re.compile(r"drift|psi\b|_ks_|z_?score|stddev_over_time|offset\s+\d+[dw]", re.I)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class DriftWatch:
    """One place where what is now is compared with what was.

    `running`: the service, a schedule or a job does it by itself. `acted`: a limit decides, and somebody hears of it.
    """

    place: Place
    text: str
    running: bool = False
    acted: bool = False

    @property
    def gap(self) -> str:
        """What is missing, in words."""
        if not self.running:
            return "is computed only where somebody starts it: no schedule and no entry point runs it"
        return "is computed, but no limit on it tells anybody"


def find_drift(core: Core, known: MonitoringKnowledge, evals: Evals, alerts: Iterable[AlertRule]) -> list[DriftWatch]:
    """Everything that watches for drift, the most complete first."""
    finder = _Finder(core, known, tuple(a for a in alerts if a.routed and _ALERT.search(f"{a.text} {a.expression}")))
    found = [*finder.computed(), *finder.scheduled_evals(evals), *finder.panels()]
    return sorted(found, key=lambda w: (not (w.running and w.acted), not w.running, w.place))


class _Finder:
    def __init__(self, core: Core, known: MonitoringKnowledge, alerts: tuple[AlertRule, ...]) -> None:
        self._core, self._known, self._alerts = core, known, alerts
        self._own = re.compile(rf"(?:^|_)(?:{'|'.join(known.drift_names)})(?:_|$|s$|ed$|s_|ed_)", re.I)

    def computed(self) -> Iterator[DriftWatch]:
        """Calls of drift libraries, and functions of the repository that compute a distance of distributions."""
        for unit in self._core.program.units:
            if unit.module.role not in _COMPUTED:
                continue
            place = self._tool(unit) or (unit.place if self._is_own(unit) else None)
            if place is not None:
                running = unit.module.role in (Role.SERVING, Role.SCRIPT) and self._runs(unit)
                acted = running and (bool(self._alerts) or self._decides(unit))
                yield DriftWatch(place, unit.name if unit.function is not None else place.path, running, acted)

    def _tool(self, unit: Unit) -> Place | None:
        for call in unit.calls:
            if isinstance(call.function, code.Member | code.Name):
                for value in self._core.resolver.values(call.function, unit):
                    if isinstance(value, External) and value.path in self._known.drift_tools:
                        return unit.at(call)
        return None

    def _is_own(self, unit: Unit) -> bool:
        """A function that is named for a distance, and reckons: `psi`, `population_stability_index`."""
        if unit.function is None or not self._own.search(_CAMEL.sub("_", unit.name)):
            return False
        reckons = sum(last_name(call.function) in _MATHS for call in unit.calls)
        differs = any(isinstance(n, code.Operation) and n.operator in ("-", "/") for n in unit.parents)
        return reckons >= 2 and differs

    def _runs(self, unit: Unit) -> bool:
        """Whether an entry point, a job or a schedule runs a unit."""
        if unit in self._core.reached:
            return True
        jobs = [e for e in self._core.entry_points if e.kind in ("job", "queue")]
        if any(unit in self._core.reached_from(entry) for entry in jobs):
            return True
        path = unit.module.path
        return any(
            Trigger.SCHEDULE in step.triggers and any(path in word for word in command.words)
            for step, command in self._core.ci.commands
        )

    def _decides(self, unit: Unit) -> bool:
        """Whether a caller raises or tells where the distance is too large."""
        near = [unit, *(e.unit for e in self._core.graph.callers.get(unit, ()))]
        for one in near:
            for node in one.blocks:
                if isinstance(node, code.If) and any(
                    isinstance(n, code.Operation) and n.operator in (">", ">=", "<", "<=") for n in code.walk(node.test)
                ):
                    inner = [n for s in node.body for n in code.walk(s)]
                    if any(isinstance(n, code.Raise) or _tells(n) for n in inner):
                        return True
        return False

    def scheduled_evals(self, evals: Evals) -> Iterator[DriftWatch]:
        """The evaluation set, asked of the model in use again and again, with thresholds that fail the run."""
        gated = bool(evals.gated)
        steps = self._core.ci.steps
        often = {(s.place.path, s.job) for s in steps if Trigger.SCHEDULE in s.triggers and s.runs and not s.weakness}
        for run in (*evals.runs, *evals.weak_runs):
            if (run.workflow, run.job) in often:
                yield DriftWatch(run.place, "the evaluation runs on a schedule", True, gated)

    def panels(self) -> Iterator[DriftWatch]:
        """Panels that compare now with before; they show, and call nobody."""
        for path, text in self._core.observations.sources.items():
            if not path.endswith(".json") or '"panels"' not in text or not _PANEL.search(text):
                continue
            if self._core.observations.files[path].role in (Role.SERVING, Role.SCRIPT):
                for document in self._core.observations.documents.get(path, ()):
                    for _, entry in document.find("expr", "query"):
                        if isinstance(entry.value, str) and _PANEL.search(entry.value):
                            yield DriftWatch(
                                Place(path, entry.line, entry.end_line), "a panel compares now with before", True
                            )
                            return


def _tells(node: code.Node) -> bool:
    names = ("warning", "error", "critical", "send", "post", "notify", "alert", "publish", "capture_message", "exit")
    return isinstance(node, code.Call) and last_name(node.function) in names
