"""What an agent's telemetry says: by a real SDK into memory, read by the same code that intake reads it with."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.request import urlopen

import pytest
from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from agents.intake import names
from postroom import headers
from postroom.errors import failure_of
from postroom.runtime.api import Incoming, Outcome
from postroom.telemetry import conventions, exporting, logs
from postroom.telemetry.meters import Meters
from postroom.telemetry.telemetry import Telemetry
from postroom.telemetry.traced import Traced
from tests.support import library
from tests.support.house import ROOT


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """A provider of the agent's own, which the library uses as it is."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


@pytest.fixture
def traced(spans: InMemorySpanExporter) -> Traced:
    return Traced(library.about(), Meters())


def arrived(sent: dict[str, str], **changed: Any) -> Incoming:
    return library.incoming(
        "m-1", headers=sent | {headers.WORKFLOW: "invoices"}, workflow="invoices", **changed
    )


def said(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_sent_and_processed_are_joined_by_parent_and_link(
    traced: Traced, spans: InMemorySpanExporter
) -> None:
    outgoing = library.outgoing("m-1", headers={headers.WORKFLOW: "invoices"})
    carried = dict(traced.headers_to_send(outgoing))
    traced.after_send(outgoing, None)
    message = arrived(carried)
    begun = traced.before_handle(message)
    traced.after_handle(message, Outcome("succeeded", duration_ms=3.0), begun)
    sent, processed = spans.get_finished_spans()
    assert (sent.kind, processed.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert sent.context
    ours = (sent.context.trace_id, sent.context.span_id)
    links = [(link.context.trace_id, link.context.span_id) for link in processed.links]
    assert processed.parent
    assert (processed.parent.trace_id, processed.parent.span_id) == ours == links[0]
    assert said(processed) == {
        "messaging.system": "redis",
        "messaging.destination.name": "extract",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.message.id": "m-1",
        "messaging.message.body.size": len(library.BODY),
        "gen_ai.agent.id": "extract",
        "gen_ai.agent.name": "extract",
        "gen_ai.agent.version": "1.8.2",
        "postroom.attempt": 1,
        "postroom.workflow": "invoices",
        "postroom.outcome": "succeeded",
    }
    assert said(sent)["gen_ai.agent.id"] == "classify"
    assert not trace.get_current_span().get_span_context().is_valid


def test_what_is_sent_while_handling_belongs_to_it(traced: Traced, spans: InMemorySpanExporter) -> None:
    message = arrived({headers.TRACEPARENT: f"00-{'a' * 32}-{'b' * 16}-01"})
    begun = traced.before_handle(message)
    outgoing = library.outgoing("m-2")
    carried = traced.headers_to_send(outgoing)
    traced.after_send(outgoing, None)
    traced.after_handle(message, Outcome("succeeded"), begun)
    sent, processed = spans.get_finished_spans()
    assert sent.parent == processed.context
    assert carried[headers.TRACEPARENT].startswith(f"00-{'a' * 32}-")


def test_a_failure_is_on_the_span_with_its_class(traced: Traced, spans: InMemorySpanExporter) -> None:
    problem = ValueError("no page")
    message = arrived({}, attempt=3)
    failed = Outcome("dead", failure_of(problem, "permanent"), problem)
    traced.after_handle(message, failed, traced.before_handle(message))
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (said(span)["error.type"], said(span)["postroom.failure.class"]) == ("ValueError", "permanent")
    assert [event.name for event in span.events] == ["exception"]
    assert not span.links


def test_a_send_that_failed_says_why(traced: Traced, spans: InMemorySpanExporter) -> None:
    outgoing = library.outgoing("m-1")
    traced.headers_to_send(outgoing)
    traced.after_send(outgoing, ConnectionError("gone"))
    (span,) = spans.get_finished_spans()
    assert (span.status.status_code, said(span)["error.type"]) == (StatusCode.ERROR, "ConnectionError")


def test_with_the_loops_own_context_nothing_is_left_behind(traced: Traced) -> None:
    """As the handler loop does it: a context around the handler, put back before the hooks hear of the outcome."""
    message = arrived({headers.TRACEPARENT: f"00-{'a' * 32}-{'b' * 16}-01"})
    around = context.attach(propagate.extract(dict(message.headers)))
    begun = traced.before_handle(message)
    context.detach(around)
    traced.after_handle(message, Outcome("succeeded"), begun)
    assert not trace.get_current_span().get_span_context().is_valid


def test_without_a_provider_a_message_carries_on_what_it_came_with() -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    traced = Traced(library.about(), Meters())
    outgoing = library.outgoing("m-1", headers={headers.TRACEPARENT: parent})
    assert traced.headers_to_send(outgoing) == {headers.TRACEPARENT: parent}
    assert traced.headers_to_send(replace(outgoing, headers={})) == {}


def test_intake_reads_each_of_these_names(traced: Traced, spans: InMemorySpanExporter) -> None:
    message = arrived({}, conversation_id="c-1")
    traced.after_handle(message, Outcome("succeeded"), traced.before_handle(message))
    known = {name for fields in names.SPAN.values() for name in fields}
    wanted = {
        conventions.DESTINATION,
        conventions.MESSAGE_ID,
        conventions.CONVERSATION_ID,
        conventions.OPERATION_TYPE,
        conventions.AGENT_ID,
        conventions.WORKFLOW,
        conventions.GEN_AI_MODEL,
        conventions.GEN_AI_INPUT,
        conventions.GEN_AI_TOOL,
        conventions.ERROR_TYPE,
    }
    assert wanted <= known
    assert encode_spans(spans.get_finished_spans()).resource_spans


# ---- An agent's own words ----------------------------------------------------------------------------------------
def test_a_workflow_is_a_span_of_its_own_for_functions_of_both_kinds(spans: InMemorySpanExporter) -> None:
    import asyncio

    telemetry = Telemetry(agent_id="extract", version="2.0")

    @telemetry.trace_workflow
    def plain(number: int) -> int:
        return number + 1

    @telemetry.trace_workflow("invoices")
    async def later() -> str:
        with telemetry.model("small", provider="acme") as tokens:
            tokens.used(10, 2)
        with telemetry.tool("ocr"):
            pass
        return "done"

    assert (plain(1), asyncio.run(later())) == (2, "done")
    first, model, tool, second = spans.get_finished_spans()
    assert (said(first)["postroom.workflow"], said(second)["postroom.workflow"]) == ("plain", "invoices")
    assert said(model)["gen_ai.usage.input_tokens"] == 10
    assert (model.parent, tool.parent) == (second.context, second.context)


def test_what_the_guide_shows_works(spans: InMemorySpanExporter) -> None:
    page = (ROOT / "docs" / "guides" / "telemetry.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    names: dict[str, Any] = {}
    exec(block, names)
    assert names["count"] == 2
    assert [span.name for span in spans.get_finished_spans()] == [
        "chat small-1",
        "execute_tool ocr",
        "invoices",
    ]


def test_an_exception_marks_its_span_and_goes_on(spans: InMemorySpanExporter) -> None:
    telemetry = Telemetry(agent_id="extract")

    @telemetry.trace_workflow
    def broken() -> None:
        raise KeyError("page")

    with pytest.raises(KeyError):
        broken()
    (span,) = spans.get_finished_spans()
    assert (span.status.status_code, said(span)["error.type"]) == (StatusCode.ERROR, "KeyError")


def test_log_lines_say_which_trace_they_belong_to(spans: InMemorySpanExporter) -> None:
    telemetry = Telemetry(agent_id="extract")
    assert logs.add_trace(None, "", {"event": "a"}) == {"event": "a"}
    with telemetry.span("work") as span:
        line = logs.add_trace(None, "", {"event": "a"})
        record = logging.makeLogRecord({})
        assert logs.Fields().filter(record)
    assert line["trace_id"] == f"{span.get_span_context().trace_id:032x}" == record.trace_id  # type: ignore[attr-defined]


def test_prometheus_reads_counters_and_timers_at_the_agents_own_port() -> None:
    telemetry = Telemetry(agent_id="extract", prometheus_port=0)
    telemetry.counter("pages.read").inc(12, kind="scan")
    with telemetry.timer("parse"):
        pass
    first, second = Outcome("succeeded"), Outcome("dead", failure_of(ValueError(), "permanent"))
    for outcome in (first, second):
        telemetry.hook(library.about()).after_handle(library.incoming("m-1"), outcome, None)
    with urlopen(f"http://127.0.0.1:{telemetry.port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    assert 'error_type="ValueError",messaging_destination_name="extract"' in text
    assert 'pages_read_total{agent="extract",kind="scan"} 12.0' in text
    assert 'parse_seconds_count{agent="extract"} 1.0' in text


FORKING = """
import os
from urllib.request import urlopen
from postroom.telemetry.telemetry import Telemetry
telemetry = Telemetry(agent_id="extract", prometheus_port=0)
telemetry.counter("pages").inc(1)
if (child := os.fork()) == 0:
    telemetry.counter("pages").inc(2)
    os._exit(0)
os.waitpid(child, 0)
print(urlopen(f"http://127.0.0.1:{telemetry.port}/metrics", timeout=5).read().decode())
"""


def test_one_endpoint_counts_for_all_processes_of_a_pool() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING]
    done = subprocess.run(command, env=library.environment(), capture_output=True, text=True, check=True)
    assert 'pages_total{agent="extract"} 3.0' in done.stdout


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_the_usual_variables_decide_whether_spans_are_sent(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, str], wanted: bool
) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_EXPORTER", *exporting.ENDPOINTS):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert exporting._wanted("OTEL_TRACES_EXPORTER", exporting.ENDPOINTS) is wanted
