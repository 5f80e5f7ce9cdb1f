"""Which attributes fill which columns, by the current names of the conventions and by the older ones."""

from __future__ import annotations

from typing import Any

import pytest

from agents.intake import derive
from agents.intake.values import RawEvent, RawLink, RawLog, RawSpan, Value
from agents.spans.values import LogRecord, Span, SpanKind, decode, encode

CLERK: dict[str, Value] = {
    "service.name": "clerk",
    "service.version": "1.4",
    "service.instance.id": "clerk-0",
}


def derived(
    attributes: dict[str, Any] | None = None, resource: dict[str, Any] = CLERK, **fields: Any
) -> Span:
    scope = fields.pop("scope", "tests")
    given = {"kind": SpanKind.CONSUMER, "start": 5, "end": 9} | fields
    attributes = attributes or {}
    encoded = encode(attributes) if attributes else b""
    raw = RawSpan(b"t" * 16, b"s" * 8, b"", "work", attributes=attributes, encoded=encoded, **given)
    return derive.span(raw, derive.span_template(resource, scope, "production"))


def test_the_columns_of_a_plain_span() -> None:
    assert derived() == Span(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        parent_id=b"",
        start=5,
        duration=4,
        name="work",
        kind=SpanKind.CONSUMER,
        agent="clerk",
        agent_name="clerk",
        service="clerk",
        instance="clerk-0",
        version="1.4",
        environment="production",
        operation="work",
        scope="tests",
        resource=encode(CLERK),
    )


@pytest.mark.parametrize(
    ("attributes", "field", "value"),
    [
        ({"messaging.destination.name": "orders"}, "queue", "orders"),
        ({"messaging.destination": "orders"}, "queue", "orders"),
        ({"messaging.destination": "old", "messaging.destination.name": "new"}, "queue", "new"),
        ({"messaging.message.id": "m-1"}, "message_id", "m-1"),
        ({"messaging.message_id": "m-1"}, "message_id", "m-1"),
        ({"messaging.message.conversation_id": "c-1"}, "conversation_id", "c-1"),
        ({"messaging.conversation_id": "c-1"}, "conversation_id", "c-1"),
        ({"gen_ai.conversation.id": "c-2"}, "conversation_id", "c-2"),
        ({"messaging.operation.type": "receive"}, "step", "receive"),
        ({"messaging.operation": "publish"}, "step", "send"),
        ({"messaging.operation": "dance"}, "step", ""),
        ({"messaging.system": "rabbitmq"}, "system", "rabbitmq"),
        ({"gen_ai.system": "openai"}, "system", "openai"),
        ({"gen_ai.provider.name": "anthropic", "gen_ai.system": "old"}, "system", "anthropic"),
        ({"gen_ai.request.model": "small"}, "model", "small"),
        ({"gen_ai.request.model": "asked", "gen_ai.response.model": "used"}, "model", "used"),
        ({"gen_ai.tool.name": "search"}, "tool", "search"),
        ({"gen_ai.workflow.name": "invoices"}, "workflow", "invoices"),
        ({"celery.task_name": "orders.take"}, "operation", "orders.take"),
        ({"gen_ai.operation.name": "chat"}, "operation", "chat"),
        ({"error.type": "Timeout"}, "error_type", "Timeout"),
        ({"gen_ai.usage.input_tokens": 12}, "input_tokens", 12),
        ({"gen_ai.usage.prompt_tokens": 12}, "input_tokens", 12),
        ({"gen_ai.usage.completion_tokens": "7"}, "output_tokens", 7),
        ({"gen_ai.usage.output_tokens": "many"}, "output_tokens", 0),
        ({"gen_ai.usage.output_tokens": -3}, "output_tokens", 0),
        ({"messaging.message.id": 4711}, "message_id", "4711"),
        ({"messaging.message.id": "m" * 900}, "message_id", "m" * derive.MAX_TEXT),
        ({"gen_ai.agent.version": "2.0"}, "version", "2.0"),
    ],
)
def test_an_attribute_fills_its_column(attributes: dict[str, Any], field: str, value: object) -> None:
    assert getattr(derived(attributes), field) == value


@pytest.mark.parametrize(
    ("resource", "attributes", "agent", "name"),
    [
        ({"service.name": "s"}, {}, "s", "s"),
        ({"service.name": "s", "gen_ai.agent.name": "n"}, {}, "n", "n"),
        ({"service.name": "s", "gen_ai.agent.name": "n", "gen_ai.agent.id": "i"}, {}, "i", "n"),
        ({"service.name": "s"}, {"gen_ai.agent.name": "n"}, "n", "n"),
        ({"service.name": "s", "gen_ai.agent.id": "i"}, {"gen_ai.agent.id": "j"}, "j", "j"),
        ({}, {}, "unknown", "unknown"),
    ],
)
def test_who_the_agent_is(
    resource: dict[str, Any], attributes: dict[str, Any], agent: str, name: str
) -> None:
    found = derived(attributes, resource)
    assert (found.agent, found.agent_name) == (agent, name)


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        ({"deployment.environment.name": "new", "deployment.environment": "old"}, "new"),
        ({"deployment.environment": "old"}, "old"),
        ({}, ""),
    ],
)
def test_the_environment_that_is_stated(resource: dict[str, Any], found: str) -> None:
    assert derive.environment_of(resource) == found


