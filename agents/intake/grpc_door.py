"""OTLP over gRPC: the same services, named as the standard names them, on bytes that intake decodes itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import structlog

from agents.intake import answers, limits
from agents.intake.admission import Admission
from agents.intake.answers import Codec, Signal
from agents.intake.door import Door
from agents.intake.pipeline import Request
from agents.intake.refusals import RefusalError
from core import metrics
from core.env import HostPort

log = structlog.get_logger(__name__)

SERVICES = {
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.TraceService",
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.LogsService",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.MetricsService",
}
DETAILS = "grpc-status-details-bin"
STATUSES: dict[int, Any] = {code.value[0]: code for code in grpc.StatusCode}
Method = Callable[[bytes, Any], Awaitable[bytes]]


async def serve(door: Door, bind: HostPort) -> Any:
    """A server that listens. Raises RuntimeError when the address is taken."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", limits.MAX_GRPC_BYTES),
            ("grpc.so_reuseport", 0),
        ],
        # The last resort: gRPC itself refuses without saying when to come again, and some senders then give up.
        maximum_concurrent_rpcs=limits.MAX_GRPC_CALLS * 4,
    )
    calls = Admission(max_requests=limits.MAX_GRPC_CALLS)
    for signal, service in SERVICES.items():
        handler = grpc.unary_unary_rpc_method_handler(_method(door, signal, calls))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
    server.add_insecure_port(str(bind))
    await server.start()
    log.info("OTLP/gRPC listens", address=str(bind))
    return server


def _method(door: Door, signal: Signal, calls: Admission) -> Method:
    async def export(sent: bytes, context: Any) -> bytes:
        try:
            with calls.enter():
                told = await _taken(door, signal, sent, context)
        except RefusalError as refusal:
            await _refuse(context, signal, refusal)
            raise  # never reached: the refusal has ended the call
        metrics.INTAKE_REQUESTS.labels(signal, "grpc", "OK").inc()
        return told

    return export


async def _taken(door: Door, signal: Signal, sent: bytes, context: Any) -> bytes:
    proof = {key: value for key, value in context.invocation_metadata() or () if key == "authorization"}
    writer = await door.writer(str(proof.get("authorization", "")), _source(context.peer()))
    with door.admission.enter() as place:
        place.take(len(sent))
        ready = await door.take(Request(signal, Codec.PROTOBUF, sent, writer))
    return answers.success(signal, Codec.PROTOBUF, ready.rejected, ready.why)


async def _refuse(context: Any, signal: Signal, refusal: RefusalError) -> None:
    status = STATUSES[refusal.grpc]
    metrics.INTAKE_REQUESTS.labels(signal, "grpc", status.name).inc()
    trailing = ((DETAILS, answers.refusal(Codec.PROTOBUF, refusal)),)
    await context.abort(status, str(refusal), trailing)


def _source(peer: str) -> str:
    """ipv4:127.0.0.1:5000 → 127.0.0.1, as gRPC writes it."""
    kind, _, rest = peer.partition(":")
    return rest.rpartition(":")[0].strip("[]") if kind in {"ipv4", "ipv6"} else peer
