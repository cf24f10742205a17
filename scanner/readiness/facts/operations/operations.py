"""What operators have of the service, in one fact."""

from __future__ import annotations

from dataclasses import dataclass

from readiness.facts.core import Core
from readiness.facts.evals.evals import Evals
from readiness.facts.linking.nearby import Nearby
from readiness.facts.operations.alerts import AlertRule, find_alerts
from readiness.facts.operations.alive import alive
from readiness.facts.operations.clocks import Clocks
from readiness.facts.operations.drifting import DriftWatch, find_drift
from readiness.facts.operations.log_lines import LogLines
from readiness.facts.operations.log_setup import Logging, find_logging
from readiness.facts.operations.measured import MeasuredEntry, find_measured
from readiness.facts.operations.metrics import Measuring
from readiness.facts.operations.monitoring_knowledge import load_monitoring
from readiness.facts.operations.objectives import Objectives, find_objectives
from readiness.facts.operations.runbooks import Runbooks, find_runbooks
from readiness.facts.operations.scored import Scored, Scoring
from readiness.facts.records.records import Records
from readiness.facts.records.written import Writes


@dataclass(frozen=True, slots=True)
class Operations:
    """What the service measures, logs, alerts and promises, and what its operators can read."""

    measured: list[MeasuredEntry]
    """The entry points that reach a model, with the metrics around their calls."""
    alerts: list[AlertRule]
    """The alert rules, those first that call somebody about the model."""
    logging: Logging
    """How serving code logs: objects or text, with or without the id of a request, or by print."""
    objectives: Objectives
    """The targets that are written down, by domain."""
    runbooks: Runbooks
    """What on-call people can read when the model fails."""
    scored: list[Scored]
    """What scores the answers of production."""
    drift: list[DriftWatch]
    """What compares the data and answers of now with those of before."""


def find_operations(core: Core, records: Records, evals: Evals) -> Operations:
    """What operators have of a linked program; `records` tells what is traced, `evals` what measures the model."""
    known = load_monitoring()
    nearby, clocks = Nearby(core), Clocks(core.resolver)
    running = alive(core, nearby)
    measuring = Measuring(core, known.metrics, running, clocks)
    logs = LogLines(core, known.logging.loggers, running, clocks)
    alerts = find_alerts(core, known, measuring.names)
    return Operations(
        measured=find_measured(core, nearby, measuring, logs, records.tracings),
        alerts=alerts,
        logging=find_logging(core, known.logging, logs, running),
        objectives=find_objectives(core, known, measuring.names, alerts),
        runbooks=find_runbooks(core, frozenset(measuring.names)),
        scored=Scoring(core, known.quality, Writes(core), measuring.measurements, alerts).find(),
        drift=find_drift(core, known, evals, alerts),
    )
