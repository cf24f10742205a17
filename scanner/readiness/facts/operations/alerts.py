"""The alert rules of the repository: what they watch, and whom they tell. check `alert-rules-in-repo`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from readiness.extract.data import Located
from readiness.facts.core import Core
from readiness.facts.governance.responsibilities import names_nobody
from readiness.facts.linking.units import last_name
from readiness.facts.linking.values import External
from readiness.facts.operations.monitoring_knowledge import AlertResource, MonitoringKnowledge
from readiness.facts.place import Place
from readiness.repository.tree import Role

_READ = frozenset({Role.SERVING, Role.SCRIPT})
_NAME = re.compile(r"[A-Za-z_:][\w:.]*")
_WORD = re.compile(r"[^a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_RESOURCE = re.compile(r'^resource\s+"([a-z0-9_]{1,80})"\s+"([\w-]{1,120})"\s*\{', re.M)
_SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_seconds", "_milliseconds", "_ratio")
_SELECTOR = re.compile(r"\{[^{}]{0,2000}\}")
"""The labels that a query selects by: `job="answers"` says whose metric it is, not what it measures."""
_MAX_BLOCK = 20_000
_CODE_ALERTS = ("Alarm", "create_alarm", "MetricAlarm", "AlertPolicy")


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule that raises an alert.

    `about_model`: what it watches is a metric of the model, its answers or its cost. `routed`: it says whom to tell.
    `loaded`: nothing in the repository shows that the server that would evaluate it leaves it out. `expression` is what
    it watches, as written.
    """

    place: Place
    text: str
    expression: str = ""
    about_model: bool = False
    routed: bool = False
    loaded: bool = True
    errors_only: bool = False
    """A service that reports exceptions, and alerts by its own settings."""

    @property
    def gap(self) -> str:
        """What keeps it from calling somebody about the model, in words."""
        if self.errors_only:
            return "reports exceptions, but what is an alert, and for whom, is set elsewhere"
        if not self.loaded:
            return "is a rule that no configuration of the repository's own Prometheus loads"
        if not self.about_model:
            return "watches nothing of the model: neither its failures, nor its time, cost or quality"
        return "" if self.routed else "says of nobody that they are to be told"


def find_alerts(core: Core, known: MonitoringKnowledge, metrics: Iterable[str]) -> list[AlertRule]:
    """The alert rules of a repository; `metrics` are the names of the metrics that its code makes."""
    finder = _Finder(core, known, frozenset(plain(name) for name in metrics))
    found = [*finder.documents(), *finder.terraform(), *finder.of_code()]
    return sorted(found, key=lambda a: (a.errors_only, not (a.about_model and a.routed and a.loaded), a.place))


def plain(metric: str) -> str:
    """A metric's name as Prometheus writes it, without the ending that says its kind or unit."""
    name = re.sub(r"[^a-z0-9:]+", "_", metric.lower()).strip("_")
    shorter = True
    while shorter:
        shorter = False
        for ending in _SUFFIXES:
            if name.endswith(ending) and len(name) > len(ending):
                name, shorter = name.removesuffix(ending), True
    return name


