"""The parts of delivery that decide without a broker."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu import Connection

import postroom.delivery.transport
from postroom.delivery import telling
from postroom.delivery.api import Retry, Settlement, UnansweredError
from postroom.delivery.message import body_of, whole
from postroom.delivery.rabbitmq import queues
from postroom.delivery.rabbitmq.settler import RabbitSettler
from postroom.delivery.received import deliveries_before, delivery_of
from postroom.delivery.redis import address
from postroom.delivery.redis.inlet import Claimed
from postroom.delivery.redis.payload import NoMessageError, as_payload
from postroom.idempotency.api import Handled


@given(st.floats(min_value=0, max_value=10**9))
def test_a_delay_queue_holds_a_message_for_no_less_than_asked_and_no_more_than_twice(after: float) -> None:
    seconds = queues.bucket(after)
    assert seconds & (seconds - 1) == 0, "a power of two"
    assert seconds == queues.LONGEST_DELAY or after <= seconds <= max(2 * after, 1)


def test_a_delay_queue_moves_on_at_least_once() -> None:
    declared = queues.delay(45, "extract")
    assert declared.name == "postroom.delay.64.extract"
    assert declared.arguments["x-dead-letter-strategy"] == "at-least-once"
    assert declared.arguments["x-overflow"] == "reject-publish"
    assert queues.expiration(45) == "45000"


class OneSilent:
    """A publisher to a broker where one queue takes messages and never confirms them."""

    def __init__(self, silent: str) -> None:
        self.silent, self.tried = silent, list[str]()

    def publish(self, queue: queues.Declared, body: bytes, **properties: Any) -> None:
        self.tried.append(queue.name)
        if queue.name == self.silent:
            raise UnansweredError
        assert properties["expiration"] == "1500"


def test_a_retry_passes_by_a_delay_queue_that_never_confirms__and_carries_its_own_time() -> None:
    settler, publisher = RabbitSettler("amqp://nowhere"), OneSilent("postroom.delay.2.a")
    settler._publisher = publisher  # type: ignore[assignment]
    delivery = delivery_of("m", {}, {"routing_key": "a"})
    for _ in range(2):
        settler.settle(delivery, Settlement(retry=Retry(1.5, whole(b"m", headers={}, properties={}))))
    # Asked once, and then left alone for a while.
    assert publisher.tried == ["postroom.delay.2.a", "postroom.delay.4.a", "postroom.delay.4.a"]


@given(st.binary())
def test_a_body_comes_back_byte_for_byte(body: bytes) -> None:
    assert body_of(whole(body, headers={}, properties={})) == body


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("postroom+redis://:p@host:1/2", "redis://:p@host:1/2"),
        ("postroom+rediss://host", "rediss://host"),
        ("postroom+socket:///tmp/r.sock?virtual_host=3", "unix:///tmp/r.sock?db=3"),
        ("unix:///tmp/r.sock", "unix:///tmp/r.sock"),
    ],
)
def test_an_address_is_understood_with_and_without_the_prefix(url: str, plain: str) -> None:
    assert address.plain(url) == plain


def test_kombu_sees_the_parts_of_the_address() -> None:
    target = _target("postroom+rediss://user:p%40ss@host:7000/4?ssl_ca_certs=/ca.pem")
    assert (target.hostname, target.port, target.userid, target.password) == ("host", 7000, "user", "p@ss")
    assert target.virtual_host == "4"
    assert target.ssl["ssl_ca_certs"] == "/ca.pem"
    assert target.ssl["ssl_cert_reqs"].name == "CERT_REQUIRED", "certificates are checked"


def test_a_unix_socket_may_name_its_database() -> None:
    target = _target("postroom+unix:///tmp/r.sock?db=5")
    assert (target.hostname, target.virtual_host) == ("socket:///tmp/r.sock", "5")


def test_the_second_of_several_addresses_is_ours_too() -> None:
    connection = Connection("postroom+redis://one:1;postroom+redis://two:2")
    connection.maybe_switch_next()
    assert connection.get_transport_cls() is postroom.delivery.transport.Transport
    assert (connection.hostname, connection.port) == ("two", 2)


def _target(url: str) -> Any:
    return address.Target(Connection(url))


def test_spaces_in_front_say_how_often_a_message_was_delivered() -> None:
    payload = as_payload(Claimed("tag", "a", b'   {"body": "x", "properties": {}}'))
    assert payload["properties"]["delivery_tag"] == "tag"
    assert deliveries_before(payload["properties"], {}) == 3
    assert "redelivered" not in as_payload(Claimed("tag", "a", b'{"body": "x"}')).get("headers", {})


@pytest.mark.parametrize("message", [b"\xff", b"{", b"[]", b"{}", b"1"])
def test_what_is_no_message_is_named(message: bytes) -> None:
    with pytest.raises(NoMessageError):
        as_payload(Claimed("tag", "a", message))


def test_the_delivery_behind_a_task_is_read_off_its_request() -> None:
    ours = delivery_of("m", {"delivery_tag": "t", "delivery_info": {"queue": "a"}}, {"routing_key": "other"})
    assert (ours.queue, ours.tag, ours.claim, ours.redelivered) == ("a", "t", "t", False)
    on_rabbitmq = delivery_of("m", {}, {"routing_key": "b", "redelivered": True})
    assert (on_rabbitmq.queue, on_rabbitmq.tag, on_rabbitmq.redelivered) == ("b", "", True)


def test_events_are_told_once_and_only_within_their_block() -> None:
    with telling.telling(b"1") as told:
        assert telling.pending() is told
        told.done()
        assert telling.pending() is None
    assert telling.pending() is None


def test_room_is_what_may_be_open_less_what_waits() -> None:
    from postroom.delivery.redis.qos import QoS

    qos = QoS(SimpleNamespace(plain=SimpleNamespace(register_script=lambda script: None), do_restore=False))
    assert qos.room(0) == 10
    qos.prefetch_count = 4
    assert (qos.room(0), qos.room(3), qos.room(9)) == (4, 1, 0)
    qos.can_consume = lambda: True  # Celery's worker_disable_prefetch
    assert (qos.room(0), qos.room(1)) == (1, 0)


def test_the_guides_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = Path(__file__).resolve().parents[2] / "docs" / "guides" / "delivery.md"
    example = guide.read_text().partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    exec(example, found)  # noqa: S102  our own page
    assert found["store"].begin("orders:0192", lease=60) == Handled(b"booked")
