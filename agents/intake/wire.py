"""OTLP's protobuf messages as intake reads them: the wire format of the standard, with text and every message
within a list left as bytes. On the wire that is the same.

The published classes refuse a whole request when one string in it is not UTF-8, and they unfold all of it at
once: two bytes on the wire, an empty span, become a hundred in memory. A receiver has to refuse only the span,
and to count before it unfolds. Left as bytes, each level is counted first and read piece by piece.
"""

from __future__ import annotations

from collections.abc import Callable
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

# message → field → (number, type). A star repeats; `bytes` stands for text and for what is read later.
SCHEMA: dict[str, dict[str, tuple[int, str]]] = {
    # Traces, logs and metrics have one frame: requests hold parts of a resource, these hold parts of a scope.
    "Request": {"parts": (1, "*bytes")},
    "ResourcePart": {"resource": (1, "*bytes"), "scoped": (2, "*bytes")},
    "ScopePart": {"scope": (1, "Scope"), "items": (2, "*bytes")},
    "Resource": {"attributes": (1, "*bytes")},
    "Scope": {"name": (1, "bytes")},
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
        "events": (11, "*bytes"),
        "links": (13, "*bytes"),
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
    # Metrics are counted and turned away, so nothing below a metric is read.
    "Metric": {
        "gauge": (5, "Points"),
        "sum": (7, "Points"),
        "histogram": (9, "Points"),
        "exponential_histogram": (10, "Points"),
        "summary": (11, "Points"),
    },
    "Points": {"data_points": (1, "*bytes")},
    "KeyValue": {"key": (1, "bytes"), "value": (2, "AnyValue")},
    "AnyValue": {
        "string_value": (1, "bytes"),
        "bool_value": (2, "bool"),
        "int_value": (3, "int64"),
        "double_value": (4, "double"),
        "array_value": (5, "bytes"),
        "kvlist_value": (6, "bytes"),
        "bytes_value": (7, "bytes"),
    },
    "ArrayValue": {"values": (1, "*bytes")},
    "KeyValueList": {"values": (1, "*bytes")},
    # What intake answers with.
    "ExportResponse": {"partial_success": (1, "PartialSuccess")},
    "PartialSuccess": {"rejected": (1, "int64"), "error_message": (2, "bytes")},
    "RpcStatus": {"code": (1, "int32"), "message": (2, "bytes"), "details": (3, "*bytes")},
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
    pool.Add(_file())
    find = pool.FindMessageTypeByName
    return {name: message_factory.GetMessageClass(find(f"{PACKAGE}.{name}")) for name in SCHEMA}


# Made at run time, so a type checker knows no field of theirs: only the decoder and the answers touch them.
_made = _classes()


def read(name: str) -> Callable[[bytes], Any]:
    """The function that reads a message of that name. It raises DecodeError."""
    parse: Callable[[bytes], Any] = _made[name].FromString
    return parse


def new(name: str, **fields: Any) -> Any:
    """A message of that name, to be answered with."""
    return _made[name](**fields)