def test_an_outside_service_is_the_other_end_of_a_call__accepted() -> None:
    assert derived({"server.address": "api.example"}, kind=SpanKind.CLIENT).peer == "api.example"


@pytest.mark.parametrize("more", [{"gen_ai.request.model": "m"}, {"messaging.destination.name": "q"}])
def test_a_queue_or_model_is_the_other_end_and_no_outside_service(more: dict[str, Any]) -> None:
    assert derived({"server.address": "api.example"} | more, kind=SpanKind.CLIENT).peer == ""


CELERY_SENDS = {
    "celery.action": "apply_async",
    "messaging.message.id": "5f0a",
    "celery.task_name": "orders.take",
    "messaging.destination_kind": "queue",
    "messaging.destination": "orders",
    "celery.hostname": "gen7@vm",
    "messaging.conversation_id": "5f0a",
}
CELERY_RUNS = {
    "celery.action": "run",
    "celery.delivery_info": "{'exchange': '', 'routing_key': 'orders', 'priority': 0, 'redelivered': False}",
    "messaging.destination": "orders",
    "messaging.message.id": "5f0a",
    "messaging.conversation_id": "5f0a",
    "celery.hostname": "gen7@vm",
    "celery.task_name": "orders.take",
}
PIKA_TAKES = {
    "messaging.system": "rabbitmq",
    "messaging.operation": "receive",
    "messaging.destination": "orders",
    "messaging.message.id": "m-1",
    "messaging.conversation_id": "c-1",
    "net.peer.name": "127.0.0.1",
    "net.peer.port": 5672,
}
PIKA = "opentelemetry.instrumentation.pika.pika_instrumentor"


@pytest.mark.parametrize(
    ("attributes", "kind"), [(CELERY_SENDS, SpanKind.PRODUCER), (CELERY_RUNS, SpanKind.CONSUMER)]
)
def test_what_celerys_instrumentation_sends(attributes: dict[str, Any], kind: SpanKind) -> None:
    found = derived(attributes, kind=kind)
    told = (found.kind, found.queue, found.message_id, found.operation, found.step)
    assert told == (kind, "orders", "5f0a", "orders.take", "")


@pytest.mark.parametrize(("scope", "step"), [(PIKA, "process"), ("somebody", "receive")])
def test_what_pikas_instrumentation_calls_receiving_is_processing(scope: str, step: str) -> None:
    """Its span is open while the user's callback runs."""
    found = derived(PIKA_TAKES, scope=scope)
    assert (found.step, found.queue, found.message_id) == (step, "orders", "m-1")
    assert found.peer == "", "the broker is the way, and not the other end"


def test_what_an_agents_framework_sends() -> None:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.agent.name": "scout",
        "gen_ai.conversation.id": "c-1",
        "gen_ai.provider.name": "test",
        "gen_ai.request.model": "large",
        "gen_ai.usage.input_tokens": 51,
        "gen_ai.usage.output_tokens": 4,
    }
    found = derived(attributes, {"service.name": "office"}, kind=SpanKind.CLIENT)
    assert (found.agent, found.service, found.operation, found.model) == ("scout", "office", "chat", "large")
    assert (found.input_tokens, found.output_tokens, found.conversation_id) == (51, 4, "c-1")


def test_events_and_links_are_kept_as_json() -> None:
    events = (RawEvent(6, "exception", {"exception.type": "ValueError"}),)
    found = derived(events=events, links=(RawLink(b"\x01" * 16, b"\x02" * 8, {}),))
    assert decode(found.events) == [
        {"time": 6, "name": "exception", "attributes": {"exception.type": "ValueError"}}
    ]
    assert decode(found.links) == [{"trace_id": "01" * 16, "span_id": "02" * 8, "attributes": {}}]
    assert found.error_type == "ValueError"


def test_a_log_record_carries_its_agent_and_message() -> None:
    attributes: dict[str, Value] = {"messaging.message.id": "m-1"}
    raw = RawLog(b"", b"", 5, 6, 17, "ERROR", {"order": 7}, attributes, encode(attributes))
    found = derive.log(raw, derive.log_template(CLERK, "tests", "production"))
    assert found == LogRecord(
        time=5,
        observed=6,
        severity=17,
        severity_text="ERROR",
        body='{"order":7}',
        agent="clerk",
        agent_name="clerk",
        service="clerk",
        instance="clerk-0",
        version="1.4",
        environment="production",
        message_id="m-1",
        scope="tests",
        resource=encode(CLERK),
        attributes=encode(attributes),
    )
