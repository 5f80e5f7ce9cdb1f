"""OTLP's JSON messages, as far as intake reads them. Any field may be missing or null; unknown ones are passed over."""

from __future__ import annotations

import msgspec

# 64-bit numbers come as text or number, enums as number (by the standard) or name (in the wild).
Number = int | float | str | None


class Json(msgspec.Struct, rename="camel", gc=False):
    """camelCase on the wire; collected by nobody: these trees hold no cycles."""


class AnyValue(Json):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Number = None
    double_value: Number = None
    array_value: Array | None = None
    kvlist_value: Map | None = None
    bytes_value: str | None = None


class Array(Json):
    values: list[AnyValue | None] | None = None


class KeyValue(Json):
    key: str | None = None
    value: AnyValue | None = None


class Map(Json):
    values: list[KeyValue] | None = None


class Resource(Json):
    attributes: list[KeyValue] | None = None


class Scope(Json):
    name: str | None = None


class Event(Json):
    time_unix_nano: Number = None
    name: str | None = None
    attributes: list[KeyValue] | None = None


class Link(Json):
    trace_id: str | None = None
    span_id: str | None = None
    attributes: list[KeyValue] | None = None


class Status(Json):
    message: str | None = None
    code: Number = None


class Span(Json):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    trace_state: str | None = None
    name: str | None = None
    kind: Number = None
    start_time_unix_nano: Number = None
    end_time_unix_nano: Number = None
    attributes: list[KeyValue] | None = None
    events: list[Event] | None = None
    links: list[Link] | None = None
    status: Status | None = None


class Log(Json):
    trace_id: str | None = None
    span_id: str | None = None
    time_unix_nano: Number = None
    observed_time_unix_nano: Number = None
    severity_number: Number = None
    severity_text: str | None = None
    body: AnyValue | None = None
    attributes: list[KeyValue] | None = None
    event_name: str | None = None


class ScopeSpans(Json):
    scope: Scope | None = None
    spans: list[Span] | None = None


class ResourceSpans(Json):
    resource: Resource | None = None
    scope_spans: list[ScopeSpans] | None = None


class TracesRequest(Json):
    resource_spans: list[ResourceSpans] | None = None


class ScopeLogs(Json):
    scope: Scope | None = None
    log_records: list[Log] | None = None


class ResourceLogs(Json):
    resource: Resource | None = None
    scope_logs: list[ScopeLogs] | None = None


class LogsRequest(Json):
    resource_logs: list[ResourceLogs] | None = None


class Points(Json):
    data_points: list[msgspec.Raw] | None = None


class Metric(Json):
    gauge: Points | None = None
    sum: Points | None = None
    histogram: Points | None = None
    exponential_histogram: Points | None = None
    summary: Points | None = None


class ScopeMetrics(Json):
    metrics: list[Metric] | None = None


class ResourceMetrics(Json):
    scope_metrics: list[ScopeMetrics] | None = None


class MetricsRequest(Json):
    resource_metrics: list[ResourceMetrics] | None = None
