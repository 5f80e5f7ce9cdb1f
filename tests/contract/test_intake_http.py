"""OTLP over HTTP, by the rules of the protocol, against a real intake process."""

from __future__ import annotations

import gzip
import http.client
import json
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agents.intake import limits
from tests.support import otlp
from tests.support.intake_house import Intake, IntakeHouse

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> IntakeHouse:
    return IntakeHouse(tmp_path_factory.mktemp("intake") / "data", redis_server)


@pytest.fixture(scope="module")
def intake(house: IntakeHouse) -> Iterator[Intake]:
    with house.intake() as running:
        yield running


@pytest.fixture(scope="module")
def client(house: IntakeHouse, intake: Intake) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=intake.url, headers=house.authorization, timeout=30) as client:
        yield client


def one(number: int) -> Any:
    return otlp.many(1, 1000 + number)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("identity", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress)],
)
def test_protobuf_in_each_encoding__accepted(client: httpx.Client, encoding: str, pack: Any) -> None:
    content = pack(one(1).SerializeToString())
    answer = client.post("/v1/traces", content=content, headers=PROTOBUF | {"content-encoding": encoding})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-protobuf")
    assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json__accepted(client: httpx.Client, kind: str) -> None:
    answer = client.post("/v1/traces", content=otlp.as_json(one(2)), headers={"content-type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {}


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
@pytest.mark.parametrize(("headers", "empty", "answer"), [(PROTOBUF, b"", b""), (JSON, b"{}", b"{}")])
def test_an_empty_request__accepted(
    client: httpx.Client, signal: str, headers: dict[str, str], empty: bytes, answer: bytes
) -> None:
    found = client.post(f"/v1/{signal}", content=empty, headers=headers)
    assert (found.status_code, found.content) == (200, answer)


def test_a_packed_body_without_a_length__accepted(house: IntakeHouse, intake: Intake) -> None:
    packed = gzip.compress(otlp.as_json(otlp.many(100, 5)))
    connection = http.client.HTTPConnection("127.0.0.1", intake.port, timeout=30)
    pieces = (packed[at : at + 700] for at in range(0, len(packed), 700))
    headers = house.authorization | JSON | {"content-encoding": "gzip"}
    connection.request("POST", "/v1/traces", pieces, headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()


def test_bad_spans_are_rejected_and_good_ones_kept(client: httpx.Client, house: IntakeHouse) -> None:
    good = otlp.span(trace_id=b"partial-success!", span_id=b"is-kept!")
    request = otlp.traces([good, otlp.span(trace_id=bytes(16))])
    answer = client.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)
    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, told.rejected_spans) == (200, 1)
    assert "trace id" in told.error_message
    assert house.stored()[f"{good.trace_id.hex()}/{good.span_id.hex()}"] == 1


def test_partial_success_in_json(client: httpx.Client) -> None:
    answer = client.post(
        "/v1/traces", content=otlp.as_json(otlp.traces([otlp.span(span_id=b"")])), headers=JSON
    )
    told = answer.json()["partialSuccess"]
    assert (answer.status_code, told["rejectedSpans"]) == (200, "1")
    assert "span id" in told["errorMessage"]


def test_metrics_are_turned_away_by_the_protocol(client: httpx.Client) -> None:
    answer = client.post("/v1/metrics", content=otlp.as_json(otlp.metrics(4)), headers=JSON)
    told = answer.json()["partialSuccess"]
    assert (answer.status_code, told["rejectedDataPoints"]) == (200, "4")
    assert "Prometheus" in told["errorMessage"]


def test_a_repeated_request_is_counted_once(client: httpx.Client, house: IntakeHouse) -> None:
    spans, lines = (
        otlp.many(20, 7),
        otlp.logs([otlp.log(body="repeated once"), otlp.log(body="repeated once")]),
    )
    for _ in range(3):
        # gzip writes the time into its header: the retries differ, and what is in them does not.
        for path, request in (("/v1/traces", spans), ("/v1/logs", lines)):
            content = gzip.compress(request.SerializeToString())
            headers = PROTOBUF | {"content-encoding": "gzip"}
            assert client.post(path, content=content, headers=headers).status_code == 200
    sent = {f"{s.trace_id.hex()}/{s.span_id.hex()}" for s in spans.resource_spans[0].scope_spans[0].spans}
    stored = house.stored()
    assert [stored[each] for each in sent] == [1] * 20
    assert house.stored_logs().count("repeated once") == 2


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        (PROTOBUF, b"\xff\xff\xff", 400),
        (JSON, b"{", 400),
        (JSON, b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":1}]}]}]}', 400),
        (PROTOBUF | {"content-encoding": "gzip"}, b"not packed", 400),
        (PROTOBUF | {"content-encoding": "br"}, b"", 415),
        (PROTOBUF, bytes(limits.MAX_SENT_BYTES + 1), 413),
        (PROTOBUF | {"content-encoding": "gzip"}, gzip.compress(bytes(limits.MAX_BODY_BYTES + 1)), 413),
    ],
)
def test_a_body_that_cannot_be_taken__refused(
    client: httpx.Client, headers: dict[str, str], content: bytes, status: int
) -> None:
    answer = client.post("/v1/traces", content=content, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, headers["content-type"])
    assert answer.content
    if headers is JSON:
        assert set(answer.json()) == {"code", "message"}


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_an_unknown_content_type__refused(client: httpx.Client, kind: str) -> None:
    answer = client.post("/v1/traces", content=b"x", headers={"content-type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/traces", 405), ("POST", "/v1/spans", 404), ("GET", "/", 404)]
)
def test_other_paths_and_methods__refused(client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, json.loads(answer.content)["status"]) == (status, status)


@pytest.mark.parametrize("proof", ["", "Bearer prm_wrong", "Basic abc", "Bearer"])
def test_without_a_valid_proof__refused(intake: Intake, proof: str) -> None:
    headers = JSON | ({"authorization": proof} if proof else {})
    answer = httpx.post(f"{intake.url}/v1/traces", content=otlp.as_json(one(3)), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, 16)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_without_the_right_to_write__refused(house: IntakeHouse, intake: Intake) -> None:
    headers = JSON | {"authorization": f"Bearer {house.make_token('watcher', 'viewer')}"}
    answer = httpx.post(f"{intake.url}/v1/traces", content=otlp.as_json(one(4)), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, 7)


def test_health_and_readiness_are_open(intake: Intake) -> None:
    assert httpx.get(f"{intake.url}/healthz").status_code == 200
    assert httpx.get(f"{intake.url}/readyz").status_code == 200