class _Finder:
    def __init__(self, core: Core, known: MonitoringKnowledge, metrics: frozenset[str]) -> None:
        self._core, self._known, self._metrics = core, known, metrics
        self._observations = core.observations
        self._receives = False
        self._servers: list[bool] = []
        self._recorded: dict[str, str] = {}

    # -- documents -------------------------------------------------------------------------------------------------

    def documents(self) -> list[AlertRule]:
        """Rules in YAML and JSON: of Prometheus, of Grafana, of CloudFormation and its like."""
        found: list[AlertRule] = []
        for path, documents in self._observations.documents.items():
            if self._observations.files[path].role not in _READ:
                continue
            text = self._observations.sources.get(path, "")
            if not any(
                mark in text for mark in ("alert", "Alarm", "record", "receivers", "scrape_configs", "metricAlerts")
            ):
                continue
            for document in documents:
                self._server(document)
                found.extend(self._rules(path, document))
                found.extend(self._resources(path, document))
                found.extend(self._panels(path, document))
        unloaded = bool(self._servers) and not any(self._servers)
        return [self._settled(rule, unloaded=unloaded) for rule in found]

    def _settled(self, rule: AlertRule, *, unloaded: bool) -> AlertRule:
        """A rule, now that all files are known: recording rules stand for what they record, receivers for all rules."""
        names = _NAME.findall(_SELECTOR.sub(" ", rule.expression))
        expression = " ".join(self._recorded.get(name, name) for name in names)
        return replace(
            rule,
            about_model=rule.about_model or self._is_about_model(expression),
            routed=rule.routed or self._receives,
            loaded=rule.loaded or not unloaded,
        )

    def _server(self, document: Located) -> None:
        """What the configuration of an Alertmanager or a Prometheus says of receivers and rules."""
        if document.get("scrape_configs") is not None:
            self._servers.append(any(document.elements("rule_files")))
        for receiver in (*document.elements("receivers"), *document.elements("contactPoints")):
            ways = [*receiver.items(), *((str(i), r) for i, r in enumerate(receiver.elements("receivers")))]
            if any(isinstance(way.value, list | dict) and way.value for _, way in ways):
                self._receives = True

    def _rules(self, path: str, document: Located) -> Iterator[AlertRule]:
        """`groups` of rules, alone or in a `PrometheusRule`; those of Grafana have a title and queries."""
        is_resource = document.text("kind") == "PrometheusRule"
        groups = (*document.elements("groups"), *document.elements("spec", "groups"))
        for group in groups:
            for rule in group.elements("rules"):
                record, expression = rule.text("record"), rule.text("expr") or ""
                if record:
                    self._recorded[record] = f"{record} {expression}"
                if rule.text("alert"):
                    loaded = is_resource or not self._servers
                    place = Place(path, rule.line, rule.end_line)
                    yield AlertRule(
                        place, rule.text("alert") or "", expression, False, self._names_people(rule), loaded
                    )
                elif rule.text("title") and any(rule.elements("data")):
                    queries = " ".join(str(v.value) for _, v in rule.find("expr", "query", "expression"))
                    place = Place(path, rule.line, rule.end_line)
                    yield AlertRule(place, rule.text("title") or "", queries, False, self._names_people(rule))

    def _names_people(self, rule: Located) -> bool:
        """Whether the labels of a rule, or its own receiver, say for whom it is."""
        labels = [(k, v) for k, v in rule.items("labels") if k.lower() in self._known.routing_labels]
        receiver = rule.text("notification_settings", "receiver")
        given = [str(v.value) for _, v in labels if isinstance(v.value, str)] + ([receiver] if receiver else [])
        return any(not names_nobody(who) for who in given)

    def _resources(self, path: str, document: Located) -> Iterator[AlertRule]:
        """Resources of CloudFormation, SAM and ARM."""
        listed = [*document.items("Resources"), *(("", r) for r in document.elements("resources"))]
        for name, resource in listed:
            kind = resource.text("Type") or resource.text("type") or ""
            known = self._known.resources.get(kind)
            if known is not None:
                body = resource.get("Properties") or resource.get("properties") or resource
                watched = " ".join(
                    str(v.value) for _, v in body.find("MetricName", "Namespace", "metricName", "Expression")
                )
                routed = any(_filled(body.get(key)) for key in known.routed)
                yield AlertRule(Place(path, resource.line, resource.end_line), name or kind, watched, False, routed)

    def _panels(self, path: str, document: Located) -> Iterator[AlertRule]:
        """Panels of a dashboard that carry an alert of their own."""
        for panel in document.elements("panels"):
            alert = panel.get("alert")
            if alert is not None and any(alert.items("conditions")) | any(alert.elements("conditions")):
                watched = " ".join(str(t.text("expr") or "") for t in panel.elements("targets"))
                told = any(alert.elements("notifications"))
                name = alert.text("name") or panel.text("title") or "alert"
                yield AlertRule(Place(path, alert.line, alert.end_line), name, watched, False, told)

    # -- other languages -------------------------------------------------------------------------------------------

    def terraform(self) -> Iterator[AlertRule]:
        """Resources of Terraform."""
        for path, text in self._observations.sources.items():
            if path.endswith(".tf") and self._observations.files[path].role in _READ:
                for match in _RESOURCE.finditer(text):
                    known = self._known.terraform.get(match[1])
                    if known is not None:
                        yield self._terraform_rule(path, text, match, known)

    def _terraform_rule(self, path: str, text: str, match: re.Match[str], known: AlertResource) -> AlertRule:
        block = _block(text, match.end())
        line = text.count("\n", 0, match.start()) + 1
        place = Place(path, line, line + block.count("\n"))
        watched = " ".join(
            re.findall(r"\b(?:metric_name|query|filter|namespace|expr|expression|criteria)\b[^\n]*", block)
        )
        routed = any(_given(block, key, known.mark) for key in known.routed)
        return AlertRule(place, f"{known.type}.{match[2]}", watched, self._is_about_model(watched), routed)

    def of_code(self) -> Iterator[AlertRule]:
        """Alarms that deployment code makes, and services that are sent exceptions."""
        for name in (*_CODE_ALERTS, "init"):
            for call, unit in self._core.program.calls_by_name.get(name, ()):
                if unit.module.role not in _READ:
                    continue
                for value in self._core.resolver.values(call.function, unit):
                    path = value.path if isinstance(value, External) else ""
                    if path in self._known.sentry:
                        yield AlertRule(unit.at(call), "sentry_sdk.init(...)", errors_only=True)
                        break
                    if path in self._known.alert_code:
                        text = self._observations.sources.get(unit.module.path, "")
                        lines = "\n".join(text.split("\n")[call.line - 1 : call.end_line])
                        routed = (
                            "add_alarm_action" in text or "alarm_actions" in lines or "notification_channels" in lines
                        )
                        yield AlertRule(
                            unit.at(call), last_name(call.function), lines, self._is_about_model(lines), routed
                        )
                        break

    # -- what it watches -------------------------------------------------------------------------------------------

    def _is_about_model(self, expression: str) -> bool:
        """Whether an expression names a metric of a model: by its words, or as one that model-calling code makes."""
        expression = _SELECTOR.sub(" ", expression)
        for name in _NAME.findall(expression):
            if name.startswith(self._known.model_prefixes):
                return True
            words = {w for w in _WORD.split(_CAMEL.sub("_", name).lower()) if w}
            if words & self._known.model_words or name.lower() in self._known.model_words:
                is_metric = "_" in name or ":" in name or "." in name or plain(name) in self._metrics
                if is_metric or name[:1].isupper():
                    return True
        return False


def _filled(value: Located | None) -> bool:
    return value is not None and value.value not in (None, "", [], {})


def _block(text: str, start: int) -> str:
    """The text of a block up to its closing brace."""
    depth = 1
    for index in range(start, min(len(text), start + _MAX_BLOCK)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[start:index]
    return text[start : start + _MAX_BLOCK]


def _given(block: str, key: str, mark: str) -> bool:
    """Whether an argument or inner block of a resource is given and not empty."""
    match = re.search(rf"^\s*{re.escape(key)}\b\s*(=\s*(?P<value>[^\n]*)|\{{)", block, re.M)
    if match is None:
        return False
    value = match["value"]
    if mark:
        return mark in block[match.start() : match.start() + 2_000]
    return value is None or value.strip() not in ("[]", '""', "null")
