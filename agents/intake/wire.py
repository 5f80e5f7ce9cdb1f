"""OTLP's protobuf messages as intake reads them: the wire format of the standard, with text left as bytes.

The published classes refuse a whole request when one string in it is not UTF-8; a receiver has to refuse only
the span. They also make three Python objects per attribute. Here text is `bytes` and an attribute stays
unparsed until somebody asks for it; both are the same on the wire.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "postroom.intake"
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bytes": _Field.TYPE_BYTES,
    "bool": _Field.TYPE_BOOL,
    "double": _Field.TYPE_DOUBLE,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "uint32": _Field.TYPE_UINT32,
    "fixed32": _Field.TYPE_FIXED32,
    "fixed64": _Field.TYPE_FIXED64,
}

# message → field → (number, type). A star repeats; `bytes` stands for text and for messages read later.
SCHEMA: dict[str, dict[str, tuple[int, str]]] = {
    "TracesRequest": {"resource_spans": (1, "*ResourceSpans")},
    "ResourceSpans": {"resource": (1, "Resource"), "scope_spans": (2, "*ScopeSpans")},
    "ScopeSpans": {"scope": (1, "Scope"), "spans": (2, "*Span")},
    "LogsRequest": {"resource_logs": (1, "*ResourceLogs")},
    "ResourceLogs": {"resource": (1, "Resource"), "scope_logs": (2, "*ScopeLogs")},
    "ScopeLogs": {"scope": (1, "Scope"), "log_records": (2, "*LogRecord")},
    # Metrics are counted and turned away, so nothing below a metric is read.
    "MetricsRequest": {"resource_metrics": (1, "*ResourceMetrics")},
    "ResourceMetrics": {"scope_metrics": (2, "*ScopeMetrics")},
    "ScopeMetrics": {"metrics": (2, "*Metric")},
    "Metric": {
        "gauge": (5, "Points"),
        "sum": (7, "Points"),
        "histogram": (9, "Points"),
        "exponential_histogram": (10, "Points"),
        "summary": (11, "Points"),
    },
    "Points": {"data_points": (1, "*bytes")},
    "Resource": {"attributes": (1, "*bytes")},
    "Scope": {"name": (1, "bytes"), "version": (2, "bytes")},
    "Span": {
        "trace_id": (1, "bytes"),
        "span_id": (2, "bytes"),
        "trace_state": (3, "bytes"),
        "parent_span_id": (4, "bytes"),
        "name": (5, "bytes"),
        "kind": (6, "int32"),
        "start": (7, "fixed64"),
        "end": (8, "fixed64"),
        "attributes": (9, "*bytes"),
        "events": (11, "*Event"),
        "links": (13, "*Link"),
        "status": (15, "Status"),
    },
    "Event": {"time": (1, "fixed64"), "name": (2, "bytes"), "attributes": (3, "*bytes")},
    "Link": {"trace_id": (1, "bytes"), "span_id": (2, "bytes"), "attributes": (4, "*bytes")},
    "Status": {"message": (2, "bytes"), "code": (3, "int32")},
    "LogRecord": {
        "time": (1, "fixed64"),
        "severity_number": (2, "int32"),
        "severity_text": (3, "bytes"),
        "body": (5, "AnyValue"),
        "attributes": (6, "*bytes"),
        "trace_id": (9, "bytes"),
        "span_id": (10, "bytes"),
        "observed": (11, "fixed64"),
        "event_name": (12, "bytes"),
    },
    "KeyValue": {"key": (1, "bytes"), "value": (2, "AnyValue")},
    "AnyValue": {
        "string_value": (1, "bytes"),
        "bool_value": (2, "bool"),
        "int_value": (3, "int64"),
        "double_value": (4, "double"),
        "array_value": (5, "ArrayValue"),
        "kvlist_value": (6, "KeyValueList"),
        "bytes_value": (7, "bytes"),
    },
    "ArrayValue": {"values": (1, "*AnyValue")},
    "KeyValueList": {"values": (1, "*KeyValue")},
    # What intake answers with.
    "ExportResponse": {"partial_success": (1, "PartialSuccess")},
    "PartialSuccess": {"rejected": (1, "int64"), "error_message": (2, "bytes")},
    "RpcStatus": {"code": (1, "int32"), "message": (2, "bytes"), "details": (3, "*Any")},
    "Any": {"type_url": (1, "bytes"), "value": (2, "bytes")},
    "RetryInfo": {"retry_delay": (1, "Duration")},
    "Duration": {"seconds": (1, "int64"), "nanos": (2, "int32")},
}
ONE_OF = "AnyValue"


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="postroom/intake.proto", package=PACKAGE, syntax="proto3")
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        if name == ONE_OF:
            message.oneof_decl.add(name="value")
        for field, (number, kind) in fields.items():
            _add_field(message, field, number, kind)
    return file


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str) -> None:
    label = _Field.LABEL_REPEATED if kind.startswith("*") else _Field.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    if message.name == ONE_OF:
        field.oneof_index = 0
    kind = kind.lstrip("*")
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}"


def _classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file())  # type: ignore[no-untyped-call]
    find = pool.FindMessageTypeByName
    return {name: message_factory.GetMessageClass(find(f"{PACKAGE}.{name}")) for name in SCHEMA}  # type: ignore[no-untyped-call]


# Made at run time, so a type checker knows no field of theirs: only the decoder and the answers touch them.
_made = _classes()
TracesRequest: Any = _made["TracesRequest"]
LogsRequest: Any = _made["LogsRequest"]
MetricsRequest: Any = _made["MetricsRequest"]
KeyValue: Any = _made["KeyValue"]
ExportResponse: Any = _made["ExportResponse"]
RpcStatus: Any = _made["RpcStatus"]
RetryInfo: Any = _made["RetryInfo"]
