"""OTLP over HTTP, as plain ASGI: a small request pays for nothing that it does not need."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter

from agents.intake import answers, body, http_events, http_heartbeats, http_items, unpack
from agents.intake.answers import Codec, Signal
from agents.intake.body import Incoming
from agents.intake.door import Door
from agents.intake.http_parts import (
    Answer,
    Headers,
    Scope,
    Send,
    authorization,
    content_type,
    declared_length,
    encoding,
    problem,
    refusal_headers,
    send_answer,
)
from agents.intake.pipeline import Request
from agents.intake.refusals import RefusalError, UnknownTypeError
from core import metrics
from core.access import addresses
from core.access.api import Permission, may

PATHS = {f"/v1/{signal}": signal for signal in Signal}
ITEM_PATHS = (http_heartbeats.PATH, http_events.PATH)
TYPES = {
    "application/x-protobuf": Codec.PROTOBUF,
    "application/protobuf": Codec.PROTOBUF,
    "application/json": Codec.JSON,
}


async def handle(door: Door, scope: Scope, receive: body.Receive, send: Send) -> None:
    """Answers one request, whatever it is."""
    signal = PATHS.get(scope["path"])
    if scope["method"] == "POST" and signal is not None:
        answer = await _signal(door, signal, scope, receive)
    elif scope["method"] == "POST" and scope["path"] == http_heartbeats.PATH:
        answer = await http_items.answer(door, http_heartbeats.ITEMS, door.heartbeats, scope, receive)
    elif scope["method"] == "POST" and scope["path"] == http_events.PATH:
        answer = await http_items.answer(door, http_events.ITEMS, door.events, scope, receive)
    else:
        answer = await _other(door, scope)
    if answer is not None:
        await send_answer(send, answer)


async def _signal(door: Door, signal: Signal, scope: Scope, receive: body.Receive) -> Answer | None:
    """None: the sender hung up, and there is nobody to answer."""
    headers: Headers = dict(scope["headers"])
    codec, incoming = TYPES.get(content_type(headers)), Incoming(receive)
    try:
        if codec is None:
            raise UnknownTypeError(f"Send one of {', '.join(TYPES)}.")
        told = await _taken(door, signal, codec, scope, headers, incoming)
        answer = Answer(200, codec, told)
    except body.SenderLeftError:
        return None
    except RefusalError as refusal:
        await incoming.drain()
        answer = _refused(codec, refusal)
    _counter(signal, answer.status).inc()
    return answer


@cache
def _counter(signal: Signal, status: int) -> Counter:
    """Looked up once: the labels cost more than the count."""
    return metrics.INTAKE_REQUESTS.labels(signal, "http", status)


async def _taken(
    door: Door, signal: Signal, codec: Codec, scope: Scope, headers: Headers, incoming: Incoming
) -> bytes:
    """The answer's body, once everything good in the request is committed."""
    packed = unpack.known(encoding(headers))
    writer = await door.writer(authorization(headers), addresses.of_scope(scope))
    with door.admission.enter() as place:
        content = await body.read(incoming, declared_length(headers), place)
        ready = await door.take(Request(signal, codec, content, writer, packed))
    return answers.success(signal, codec, ready.rejected, ready.why)


def _refused(codec: Codec | None, refusal: RefusalError) -> Answer:
    headers = refusal_headers(refusal)
    if codec is None:
        return problem(refusal.http, str(refusal), headers)
    return Answer(refusal.http, codec, answers.refusal(codec, refusal), headers)


async def _other(door: Door, scope: Scope) -> Answer:
    if scope["path"] in (*PATHS, *ITEM_PATHS):
        return problem(405, "What agents tell is sent by POST.", ((b"allow", b"POST"),))
    if scope["path"] == "/healthz":
        return Answer(200, "text/plain", b"ok\n")
    if scope["path"] == "/readyz":
        return await _readiness(door, scope)
    return problem(404, f"Intake takes {', '.join([*PATHS, *ITEM_PATHS])}.")


async def _readiness(door: Door, scope: Scope) -> Answer:
    """The bare status for a stranger, the reason for one with the right to observe."""
    trouble = door.trouble
    if trouble is None:
        return Answer(200, "text/plain", b"ready\n")
    headers: Headers = dict(scope["headers"])
    try:
        asker = await door.subject(authorization(headers), addresses.of_scope(scope))
    except RefusalError:
        return problem(503, "Intake cannot commit.")
    return problem(503, trouble.sentence if may(asker, Permission.OBSERVE) else "Intake cannot commit.")
