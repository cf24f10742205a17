"""Which model calls have their tokens and cost recorded. check `token-and-cost-recorded`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.extract import code
from readiness.facts.calls.model_calls import ModelCall
from readiness.facts.core import Core
from readiness.facts.linking.nearby import Nearby
from readiness.facts.linking.units import Unit, last_name
from readiness.facts.linking.values import External, Instance, Items, Known
from readiness.facts.place import Place
from readiness.facts.records.telemetry import Tracing
from readiness.facts.records.usage_reads import COST, INPUT, OUTPUT, Counts, UsageReads
from readiness.facts.records.written import Writes

_METRICS = frozenset(
    {
        "inc",
        "observe",
        "increment",
        "incr",
        "histogram",
        "gauge",
        "distribution",
        "count",
        "timing",
        "record",
        "add",
        "set",
        "put_metric_data",
        "log_metric",
        "log_metrics",
        "put_metric",
        "emit_metric",
    }
)
_PLAIN_METRICS = frozenset({"inc", "observe", "put_metric_data", "log_metric", "log_metrics"})
_METRIC_PACKAGES = (
    "prometheus_client",
    "opentelemetry",
    "statsd",
    "datadog",
    "boto3",
    "aioboto3",
    "mlflow",
    "wandb",
    "sentry_sdk",
    "aws_lambda_powertools",
    "prometheus_flask_exporter",
    "newrelic",
    "google.cloud.monitoring",
)
_SPANS = frozenset(
    {
        "set_attribute",
        "set_attributes",
        "add_event",
        "set_tag",
        "set_data",
        "update_current_generation",
        "update_current_observation",
        "generation",
        "annotate",
        "set_metric",
        "add_metadata",
    }
)
_SPAN_PACKAGES = (
    "opentelemetry",
    "langfuse",
    "ddtrace",
    "sentry_sdk",
    "logfire",
    "mlflow",
    "opik",
    "langsmith",
    "elasticapm",
)
_MODEL = re.compile(r"(^|[._])(model|model_name|model_id|llm|deployment|engine)(_(name|id|version|used))?$", re.I)
_FEATURE = re.compile(
    r"(^|[._])(feature|endpoint|route|operation|task|agent|agent_name|use_case|user|user_id|tenant|tenant_id|customer|customer_id|"
    r"session_id|org|org_id|project_id|team|team_id|api_key_id|workspace_id|handler|purpose|step|node)$",
    re.I,
)
_COUNTERS = re.compile(
    r"\.(get_openai_callback|get_bedrock_anthropic_callback|get_usage_metadata_callback)\(\)|TokenCountingHandler\(\)|UsageMetadataCallbackHandler\(\)"
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line that records token counts: `kinds` of input, output, total and cost, and by model or by feature."""

    place: Place
    unit: Unit
    sink: str
    counts: Counts
    by_model: bool = False
    by_feature: bool = False


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is recorded of one generative call's tokens, over all lines that record any.

    `vendor` tells that only an instrumentor's or a vendor's own count is there; `streamed_blind` that the answer is
    streamed without asking the provider for the counts, so that the code reads none.
    """

    place: Place
    text: str
    reachable: bool
    call: ModelCall
    recorded: bool = False
    input: bool = False
    output: bool = False
    cost: bool = False
    dimension: bool = False
    vendor: bool = False
    streamed_blind: bool = False
    at: Place | None = None
    by: str = ""

    @property
    def missing(self) -> str:
        """What a whole record would have besides."""
        gaps = [
            word
            for word, there in (
                ("input tokens", self.input),
                ("output tokens", self.output),
                ("cost", self.cost),
                ("a model or feature label", self.dimension),
            )
            if not there
        ]
        return ", ".join(gaps)


class Tokens:
    """Finds the lines that record usage and tells which calls they speak of."""

    def __init__(self, core: Core, nearby: Nearby, writes: Writes) -> None:
        self._core, self._nearby, self._writes = core, nearby, writes
        self._paths = frozenset(c.value.path for c in core.calls if c.generates)
        self._reads = UsageReads(core, self._paths)
        self._known: dict[Unit, list[Recorded]] = {}

    def of(self, call: ModelCall, tracing: Tracing) -> TokenRecord:
        """What is recorded of a call's tokens; `tracing` is how it is traced."""
        found = list(self._recorded(call))
        blind = _streams_blind(call)
        if found and not blind:
            kinds = frozenset(k for r in found for k in r.counts.kinds)
            return TokenRecord(
                call.place,
                call.text,
                call.reachable,
                call,
                True,
                INPUT in kinds,
                OUTPUT in kinds,
                COST in kinds,
                any(r.by_model or r.by_feature for r in found),
                False,
                False,
                found[0].place,
                found[0].sink,
            )
        if tracing.vendor and tracing.tokens:
            return TokenRecord(
                call.place, call.text, call.reachable, call, True, vendor=True, at=tracing.line, by=tracing.by
            )
        partly = bool(found)
        return TokenRecord(
            call.place,
            call.text,
            call.reachable,
            call,
            partly,
            streamed_blind=blind,
            at=found[0].place if found else None,
            by=found[0].sink if found else "",
        )

    def _recorded(self, call: ModelCall) -> Iterator[Recorded]:
        units: dict[Unit, int] = {}
        inner = [c for c in self._core.calls if c.inside is call]
        for one in (call, *inner):
            for _, unit in one.runs or [(one.call, one.unit)]:
                for near, hops in self._nearby.around(unit).items():
                    units[near] = min(units.get(near, 99), hops)
        own = {n for one in (call, *inner) for n, _ in (*one.runs, (one.call, one.unit))}
        for unit in sorted(units, key=lambda u: (units[u], u.place, u.qualified)):
            for record in self.lines(unit):
                if self._speaks_of(record.counts, own):
                    yield record

    def _speaks_of(self, counts: Counts, own: set[code.Call]) -> bool:
        """Whether counts come from one of these calls, as far as reading tells; where it does not, nearness decides."""
        unknown = False
        for expression, unit in counts.sources:
            others = False
            for value in self._core.resolver.values(expression, unit):
                steps = value.steps if isinstance(value, External) else ()
                if any(s.call in own for s in steps):
                    return True
                others = others or any(s.path in self._paths for s in steps)
            unknown = unknown or not others
        return unknown

    def lines(self, unit: Unit) -> list[Recorded]:
        """The lines of a unit that record usage."""
        known = self._known.get(unit)
        if known is None:
            known = self._known[unit] = list(self._lines(unit))
        return known

    def _lines(self, unit: Unit) -> Iterator[Recorded]:
        written = {w.call: w for w in self._writes.of(unit)}
        spans: list[tuple[code.Call, str, Counts]] = []
        labels: set[str] = set()
        for call in unit.calls:
            sink = written[call].sink if call in written else self._sink(call, unit)
            if not sink:
                continue
            pairs = [(e, unit) for e in (*call.arguments, *(k.value for k in call.keywords))]
            if call in written:
                pairs += [(e, u) for e, u in written[call].fields.values() if e is not None]
            found = [self._reads.of(e, u) for e, u in pairs]
            kinds = frozenset(k for f in found for k in f.kinds) | self._named(call, unit, sink, found)
            labels |= self._labels(call, unit) | (set(written[call].fields) if call in written else set())
            if kinds:
                spans.append((call, sink, Counts(kinds, tuple(s for f in found for s in f.sources)[:12])))
        by_model = any(_MODEL.search(label) for label in labels)
        by_feature = any(_FEATURE.search(label) for label in labels)
        for call, sink, counts in spans:
            yield Recorded(unit.at(call), unit, sink, counts, by_model, by_feature)

    def _named(self, call: code.Call, unit: Unit, sink: str, found: list[Counts]) -> frozenset[str]:
        """A metric that calls itself cost and is fed something that came from the counts."""
        if sink == "metric" and any(f.kinds for f in found):
            receiver = call.function.base if isinstance(call.function, code.Member) else call.function
            words = {
                n.name if isinstance(n, code.Member) else n.id
                for n in code.walk(receiver)
                if isinstance(n, code.Member | code.Name)
            }
            if any("cost" in w.lower() for w in words):
                return frozenset({COST})
        return frozenset()

    def _labels(self, call: code.Call, unit: Unit) -> set[str]:
        """The names a sink is told values by: keywords, keys of mappings, texts such as a span attribute's name."""
        names: set[str] = set()
        for node in code.walk(call):
            match node:
                case code.Keyword(name=str() as name):
                    names.add(name)
                case code.Mapping(items=items):
                    names.update(k.value for k, _ in items if isinstance(k, code.Constant) and isinstance(k.value, str))
                case code.Call(arguments=[code.Constant(value=str() as first), *_]):
                    names.add(first)
                case code.Call(function=code.Member(name="labels"), arguments=arguments):
                    names.update(
                        n.name if isinstance(n, code.Member) else n.id
                        for a in arguments
                        for n in [a]
                        if isinstance(n, code.Member | code.Name)
                    )
        for argument in call.arguments:
            if isinstance(argument, code.Name):
                for value in self._core.resolver.values(argument, unit):
                    if isinstance(value, Items) and isinstance(value.literal, code.Mapping):
                        names.update(
                            k.value
                            for k, _ in value.literal.items
                            if isinstance(k, code.Constant) and isinstance(k.value, str)
                        )
        return names

    def _sink(self, call: code.Call, unit: Unit) -> str:
        name = last_name(call.function)
        if not isinstance(call.function, code.Member) or name not in _METRICS | _SPANS | {
            "update",
            "score",
            "log",
            "end",
        }:
            return ""
        values = self._core.resolver.values(call.function, unit)
        paths = [v.path for v in values if isinstance(v, External)]
        if name in _METRICS and any(p.startswith(_METRIC_PACKAGES) for p in paths):
            return "metric"
        if any(p.startswith(_SPAN_PACKAGES) for p in paths):
            return "span"
        if not paths and not any(isinstance(v, Instance | Items | Known) for v in values):
            if name in _PLAIN_METRICS:
                return "metric"
            if name in ("set_attribute", "set_attributes"):
                return "span"
        return ""


def _streams_blind(call: ModelCall) -> bool:
    """Whether an OpenAI-like chat stream is not asked for its usage."""
    if not call.streams and call.setting("stream").value is not True:
        return False
    if call.sdk.name not in ("openai", "litellm", "openai-legacy") or "responses" in call.name:
        return False
    options = call.call.keyword("stream_options")
    return options is None and not any(k.name is None for k in call.call.keywords)
