"""Passes the machines' paths on to intake, so that one address is enough for an agent.

Both directions stream: a body is bounded by its size on the way, not gathered. When intake does not answer, the
sender is told to come again, in the encoding that it speaks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import httpx
import msgspec
import structlog

from core import metrics
from core.access import addresses

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

log = structlog.get_logger(__name__)

PATHS = frozenset({"/v1/traces", "/v1/logs", "/v1/metrics", "/api/v1/heartbeats", "/api/v1/events"})
# These belong to one connection, not to the request (RFC 9110, 7.6.1).
OF_THE_CONNECTION = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer"}
    | {b"transfer-encoding", b"upgrade", b"host", b"expect"}
)
FORWARDED = frozenset(
    {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"forwarded"}
)
TIMEOUT = httpx.Timeout(35.0, connect=2.0, pool=5.0)
CONNECTIONS = httpx.Limits(max_connections=128, max_keepalive_connections=64)
RETRY_AFTER_SECONDS = 1


class TooLargeError(Exception):
    """The body is larger than intake takes. Send smaller batches."""


class GoneError(Exception):
    """The sender hung up in the middle of its body."""


class PassingOn:
    """ASGI: the machines' paths go to intake, everything else to the application behind."""

    def __init__(self, application: Application, intake: str, largest_body: int) -> None:
        self._application = application
        self._largest_body = largest_body
        self._intake = intake
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in PATHS:
            return await self._application(scope, receive, send)
        try:
            status = await self._pass_on(scope, receive, send)
        except TooLargeError as problem:
            status = await refuse(
                scope, send, 413, f"{problem.__doc__} The limit is {self._largest_body} bytes."
            )
        except httpx.HTTPError as problem:
            log.warning("intake does not answer", problem=repr(problem))
            status = await refuse(
                scope, send, 503, "Intake does not answer at the moment. Send it again shortly."
            )
        except GoneError:
            status = 499
        metrics.PASSED_ON.labels(str(status)).inc()
        return None

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> int:
        if _announced(scope["headers"]) > self._largest_body:
            raise TooLargeError
        answering = self._there().stream(
            scope["method"],
            scope["path"],
            params=scope["query_string"].decode("latin-1") or None,
            headers=onward(scope["headers"], addresses.of_scope(scope)),
            content=self._body(receive),
        )
        async with answering as answer:
            headers = [pair for pair in answer.headers.raw if pair[0].lower() not in OF_THE_CONNECTION]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
            async for chunk in answer.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return answer.status_code

    async def _body(self, receive: Receive) -> AsyncIterator[bytes]:
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise GoneError
            size += len(message.get("body", b""))
            if size > self._largest_body:
                raise TooLargeError
            yield message.get("body", b"")
            if not message.get("more_body", False):
                return

    def _there(self) -> httpx.AsyncClient:
        """Made at the first request: the client belongs to the loop that serves."""
        if self._client is None:
            socket = self._intake.removeprefix("unix:") if self._intake.startswith("unix:") else None
            self._client = httpx.AsyncClient(
                base_url="http://intake" if socket else self._intake,
                transport=httpx.AsyncHTTPTransport(uds=socket, limits=CONNECTIONS),
                timeout=TIMEOUT,
                trust_env=False,
            )
        return self._client


async def refuse(scope: Scope, send: Send, status: int, sentence: str) -> int:
    """Say no in the sender's encoding, before anything else was said."""
    content_type, body = refusal(
        scope["path"], dict(scope["headers"]).get(b"content-type", b""), status, sentence
    )
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    if status == httpx.codes.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return status


# ---- Pure from here on -----------------------------------------------------------------------------------------


def onward(headers: Iterable[tuple[bytes, bytes]], client: str) -> Headers:
    """What travels on: the request's own headers, and the sender's address as we know it."""
    kept = [pair for pair in headers if pair[0].lower() not in OF_THE_CONNECTION | FORWARDED]
    return [*kept, (b"x-forwarded-for", client.encode("latin-1"))] if client else kept


def refusal(path: str, content_type: bytes, status: int, sentence: str) -> tuple[bytes, bytes]:
    """OTLP answers with a Status in the encoding of the request, the other paths with a problem document."""
    if not path.startswith("/v1/"):
        problem = {"type": "about:blank", "title": "Not taken", "status": status, "detail": sentence}
        return b"application/problem+json", msgspec.json.encode(problem)
    if content_type.partition(b";")[0].strip() == b"application/json":
        return b"application/json", msgspec.json.encode({"code": _grpc_code(status), "message": sentence})
    return b"application/x-protobuf", _status(_grpc_code(status), sentence)


def _grpc_code(status: int) -> int:
    """UNAVAILABLE asks for a retry, INVALID_ARGUMENT does not."""
    return 14 if status == httpx.codes.SERVICE_UNAVAILABLE else 3


def _status(code: int, sentence: str) -> bytes:
    """google.rpc.Status by hand: two fields need no library, and web needs none of intake's."""
    text = sentence.encode()
    length, size = b"", len(text)
    while size > 0x7F:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return b"\x08" + bytes([code]) + b"\x12" + length + bytes([size]) + text


def _announced(headers: Iterable[tuple[bytes, bytes]]) -> int:
    length = next((value for name, value in headers if name.lower() == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0
