"""What every path of intake's HTTP door shares: an answer, a problem document, the way a body is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from agents.intake.refusals import RefusalError

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]
HeaderLines = tuple[tuple[bytes, bytes], ...]

PROBLEM = "application/problem+json"
CHALLENGE = (b"www-authenticate", b'Bearer realm="postroom"')
TITLES = {
    400: "Request not valid",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    413: "Too large",
    415: "Unsupported media type",
    429: "Too many requests",
    503: "Not ready",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    content_type: str
    body: bytes
    headers: HeaderLines = ()


def problem(status: int, detail: str, headers: HeaderLines = (), **more: Any) -> Answer:
    told = {"type": "about:blank", "status": status, "title": TITLES[status], "detail": detail} | more
    return Answer(status, PROBLEM, msgspec.json.encode(told), headers)


def refusal_headers(refusal: RefusalError) -> HeaderLines:
    """When to come again, and how to prove who one is."""
    headers: HeaderLines = ()
    if refusal.retry_after is not None:
        headers = ((b"retry-after", str(refusal.retry_after).encode()),)
    return (*headers, CHALLENGE) if refusal.http == 401 else headers


def content_type(headers: Mapping[bytes, bytes]) -> str:
    return _media_type(headers.get(b"content-type", b""))


@lru_cache(maxsize=64)
def _media_type(header: bytes) -> str:
    return header.decode("latin-1").partition(";")[0].strip().lower()


def declared_length(headers: Mapping[bytes, bytes]) -> int | None:
    declared = headers.get(b"content-length", b"")
    return int(declared) if declared.isdigit() else None


def authorization(headers: Mapping[bytes, bytes]) -> str:
    return headers.get(b"authorization", b"").decode("latin-1")


def encoding(headers: Mapping[bytes, bytes]) -> str:
    return headers.get(b"content-encoding", b"").decode("latin-1")


async def send_answer(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
