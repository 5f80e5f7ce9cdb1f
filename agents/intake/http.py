"""OTLP over HTTP, as plain ASGI: a small request pays for nothing that it does not need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from agents.intake import answers, body, unpack
from agents.intake.answers import Codec, Signal
from agents.intake.body import Incoming
from agents.intake.door import Door
from agents.intake.pipeline import Request
from agents.intake.refusals import RefusalError, UnknownTypeError
from core import metrics
from core.access import addresses
from core.access.api import Permission, may

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]

PATHS = {f"/v1/{signal}": signal for signal in Signal}
TYPES = {
    "application/x-protobuf": Codec.PROTOBUF,
    "application/protobuf": Codec.PROTOBUF,
    "application/json": Codec.JSON,
}
PROBLEM = "application/problem+json"
CHALLENGE = (b"www-authenticate", b'Bearer realm="postroom"')


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


async def handle(door: Door, scope: Scope, receive: body.Receive, send: Send) -> None:
    """Answers one request, whatever it is."""
    signal = PATHS.get(scope["path"])
    if signal is not None and scope["method"] == "POST":
        answer = await _signal(door, signal, scope, receive)
    else:
        answer = await _other(door, scope, signal)
    if answer is not None:
        await _send(send, answer)


async def _signal(door: Door, signal: Signal, scope: Scope, receive: body.Receive) -> Answer | None:
    """None: the sender hung up, and there is nobody to answer."""
    headers: Headers = dict(scope["headers"])
    codec, incoming = TYPES.get(_content_type(headers)), Incoming(receive)
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
    metrics.INTAKE_REQUESTS.labels(signal, "http", answer.status).inc()
    return answer


async def _taken(
    door: Door, signal: Signal, codec: Codec, scope: Scope, headers: Headers, incoming: Incoming
) -> bytes:
    """The answer's body, once everything good in the request is committed."""
    encoding = unpack.known(headers.get(b"content-encoding", b"").decode("latin-1"))
    source = addresses.of_scope(scope)
    writer = await door.writer(headers.get(b"authorization", b"").decode("latin-1"), source)
    with door.admission.enter() as place:
        content = await body.read(incoming, _declared(headers), place)
        ready = await door.take(Request(signal, codec, content, writer, encoding))
    return answers.success(signal, codec, ready.rejected, ready.why)


def _content_type(headers: Headers) -> str:
    return headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()


def _declared(headers: Headers) -> int | None:
    declared = headers.get(b"content-length", b"")
    return int(declared) if declared.isdigit() else None


def _refused(codec: Codec | None, refusal: RefusalError) -> Answer:
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if refusal.retry_after is not None:
        headers = ((b"retry-after", str(refusal.retry_after).encode()),)
    if refusal.http == 401:
        headers = (*headers, CHALLENGE)
    if codec is None:
        return _problem(refusal.http, str(refusal), headers)
    return Answer(refusal.http, codec, answers.refusal(codec, refusal), headers)


def _problem(status: int, detail: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    told = {"type": "about:blank", "status": status, "title": TITLES[status], "detail": detail}
    return Answer(status, PROBLEM, msgspec.json.encode(told), headers)


TITLES = {
    404: "Not found",
    405: "Method not allowed",
    415: "Unsupported media type",
    503: "Not ready",
}


async def _other(door: Door, scope: Scope, signal: Signal | None) -> Answer:
    if signal is not None:
        return _problem(405, "OTLP is sent by POST.", ((b"allow", b"POST"),))
    if scope["path"] == "/healthz":
        return Answer(200, "text/plain", b"ok\n")
    if scope["path"] == "/readyz":
        return await _readiness(door, scope)
    return _problem(404, f"Intake takes {', '.join(PATHS)}.")


async def _readiness(door: Door, scope: Scope) -> Answer:
    """The bare status for a stranger, the reason for one with the right to observe."""
    trouble = door.alarm.trouble
    if trouble is None:
        return Answer(200, "text/plain", b"ready\n")
    headers: Headers = dict(scope["headers"])
    try:
        asker = await door.subject(
            headers.get(b"authorization", b"").decode("latin-1"), addresses.of_scope(scope)
        )
    except RefusalError:
        return _problem(503, "Intake cannot commit.")
    return _problem(503, trouble.sentence if may(asker, Permission.OBSERVE) else "Intake cannot commit.")


async def _send(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
