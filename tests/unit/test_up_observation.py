"""Logs without secrets, traces only where they are asked for, and metrics of many processes as one."""

from __future__ import annotations

import json
import logging

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from core import logs, metrics, request_log, tracing
from core.metrics import Published


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        ({"password": "x"}, {"password": logs.MASK}),
        ({"ingest_token": "x"}, {"ingest_token": logs.MASK}),
        ({"url": "redis://u:secret@h/0"}, {"url": f"redis://u:{logs.MASK}@h/0"}),
        ({"event": "sent Bearer abcdefgh12345"}, {"event": f"sent Bearer {logs.MASK}"}),
        (
            {"a": {"Authorization": "x", "b": ["token=abc"]}},
            {"a": {"Authorization": logs.MASK, "b": [f"token={logs.MASK}"]}},
        ),
        ({"event": "a word about passwords", "n": 3}, {"event": "a word about passwords", "n": 3}),
    ],
)
def test_log__secrets__are_masked(event: dict[str, object], shown: dict[str, object]) -> None:
    assert logs.mask(None, "info", dict(event)) == shown


def test_log__line_of_another_library__is_json_too() -> None:
    record = logging.LogRecord("celery", logging.INFO, "f", 1, "ready with password=%s", ("hunter2",), None)
    line = json.loads(logs.formatter("json").format(record))
    assert (line["logger"], line["level"]) == ("celery", "info")
    assert line["message"] == f"ready with password={logs.MASK}"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
    ],
)
def test_traces__only_when_asked_for(environ: dict[str, str], wanted: bool) -> None:
    assert tracing.wanted(environ) is wanted


@pytest.mark.parametrize(
    ("endpoint", "echo"),
    [
        ("http://localhost:4318", True),
        ("http://127.0.0.1:8000/", True),
        ("127.0.0.1:4317", True),
        ("http://127.0.0.1:9999", False),
        ("http://collector:4318", False),
    ],
)
def test_traces__into_itself__are_noticed(endpoint: str, echo: bool) -> None:
    own = [("0.0.0.0", 8000), ("127.0.0.1", 4318), ("127.0.0.1", 4317)]
    assert tracing.into_itself({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, own) is echo


def test_metrics__of_two_processes__are_one_family() -> None:
    family = {"name": "x", "type": "counter", "about": "About x.", "samples": [["x_total", {"a": "1"}, 2.0]]}
    merged = metrics.merged(
        [Published("web", "host", 1, 0.0, [family]), Published("worker", "host", 2, 0.0, [family])]
    )

    class Collector:
        def collect(self) -> list[object]:
            return list(merged)

    registry = CollectorRegistry()
    registry.register(Collector())  # type: ignore[arg-type]
    text = generate_latest(registry).decode()
    assert text.count("# TYPE") == 1
    assert 'x_total{a="1",instance_name="host",process="worker"} 2.0' in text


@pytest.mark.parametrize("given", ["", "short", "has space in it", "x" * 65, "new\nline-in-it"])
def test_request_id__that_cannot_stand_in_a_log__is_replaced(given: str) -> None:
    assert request_log.id_of(given) != given


def test_request_id__of_the_caller__is_kept() -> None:
    assert request_log.id_of("caller-4711") == "caller-4711"
