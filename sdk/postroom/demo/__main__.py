"""`python -m postroom.demo`: sends what fifteen agents do, until it is ended.

Where to, and with which token, it reads from the OTEL_EXPORTER_OTLP_… variables, as every exporter does. Needs
opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http.
"""

from __future__ import annotations

import random
import signal
import threading
import time

from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, set_span_in_context

from postroom.demo.company import AGENTS, WORKFLOWS
from postroom.demo.run import SECOND, Run

RUNS_PER_SECOND = 3
# A run is told when it is over, so it began this long ago.
LONGEST = 12 * SECOND


class Office:
    """The agents, each with a resource of its own; their exporters are shared."""

    def __init__(self) -> None:
        self._spans = BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=500)
        self._lines = BatchLogRecordProcessor(OTLPLogExporter(), schedule_delay_millis=500)
        resources = {agent: _resource(agent) for agent in AGENTS}
        self._tracing = {agent: TracerProvider(resource=made) for agent, made in resources.items()}
        self._logging = {agent: LoggerProvider(resource=made) for agent, made in resources.items()}
        for tracing in self._tracing.values():
            tracing.add_span_processor(self._spans)
        for logging in self._logging.values():
            logging.add_log_record_processor(self._lines)
        self.tracers = {
            agent: tracing.get_tracer("postroom.demo") for agent, tracing in self._tracing.items()
        }

    def say(self, agent: str, at: int, severity: int, text: str, span: Span) -> None:
        """A log line of an agent, tied to its span."""
        number = SeverityNumber(severity)
        self._logging[agent].get_logger("postroom.demo").emit(
            timestamp=at,
            context=set_span_in_context(span),
            severity_number=number,
            severity_text=number.name,
            body=text,
        )

    def close(self) -> None:
        self._spans.shutdown()
        self._lines.shutdown()


def _resource(agent: str) -> Resource:
    return Resource.create(
        {"service.name": agent, "service.version": "1.4.0", "service.instance.id": f"{agent}-0"}
    )


def main() -> None:
    ending, chance, office = threading.Event(), random.Random(), Office()  # noqa: S311 - no secret hangs on it
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    while not ending.wait(chance.expovariate(RUNS_PER_SECOND)):
        Run(chance.choice(WORKFLOWS), office.tracers, office.say, chance).tell(time.time_ns() - LONGEST)
    office.close()


if __name__ == "__main__":
    main()
