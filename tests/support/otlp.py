"""OTLP requests for tests and benchmarks, made with the published protobuf classes, not with intake's own."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SECOND = 1_000_000_000
PLAIN = {
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    bytes: "bytes_value",
    str: "string_value",
}
IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def any_value(value: Any) -> AnyValue:
    if value is None:
        return AnyValue()
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(each) for each in value]))
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=attributes(value)))
    return AnyValue(**{PLAIN[type(value)]: value})


def attributes(pairs: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in pairs.items()]


def span(**fields: Any) -> Span:
    """A good span, with fields of it replaced."""
    now = time.time_ns()
    good: dict[str, Any] = {
        "trace_id": bytes(range(16)),
        "span_id": bytes(range(1, 9)),
        "name": "process orders",
        "kind": 5,
        "start_time_unix_nano": now - SECOND,
        "end_time_unix_nano": now,
    }
    pairs = fields.pop("attributes", {})
    return Span(**good | fields, attributes=attributes(pairs))


def traces(spans: Iterable[Span], resource: Mapping[str, Any] | None = None) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    part = request.resource_spans.add()
    part.resource.attributes.extend(attributes({"service.name": "clerk"} if resource is None else resource))
    scoped = part.scope_spans.add()
    scoped.scope.name = "tests"
    scoped.spans.extend(spans)
    return request


def log(**fields: Any) -> LogRecord:
    """A good log record, with fields of it replaced."""
    good: dict[str, Any] = {"time_unix_nano": time.time_ns(), "severity_number": 9, "severity_text": "INFO"}
    pairs, body = fields.pop("attributes", {}), fields.pop("body", "took an order")
    return LogRecord(**good | fields, attributes=attributes(pairs), body=any_value(body))


def logs(records: Iterable[LogRecord], resource: Mapping[str, Any] | None = None) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    part = request.resource_logs.add()
    part.resource.attributes.extend(attributes({"service.name": "clerk"} if resource is None else resource))
    part.scope_logs.add().log_records.extend(records)
    return request


def metrics(points: int) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="depth")
    for number in range(points):
        metric.gauge.data_points.add(as_int=number)
    return request


def as_json(request: Any) -> bytes:
    """OTLP's JSON: protobuf's, but ids in hex and enums as numbers."""
    return json.dumps(_hex_ids(MessageToDict(request, use_integers_for_enums=True))).encode()


def _hex_ids(value: Any) -> Any:
    import base64

    if isinstance(value, list):
        return [_hex_ids(each) for each in value]
    if isinstance(value, dict):
        return {
            key: base64.b64decode(each).hex() if key in IDS else _hex_ids(each) for key, each in value.items()
        }
    return value


def many(count: int, seed: int, agents: int = 15) -> ExportTraceServiceRequest:
    """Spans as a busy agent sends them, about 420 B each, all different, the same for the same seed."""
    chance = random.Random(seed)
    start = _an_hour_ago()
    return traces((_busy(chance, start) for _ in range(count)), _agent(seed % agents))


def handled(count: int, seed: int, agents: int = 15) -> ExportTraceServiceRequest:
    """Spans as one agent's exporter sends them: of each message that it handled its processing, what was done for it,
    and what was sent on. Each span about 420 B, all different, the same for the same seed."""
    chance, start = random.Random(seed), _an_hour_ago()
    made: list[Span] = []
    while len(made) < count:
        made += _handling(chance, start)
    return traces(made[:count], _agent(seed % agents))


def _an_hour_ago() -> int:
    """The beginning of the hour before this one: today, as a rule, so that retention keeps it."""
    return (time.time_ns() // (3600 * SECOND)) * 3600 * SECOND - 3600 * SECOND


def _agent(number: int) -> dict[str, str]:
    return {
        "service.name": f"agent-{number}",
        "service.version": "1.2.0",
        "deployment.environment.name": "default",
    }


def _handling(chance: random.Random, start: int) -> list[Span]:
    """One message: eight spans of one trace, as the model, the tools and the queues of an agent make them."""
    first = _busy(chance, start)
    found = [first]
    for kind in ("model", "tool", "model", "tool", "store", "send", "send"):
        each = _busy(chance, start)
        each.trace_id, each.parent_span_id = first.trace_id, first.span_id
        if kind != "send":
            kept = [pair for pair in each.attributes if not pair.key.startswith("messaging.message.")]
            del each.attributes[:]
            each.attributes.extend(kept)
            each.attributes.extend(attributes({f"agent.{kind}.step": chance.randbytes(40).hex()}))
        found.append(each)
    return found


def _busy(chance: random.Random, start: int) -> Span:
    begin = start + chance.randrange(3600 * SECOND)
    return span(
        trace_id=chance.randbytes(16),
        span_id=chance.randbytes(8),
        parent_span_id=chance.randbytes(8),
        start_time_unix_nano=begin,
        end_time_unix_nano=begin + chance.randrange(SECOND),
        attributes={
            "messaging.system": "redis",
            "messaging.destination.name": f"orders.{chance.randrange(8)}",
            "messaging.operation.type": "process",
            "messaging.message.id": chance.randbytes(16).hex(),
            "messaging.message.conversation_id": chance.randbytes(8).hex(),
            "celery.task_name": "orders.take",
            "gen_ai.usage.input_tokens": chance.randrange(4000),
            "http.response.status_code": 200,
        },
    )
