"""What intake answers, in the encoding that it was asked in: protobuf or JSON. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from agents.intake import wire
from agents.intake.refusals import RefusalError

OK, INVALID_ARGUMENT = 0, 3
RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


class Codec(StrEnum):
    """How a request is written; the answer is written the same way."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


class Signal(StrEnum):
    """What a request carries. The value is the last part of its path."""

    TRACES = "traces"
    LOGS = "logs"
    METRICS = "metrics"


# How the answer names what was turned away.
REJECTED = {
    Signal.TRACES: "rejectedSpans",
    Signal.LOGS: "rejectedLogRecords",
    Signal.METRICS: "rejectedDataPoints",
}


def success(signal: Signal, codec: Codec, rejected: int, why: str) -> bytes:
    """A 200's body: empty when all was kept, else how many were not and why."""
    if codec is Codec.JSON:
        told: dict[str, Any] = {REJECTED[signal]: str(rejected), "errorMessage": why}
        return msgspec.json.encode({"partialSuccess": told} if rejected or why else {})
    if not (rejected or why):
        return b""
    answer = wire.new("ExportResponse")
    answer.partial_success.rejected = rejected
    answer.partial_success.error_message = why.encode()
    return bytes(answer.SerializeToString())


def refusal(codec: Codec, why: RefusalError) -> bytes:
    """A google.rpc.Status, with RetryInfo when the same request may be sent again."""
    if codec is Codec.JSON:
        return msgspec.json.encode(_status_json(why))
    details = [] if why.retry_after is None else [_retry_info(why.retry_after)]
    status = wire.new("RpcStatus", code=why.grpc, message=str(why).encode(), details=details)
    return bytes(status.SerializeToString())


def _retry_info(seconds: int) -> bytes:
    info = wire.new("RetryInfo")
    info.retry_delay.seconds = seconds
    packed = wire.new("Any", type_url=RETRY_INFO.encode(), value=info.SerializeToString())
    return bytes(packed.SerializeToString())


def _status_json(why: RefusalError) -> dict[str, Any]:
    status: dict[str, Any] = {"code": why.grpc, "message": str(why)}
    if why.retry_after is not None:
        status["details"] = [{"@type": RETRY_INFO, "retryDelay": f"{why.retry_after}s"}]
    return status
