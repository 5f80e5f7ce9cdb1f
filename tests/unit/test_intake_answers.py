"""What intake answers, read back with the published classes."""

from __future__ import annotations

import json

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from agents.intake import answers
from agents.intake.answers import Codec, Signal
from agents.intake.refusals import OverloadedError, RefusalError, TooLargeError, UnavailableError


def test_all_kept_is_an_empty_answer() -> None:
    assert answers.success(Signal.LOGS, Codec.PROTOBUF, 0, "") == b""
    assert answers.success(Signal.LOGS, Codec.JSON, 0, "") == b"{}"


def test_partial_success_names_how_many_and_why() -> None:
    told = ExportLogsServiceResponse.FromString(answers.success(Signal.LOGS, Codec.PROTOBUF, 2, "größer"))
    assert (told.partial_success.rejected_log_records, told.partial_success.error_message) == (2, "größer")
    assert json.loads(answers.success(Signal.LOGS, Codec.JSON, 2, "größer")) == {
        "partialSuccess": {"rejectedLogRecords": "2", "errorMessage": "größer"}
    }


@pytest.mark.parametrize(
    ("refusal", "http", "grpc", "seconds"),
    [(OverloadedError(), 429, 8, 1), (UnavailableError("later"), 503, 14, 5)],
)
def test_what_may_be_sent_again_says_when(refusal: RefusalError, http: int, grpc: int, seconds: int) -> None:
    status = Status.FromString(answers.refusal(Codec.PROTOBUF, refusal))
    info = RetryInfo()
    assert status.details[0].Unpack(info)
    assert (refusal.http, status.code, info.retry_delay.seconds) == (http, grpc, seconds)
    told = json.loads(answers.refusal(Codec.JSON, refusal))
    assert told["details"][0]["retryDelay"] == f"{seconds}s"


def test_what_cannot_help_when_sent_again_says_nothing_of_it() -> None:
    status = Status.FromString(answers.refusal(Codec.PROTOBUF, TooLargeError(1 << 20)))
    assert (status.code, list(status.details)) == (8, [])
    assert "smaller" in status.message
