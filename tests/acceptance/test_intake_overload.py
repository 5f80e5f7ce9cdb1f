"""More than intake can take: senders are told to come again, memory stays flat, and who comes again loses nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from agents.intake import limits
from tests.bench import ingest_requests
from tests.support.intake_house import Intake, IntakeHouse
from tests.support.waiting import until

MOST_MEMORY = 400 * limits.MIB
DISTINCT, TIMES = 60, 80
# So many times what is taken is offered.
OVER = 5


def flood(house: IntakeHouse, intake: Intake, file: Path) -> subprocess.Popen[str]:
    """More connections than there is room for their bodies; none of them heeds a Retry-After."""
    size = file.stat().st_size // (DISTINCT * TIMES)
    connections = limits.MAX_BYTES_IN_FLIGHT * OVER // size
    command = (str(intake.port), house.token, str(file), str(connections))
    return house.start("-m", "tests.bench.ingest_clients", *command)


def prepared(folder: Path) -> Path:
    once, often = folder / "once", folder / "often"
    ingest_requests.write(once, DISTINCT, 512)
    often.write_bytes(once.read_bytes() * TIMES)
    return often


def exported(house: IntakeHouse, intake: Intake, count: int) -> set[str]:
    """Spans that a real exporter sent in the middle of it, one request each."""
    exporter = OTLPSpanExporter(f"{intake.url}/v1/traces", headers=house.authorization, timeout=60)
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    sent = set()
    for _ in range(count):
        with provider.get_tracer("tests").start_as_current_span("take") as span:
            context = span.get_span_context()
            sent.add(f"{context.trace_id:032x}/{context.span_id:016x}")
    provider.shutdown()
    return sent


def test_overload_is_told_and_loses_nothing(tmp_path: Path, redis_url: str) -> None:
    house, file = IntakeHouse(tmp_path / "data", redis_url), prepared(tmp_path)
    with house.intake() as intake:
        flooding = flood(house, intake, file)
        try:
            until(lambda: _busy(intake), "the flood to begin", 60)
            sent = exported(house, intake, 5)
            answered, _ = flooding.communicate(timeout=200)
        finally:
            flooding.kill()
        peak = intake.peak_bytes()
    statuses = json.loads(answered)["statuses"]
    assert set(statuses) == {"200", "429"}
    assert sum(statuses.values()) == DISTINCT * TIMES
    assert sum(statuses.values()) >= OVER * statuses["200"]
    assert peak < MOST_MEMORY
    stored = house.stored()
    assert sent - stored.keys() == set()
    assert set(stored.values()) == {1}


def _busy(intake: Intake) -> bool:
    """Connections of the flood are open."""
    return any(len(each.net_connections()) > 50 for each in intake.family())
