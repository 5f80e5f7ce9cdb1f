"""The outbound client against a real server: what it follows, what it refuses, what it puts up with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from core import outbound
from core.outbound import OutboundError, RefusedError
from tests.support.answering import Answering, answering


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as running:
        yield running


@pytest.fixture
def loopback_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only 127.0.0.1 itself: what is beside it stays refused."""
    monkeypatch.setattr(settings, "POSTROOM", replace(settings.POSTROOM, outbound_allow=("127.0.0.1",)))


def test_a_private_address__refused_before_anything_is_sent(server: Answering) -> None:
    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1"):
        with pytest.raises(RefusedError):
            outbound.get(server.url("/", host))
    assert server.asked == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://x", "http://", "http://u:p@127.0.0.1/", "http://[", ""]
)
def test_what_is_no_http_address__refused(url: str) -> None:
    with pytest.raises(RefusedError):
        outbound.get(url)


def test_an_allowed_address__called_under_its_name(server: Answering, loopback_allowed: None) -> None:
    server.says("/healthz?full", b"fine", ETag='"1"')
    reply = outbound.get(server.url("/healthz?full"), headers={"If-None-Match": '"0"'})
    assert (reply.status, reply.body, reply.headers["etag"]) == (200, b"fine", '"1"')
    ((path, asked),) = server.asked
    assert (path, asked["host"], asked["if-none-match"]) == (
        "/healthz?full",
        f"127.0.0.1:{server.port}",
        '"0"',
    )


def test_a_redirect__followed(server: Answering, loopback_allowed: None) -> None:
    server.says("/old", status=302, Location="/new")
    server.says("/new", b"here")
    assert outbound.get(server.url("/old")).body == b"here"


def test_a_redirect_to_a_refused_address__refused(server: Answering, loopback_allowed: None) -> None:
    server.says("/old", status=307, Location=f"http://127.0.0.2:{server.port}/secret")
    with pytest.raises(RefusedError):
        outbound.get(server.url("/old"))
    assert [path for path, _ in server.asked] == ["/old"]


def test_a_redirect_to_a_file__refused(server: Answering, loopback_allowed: None) -> None:
    server.says("/old", status=302, Location="file:///etc/passwd")
    with pytest.raises(RefusedError):
        outbound.get(server.url("/old"))


def test_redirects_in_a_ring__given_up(server: Answering, loopback_allowed: None) -> None:
    server.says("/ring", status=302, Location="/ring")
    with pytest.raises(OutboundError, match="redirects"):
        outbound.get(server.url("/ring"))


def test_more_than_the_limit__given_up(server: Answering, loopback_allowed: None) -> None:
    server.says("/large", b"x" * 2_000)
    with pytest.raises(OutboundError, match="1,000"):
        outbound.get(server.url("/large"), most_bytes=1_000)


def test_an_answer_that_trickles__given_up_in_time(server: Answering, loopback_allowed: None) -> None:
    def trickle(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    server.answers["/slow"] = trickle
    began = time.monotonic()
    with pytest.raises(OutboundError, match="within"):
        outbound.get(server.url("/slow"), seconds=0.5)
    assert time.monotonic() - began < 5


def test_nobody_there__said(loopback_allowed: None) -> None:
    with pytest.raises(OutboundError):
        outbound.get("http://127.0.0.1:1/")
    with pytest.raises(OutboundError, match="no address"):
        outbound.get("http://nowhere.invalid/")
