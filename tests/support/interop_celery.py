"""A user's Celery application, instrumented as its documentation says; nothing in it knows Postroom.

    python -m tests.support.interop_celery BROKER take URL     sends a task and prints its trace id and task id
    celery -A tests.support.interop_celery worker --pool solo  works, with the broker in INTEROP_BROKER

Where to export to, and under what name, is in OpenTelemetry's own environment variables.
"""

from __future__ import annotations

import os
import sys
from urllib.request import Request, urlopen

from celery import Celery
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))  # type: ignore[attr-defined]
CeleryInstrumentor().instrument()

app = Celery("orders", broker=os.environ["INTEROP_BROKER"])
app.conf.update(task_default_queue="orders", task_ignore_result=True, worker_hijack_root_logger=False)
span = trace.get_tracer("orders").start_as_current_span


@app.task(name="orders.take")
def take(painter: str) -> None:
    """Calls the painter with the trace's context in the headers, as an HTTP instrumentation does."""
    attributes = {"http.request.method": "POST", "server.address": "127.0.0.1"}
    with span("POST", kind=trace.SpanKind.CLIENT, attributes=attributes):
        headers: dict[str, str] = {}
        propagate.inject(headers)
        urlopen(Request(painter, data=b"{}", headers=headers), timeout=20).close()


@app.task(name="orders.spoil")
def spoil() -> None:
    raise ValueError("no such order")


def main(task: str, *arguments: str) -> None:
    with span("order", kind=trace.SpanKind.SERVER) as whole:
        sent = app.tasks[f"orders.{task}"].delay(*arguments)
    print(f"{whole.get_span_context().trace_id:032x} {sent.id}")


if __name__ == "__main__":
    main(*sys.argv[1:])
