"""A user's producer and consumer on RabbitMQ, instrumented as pika's instrumentation says; nothing knows Postroom.

    python -m tests.support.interop_pika BROKER send|callback|loop

`send` publishes two messages; `callback` and `loop` take them in pika's two ways, and end.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import pika
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.pika import PikaInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

QUEUE, MESSAGES = "orders", 2
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))  # type: ignore[attr-defined]
PikaInstrumentor().instrument()


def send(channel: Any) -> None:
    for number in range(MESSAGES):
        properties = pika.BasicProperties(message_id=f"m-{number}", correlation_id="c-1")
        channel.basic_publish("", QUEUE, b"{}", properties)


def work(number: int) -> None:
    with trace.get_tracer("orders").start_as_current_span("store"):
        time.sleep(0.02)


def callback(channel: Any) -> None:
    taken: list[str] = []

    def take(channel: Any, method: Any, properties: Any, body: bytes) -> None:
        work(len(taken))
        taken.append(properties.message_id)
        channel.basic_ack(method.delivery_tag)
        if len(taken) == MESSAGES:
            channel.stop_consuming()

    channel.basic_consume(QUEUE, take)
    channel.start_consuming()


def loop(channel: Any) -> None:
    for number, (method, _, _) in enumerate(channel.consume(QUEUE), 1):
        work(number)
        channel.basic_ack(method.delivery_tag)
        if number == MESSAGES:
            channel.cancel()
            return


def main(broker: str, part: str) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(broker))
    channel = connection.channel()
    channel.queue_declare(QUEUE)
    {"send": send, "callback": callback, "loop": loop}[part](channel)
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
