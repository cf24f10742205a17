"""Traces and metrics: OpenTelemetry inside, a Prometheus page outside, and OTLP where a collector is named."""

import os

os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")  # read when the instrumentation starts

import re
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import DropAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from sqlalchemy import Engine

from ..settings import Settings
from . import logs

_EXPORT_TIMEOUT_S = 3
_NO_BODY_SIZES = View(instrument_name="http.server.*.body.size", aggregation=DropAggregation())


class Telemetry:
    """What one app measures and traces; the metrics are its own, so a second app in the process disturbs nothing."""

    def __init__(self, resource: Resource, otlp_endpoint: str) -> None:
        self._registry = CollectorRegistry()
        self._tracers = _tracer_provider(resource)
        self._spans: BatchSpanProcessor | None = None
        readers: list[MetricReader] = [PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)]
        if base := otlp_endpoint.rstrip("/"):
            metrics = OTLPMetricExporter(f"{base}/v1/metrics", timeout=_EXPORT_TIMEOUT_S)
            readers.append(PeriodicExportingMetricReader(metrics))
            self._spans = BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces", timeout=_EXPORT_TIMEOUT_S))
            self._tracers.add_span_processor(self._spans)
        self._meters = MeterProvider(readers, resource, shutdown_on_exit=False, views=[_NO_BODY_SIZES])
        self._open = True
        self.meter = self._meters.get_meter("service")

    def instrument(self, app: FastAPI) -> None:
        """Trace and time the app's requests, except the platform's; call it before the app serves."""
        FastAPIInstrumentor.instrument_app(
            app,
            tracer_provider=self._tracers,
            meter_provider=self._meters,
            excluded_urls="/healthz$,/readyz$,/metrics$",
            exclude_spans=["send", "receive"],
            server_request_hook=_forget_who,
        )

    def watch(self, engine: Engine) -> None:
        """Trace the statements of an engine; their parameters, which may be content, are not in the spans."""
        uncounted = NoOpMeter("sqlalchemy").create_up_down_counter("connections")
        EngineTracer(self._tracers.get_tracer("sqlalchemy"), engine, uncounted)  # type: ignore[no-untyped-call]

    def render(self) -> tuple[bytes, str]:
        """The Prometheus page, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_1_0_0

    def close(self) -> None:
        """Send what is left and stop; takes a few seconds at most when the collector does not answer."""
        if self._open:
            self._open = False
            self._meters.shutdown(timeout_millis=_EXPORT_TIMEOUT_S * 1000)
            if self._spans:
                self._spans.shutdown()  # type: ignore[no-untyped-call]


def configure(settings: Settings) -> Telemetry:
    """Set logs, metrics and traces up for one app; close the result when the app ends."""
    logs.configure(settings)
    try:
        release = version(__name__.partition(".")[0])
    except PackageNotFoundError:  # run from a folder that was never installed
        release = "0"
    who = {
        "service.name": re.sub(r"[^a-z0-9]+", "-", settings.project.lower()).strip("-"),
        "service.version": release,
        "deployment.environment.name": settings.environment,
    }
    return Telemetry(Resource.create(who), settings.otlp_endpoint)


def _forget_who(span: trace.Span, _scope: dict[str, object]) -> None:
    # An address is personal data, and a query string may be.
    for attribute in ("client.address", "client.port", "user_agent.original", "url.query"):
        span.set_attribute(attribute, "")


def _tracer_provider(resource: Resource) -> TracerProvider:
    # Libraries find the provider through the process, and a process takes one only: the first stays.
    current = trace.get_tracer_provider()
    if not isinstance(current, TracerProvider):
        current = TracerProvider(resource=resource)
        trace.set_tracer_provider(current)
    return current
