"""What is known of monitoring: `checks/knowledge/monitoring.yaml`, loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from readiness.facts.inputs.request_knowledge import Symbols
from readiness.facts.sdks.knowledge import knowledge_folder
from readiness.facts.sdks.sdk import KnowledgeError
from readiness.facts.sdks.sdk_files import read_yaml


@dataclass(frozen=True, slots=True)
class AlertResource:
    """A resource of a deployment language that is an alert; one of `routed` names who is told.

    With a `mark`, the text of that argument must hold it: Datadog's messages name people by `@`.
    """

    type: str
    routed: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True, slots=True)
class MetricSymbols:
    """What makes metrics and puts values into them."""

    constructors: Symbols
    values: Symbols
    timers: Symbols
    counts: Symbols
    exceptions: Symbols
    named_values: Symbols
    named_timers: Symbols
    named_counts: Symbols
    exposing: Symbols
    of_requests: Symbols
    sampled: Symbols
    sampling: Symbols


@dataclass(frozen=True, slots=True)
class LogSymbols:
    """What structures log lines and puts ids on them."""

    renderers: Symbols
    correlating: Symbols
    binding: Symbols
    merging: Symbols
    named_renderers: tuple[str, ...]
    loggers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QualitySymbols:
    """What scores answers of production, and reads them back."""

    judges: Symbols
    scores: Symbols
    traces: Symbols


@dataclass(frozen=True, slots=True)
class MonitoringKnowledge:
    """All of `monitoring.yaml`."""

    metrics: MetricSymbols
    logging: LogSymbols
    quality: QualitySymbols
    drift_tools: Symbols
    drift_names: tuple[str, ...]
    terraform: dict[str, AlertResource]
    resources: dict[str, AlertResource]
    alert_code: Symbols
    sentry: Symbols
    routing_labels: frozenset[str]
    model_words: frozenset[str]
    model_prefixes: tuple[str, ...]
    domains: dict[str, frozenset[str]]
    """The words of the three domains of objectives: technical, operational, value."""


@cache
def load_monitoring() -> MonitoringKnowledge:
    """Read `monitoring.yaml`. Raises `KnowledgeError` where it is not of the expected shape."""
    file: Path = knowledge_folder() / "monitoring.yaml"
    try:
        data = read_yaml(file)
        logging, alerts, objectives = data["logging"], data["alerts"], data["objectives"]
        return MonitoringKnowledge(
            metrics=MetricSymbols(**{name: Symbols.of(data["metrics"][name]) for name in MetricSymbols.__slots__}),
            logging=LogSymbols(
                **{name: Symbols.of(logging[name]) for name in ("renderers", "correlating", "binding", "merging")},
                named_renderers=tuple(logging["named_renderers"]),
                loggers=tuple(logging["loggers"]),
            ),
            quality=QualitySymbols(**{name: Symbols.of(data["quality"][name]) for name in QualitySymbols.__slots__}),
            drift_tools=Symbols.of(data["drift"]["tools"]),
            drift_names=tuple(data["drift"]["own"]),
            terraform=_resources(alerts["terraform"]),
            resources=_resources(alerts["resources"]),
            alert_code=Symbols.of(alerts["code"]),
            sentry=Symbols.of(alerts["sentry"]),
            routing_labels=frozenset(alerts["routing_labels"]),
            model_words=frozenset(alerts["model_words"]),
            model_prefixes=tuple(alerts["model_prefixes"]),
            domains={name: frozenset(objectives[name]) for name in ("technical", "operational", "value")},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise KnowledgeError(file.name, "the file", str(error)) from error


def _resources(entries: list[dict[str, Any]]) -> dict[str, AlertResource]:
    return {e["type"]: AlertResource(e["type"], tuple(e["routed"]), e.get("mark", "")) for e in entries}
