"""A stream of a broker: what is read and not done comes again, what is done is gone."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid

import pika
import pytest

from core.brokers.api import BrokerError, BrokerUrl
from tests.support import servers
from tests.support.broker_streams import Home
from tests.support.servers import free_port

FEW = [b"one", b"two", b"three"]


@pytest.fixture(params=["redis_server", "vhost"])
def home(request: pytest.FixtureRequest) -> Home:
    return a_home(request.getfixturevalue(request.param))


def a_home(url: str) -> Home:
    return Home(BrokerUrl("main", url), f"postroom.letters.{uuid.uuid4().hex[:8]}")


def bodies(found: object) -> list[bytes]:
    return [each.body for each in found]  # type: ignore[attr-defined]


def test_read__nothing_there__empty_within_its_time(home: Home) -> None:
    with home.open() as stream:
        stream.read(10, 0.05)
        started = time.monotonic()
        assert list(stream.read(10, 0.2)) == []
        assert 0.1 < time.monotonic() - started < 2


def test_read__in_order_and_no_more_than_asked_for(home: Home) -> None:
    home.send(*FEW)
    with home.open() as stream:
        first = stream.read(2, 2)
        assert bodies(first) == FEW[:2]
        assert not any(each.redelivered for each in first)
        stream.done(first)
        assert bodies(stream.read(2, 2)) == FEW[2:]


def test_done__is_gone_for_everybody(home: Home) -> None:
    home.send(*FEW)
    with home.open() as stream:
        stream.done(stream.read(10, 2))
    assert home.left() == 0


def test_not_done__comes_again_marked_before_anything_new(home: Home) -> None:
    home.send(b"old")
    with home.open() as stream:
        assert bodies(stream.read(10, 2)) == [b"old"]
        home.send(b"new")
        again = stream.read(10, 2)
        assert bodies(again) == [b"old"]
        assert again[0].redelivered
        stream.done(again)
        assert bodies(stream.read(10, 2)) == [b"new"]


def test_reader_that_ends__the_next_one_gets_what_it_left(home: Home) -> None:
    home.send(*FEW)
    with home.open() as stream:
        stream.done(stream.read(3, 2)[:1])
    with home.open() as stream:
        found = stream.read(3, 2)
        assert bodies(found) == FEW[1:]
        assert all(each.redelivered for each in found)


def test_bytes__as_they_came(home: Home) -> None:
    every = bytes(range(256)) * 400
    home.send(every)
    with home.open() as stream:
        assert bodies(stream.read(1, 2)) == [every]


def test_wait__ends_with_the_first_to_come(home: Home) -> None:
    with home.open() as stream:
        stream.read(1, 0.05)
        sender = threading.Timer(0.1, home.send, [b"late"])
        sender.start()
        started = time.monotonic()
        assert bodies(stream.read(10, 8)) == [b"late"]
        assert time.monotonic() - started < 5
        sender.join()


def test_encoded_text__not_decoded(vhost: str) -> None:
    home = a_home(vhost)
    home.send(b"\xff\xfe", content_encoding="utf-8", application_headers={"x": [1, "two"]})
    with home.open() as stream:
        (found,) = stream.read(1, 2)
    assert found.body == b"\xff\xfe"
    assert found.headers == {"x": [1, "two"]}
    assert found.properties["content_encoding"] == "utf-8"


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_broker_away__said_without_its_password(scheme: str) -> None:
    broker = BrokerUrl("main", f"{scheme}://u:sesame@127.0.0.1:{free_port()}/0")
    with Home(broker).open() as stream, pytest.raises(BrokerError, match="cannot reach main") as caught:
        stream.read(1, 0.1)
    assert "sesame" not in str(caught.value)


def test_broker_goes__said_at_the_next_read() -> None:
    with servers.redis_server() as url:
        stream = a_home(url).open()
        assert list(stream.read(1, 0.05)) == []
    with pytest.raises(BrokerError, match="cannot reach main"):
        stream.read(1, 0.1)


def test_a_property_that_is_no_utf8__is_read_and_holds_nothing_up(vhost: str) -> None:
    home = a_home(vhost)
    with home.open() as stream:
        stream.read(1, 0.05)
        odd = pika.BasicProperties(
            message_id=b"m\xff1",
            content_type="text/plain",
            headers={"ä": 1},
            priority=3,
            timestamp=1_700_000_000,
        )
        with contextlib.closing(pika.BlockingConnection(pika.URLParameters(vhost))) as connection:
            connection.channel().basic_publish("", home.name, b"odd", odd)
        home.send(b"plain")
        found = stream.read(1, 2)
        assert bodies(found) == [b"odd"]
        assert found[0].properties["message_id"] == "m\\xff1"
        assert (found[0].properties["content_type"], found[0].properties["priority"]) == ("text/plain", 3)
        assert found[0].headers == {"ä": 1}
        stream.done(found)
        assert bodies(stream.read(1, 2)) == [b"plain"]
