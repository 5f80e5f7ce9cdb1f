"""Postroom's own traces: off, unless the standard OTEL_ variables say where to send them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104 - compared with, not bound
# The machines' paths are traffic of others; a span for each would be an echo of what they send.
UNTRACED = "v1/traces,v1/logs,v1/metrics,api/v1/heartbeats,api/v1/events,healthz,readyz,metrics"


def wanted(environ: Mapping[str, str]) -> bool:
    """Is there a place to send traces to, and nobody said no?"""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").lower()
    if exporter:
        return exporter != "none"
    return any(environ.get(name) for name in ENDPOINTS)


def into_itself(environ: Mapping[str, str], own: Iterable[tuple[str, int]]) -> bool:
    """Would the traces go to one of Postroom's own doors? Each would cause the next."""
    doors = {(_same(host), port) for host, port in own}
    return any(_door(environ[name]) in doors for name in ENDPOINTS if environ.get(name))


def without_otel(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith("OTEL_")}


def start(process: str) -> bool:
    """Trace this process's requests when the environment asks for it; returns whether it does."""
    if not wanted(os.environ):
        return False
    from opentelemetry import trace
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    os.environ.setdefault("OTEL_PYTHON_DJANGO_EXCLUDED_URLS", UNTRACED)
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": f"postroom-{process}"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(_exporting())
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument()
    return True


def _exporting() -> SpanProcessor:
    """OTLP over HTTP, and the console for trying; the exporter reads its address from the environment itself."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    if os.environ.get("OTEL_TRACES_EXPORTER", "").lower() == "console":
        return BatchSpanProcessor(ConsoleSpanExporter())
    return BatchSpanProcessor(OTLPSpanExporter())


def _door(endpoint: str) -> tuple[str, int]:
    parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    return _same(parts.hostname or ""), parts.port or (443 if parts.scheme == "https" else 80)


def _same(host: str) -> str:
    """All names of this machine count as one."""
    return "127.0.0.1" if host in LOOPBACK else host
