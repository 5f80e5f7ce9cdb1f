"""The machines' paths through the web port: passed on as they are, bounded, and refused clearly when intake is away."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.passing_on import PATHS, PassingOn, Receive, Scope, Send, onward, refusal
from core.security_headers import SecurityHeaders
from tests.support.waiting import until

LIMIT = 1000
# Answers with what arrived, in JSON.
MIRROR = Path(__file__).parents[1] / "support" / "mirror_server.py"


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server in intake's place that says what it was sent."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(MIRROR), str(port)])
    until(lambda: _listens(port), "the mirror to listen")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


async def behind(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"django"})


def web(intake: str) -> httpx.AsyncClient:
    application: Any = SecurityHeaders(PassingOn(behind, intake, LIMIT))
    transport = httpx.ASGITransport(app=application, client=("192.0.2.7", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://web")


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 100):
        yield b"x" * 100


async def test_other_paths__go_to_django(intake: str) -> None:
    async with web(intake) as client:
        assert (await client.get("/v1/tracesome")).status_code == 418


async def test_machines_path__arrives_with_body_query_and_sender(intake: str) -> None:
    async with web(intake) as client:
        headers = {"Authorization": "Bearer x", "X-Forwarded-For": "203.0.113.9"}
        answer = await client.post("/v1/traces?a=b", content=b"body", headers=headers)
    seen = answer.json()
    assert (seen["path"], seen["body"], seen["authorization"]) == ("/v1/traces?a=b", "body", "Bearer x")
    assert seen["x-forwarded-for"] == "192.0.2.7"


async def test_answers__have_security_headers(intake: str) -> None:
    async with web(intake) as client:
        answer = await client.post("/v1/logs", content=b"")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_body_without_a_length__within_the_limit__accepted(intake: str) -> None:
    async with web(intake) as client:
        assert (await client.post("/v1/traces", content=chunks(LIMIT))).json()["body"] == "x" * LIMIT


@pytest.mark.parametrize("announced", [True, False])
async def test_body__over_the_limit__refused(intake: str, announced: bool) -> None:
    content = b"x" * (LIMIT + 100) if announced else chunks(LIMIT + 100)
    async with web(intake) as client:
        answer = await client.post("/api/v1/events", content=content)
    assert answer.status_code == 413
    assert "1000 bytes" in answer.json()["detail"]


@pytest.mark.parametrize("path", sorted(PATHS))
async def test_intake_away__503_and_when_to_come_again(path: str, tmp_path: Path) -> None:
    async with web(f"unix:{tmp_path}/nobody.sock") as client:
        answer = await client.post(path, content=b"x")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    otlp = path.startswith("/v1/")
    assert answer.headers["content-type"] == (
        "application/x-protobuf" if otlp else "application/problem+json"
    )


def test_refusal__protobuf__is_a_status_that_others_can_read() -> None:
    from google.rpc.status_pb2 import Status

    sentence = "x" * 300
    status = Status.FromString(refusal("/v1/traces", b"application/x-protobuf", 503, sentence)[1])
    assert (status.code, status.message) == (14, sentence)


def test_refusal__json__in_json() -> None:
    content_type, body = refusal("/v1/logs", b"application/json; charset=utf-8", 413, "Too much.")
    assert (content_type, body) == (b"application/json", b'{"code":3,"message":"Too much."}')


def test_headers_of_the_connection__stay_behind() -> None:
    sent = [(b"Connection", b"close"), (b"host", b"h"), (b"content-type", b"a/b")]
    assert onward(sent, "") == [(b"content-type", b"a/b")]
