"""Sends spans and metrics where the `OTEL_` variables say, when nobody set that up before. Needs the extra `otlp`.

An agent that brings a set-up of its own keeps it: the library only uses OpenTelemetry's interface.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
METRICS_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
PROMETHEUS_PORT = 9464
# In which process it was set up: its threads do not come along over a fork.
_done: dict[str, int] = {}


def is_wanted() -> bool:
    """Does anybody get spans: by a provider that the agent set up, or as the variables say?"""
    from opentelemetry import trace

    return _is_set(trace.get_tracer_provider()) or _wanted("OTEL_TRACES_EXPORTER", ENDPOINTS)


def is_prometheus() -> bool:
    """Are metrics to be read at an endpoint of the agent's own?"""
    return os.environ.get("OTEL_METRICS_EXPORTER", "").strip().lower() == "prometheus"


def prometheus_address() -> tuple[int, str]:
    """Where, as OpenTelemetry's variables have it."""
    host = os.environ.get("OTEL_EXPORTER_PROMETHEUS_HOST") or "127.0.0.1"
    return int(os.environ.get("OTEL_EXPORTER_PROMETHEUS_PORT") or PROMETHEUS_PORT), host


def begin(resource: Mapping[str, str]) -> None:
    """Once per process; a second call changes nothing."""
    if _done.get("pid") == os.getpid() or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    _done["pid"] = os.getpid()
    try:
        _traces(resource)
        _metrics(resource)
    except ImportError:
        log.warning("OTEL_ variables say where to send spans; install postroom[otlp] for that to happen.")


def flush(milliseconds: int = 3_000) -> None:
    """Send what waits, at the end of a process."""
    from opentelemetry import metrics, trace

    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if hasattr(provider, "force_flush"):
            provider.force_flush(milliseconds)


def _traces(resource: Mapping[str, str]) -> None:
    from opentelemetry import trace

    if not _wanted("OTEL_TRACES_EXPORTER", ENDPOINTS) or _is_set(trace.get_tracer_provider()):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=_resource(resource))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def _metrics(resource: Mapping[str, str]) -> None:
    from opentelemetry import metrics

    if not _wanted("OTEL_METRICS_EXPORTER", METRICS_ENDPOINTS) or _is_set(metrics.get_meter_provider()):
        return
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    metrics.set_meter_provider(MeterProvider([reader], resource=_resource(resource)))


def _resource(said: Mapping[str, str]) -> Any:
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come first: whoever runs the agent has the last word.
    return Resource.create(dict(said)).merge(OTELResourceDetector().detect())


def _wanted(exporter: str, endpoints: tuple[str, ...]) -> bool:
    said = os.environ.get(exporter, "").strip().lower()
    return said in {"", "otlp"} and (said == "otlp" or any(os.environ.get(name) for name in endpoints))


def _is_set(provider: object) -> bool:
    """Has somebody set up a provider of the SDK's (or another) already?"""
    return hasattr(provider, "force_flush") or hasattr(provider, "shutdown")
