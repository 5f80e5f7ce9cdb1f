"""What `postroom+redis://` promises to kombu, within one process. Whole workers are in test_transport_kills.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from kombu import Connection, Consumer, Queue

import postroom.delivery.transport  # noqa: F401  makes the address known
from postroom.delivery.redis import keys
from postroom.delivery.redis.channel import FixedNamesError
from postroom.delivery.telling import telling
from tests.support.library_brokers import QUICK
from tests.support.waiting import until


@pytest.fixture
def ours(redis_url: str) -> Iterator[Connection]:
    with Connection(f"postroom+{redis_url}", transport_options=QUICK) as connection:
        yield connection


@pytest.fixture
def bare(redis_url: str) -> Iterator[Connection]:
    """Celery's own transport on the same Redis."""
    with Connection(f"redis+{redis_url.replace('unix:', 'socket:')}") as connection:
        yield connection


@pytest.fixture
def client(redis_url: str) -> Iterator[Any]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


class Taking:
    """A consumer that keeps what it gets, unacknowledged."""

    def __init__(self, connection: Any, *names: str, prefetch: int = 0, no_ack: bool = False) -> None:
        self.connection = connection
        self.messages: list[Any] = []
        self.channel: Any = self.connection.channel()
        self.channel.basic_qos(0, prefetch, False)
        queues = [Queue(name, routing_key=name) for name in names]
        self.consumer = Consumer(self.channel, queues, on_message=self.messages.append, no_ack=no_ack)
        self.consumer.consume()

    def get(self, number: int = 1, seconds: float = 10) -> list[Any]:
        """The next so many payloads."""
        begin, deadline = len(self.messages), time.monotonic() + seconds
        while len(self.messages) < begin + number and time.monotonic() < deadline:
            self.turn()
        return [message.payload for message in self.messages[begin:]]

    def turn(self, seconds: float = 0.2) -> None:
        try:
            self.connection.drain_events(timeout=seconds)
        except TimeoutError:
            return


def send(connection: Connection, name: str, *bodies: object, **options: Any) -> None:
    for body in bodies:
        connection.Producer().publish(
            body, routing_key=name, declare=[Queue(name, routing_key=name)], **options
        )


def test_a_bare_client_sends__a_message_is_claimed_until_it_is_acknowledged(
    ours: Connection, bare: Connection, client: Any
) -> None:
    send(bare, "a", 1)
    taking = Taking(ours, "a")
    assert taking.get() == [1]
    assert client.hlen(keys.UNACKED) == client.zcard(keys.UNACKED_DUE) == 1
    taking.messages[0].ack()
    assert client.hlen(keys.UNACKED) == client.zcard(keys.UNACKED_DUE) == client.llen("a") == 0


def test_a_bare_consumer_takes_what_we_send_and_what_we_gave_back(ours: Connection, bare: Connection) -> None:
    send(ours, "a", 1)
    taking = Taking(ours, "a")
    taking.get()
    taking.channel.close()
    assert Taking(bare, "a").get() == [1]


def test_higher_priorities_go_first_and_equal_ones_in_turn(ours: Connection, bare: Connection) -> None:
    send(bare, "a", "low 1", "low 2", priority=9)
    send(bare, "a", "high 1", "high 2", priority=0)
    assert Taking(ours, "a").get(4) == ["high 1", "high 2", "low 1", "low 2"]


def test_no_more_is_claimed_than_may_be_open(ours: Connection, client: Any) -> None:
    send(ours, "a", *range(5))
    taking = Taking(ours, "a", prefetch=2)
    assert taking.get(5, seconds=0.5) == [0, 1]
    assert client.hlen(keys.UNACKED) == 2
    taking.messages[0].ack()
    assert taking.get() == [2]


def test_an_idle_consumer_hears_of_a_message_at_once(ours: Connection, bare: Connection) -> None:
    taking = Taking(ours, *(f"queue-{number}" for number in range(50)))
    taking.turn()
    sent: list[float] = []

    def send_one() -> None:
        sent.append(time.monotonic())
        send(bare, "queue-49", 1)

    waits = []
    for _ in range(5):
        threading.Timer(0.1, send_one).start()
        assert taking.get() == [1]
        waits.append(time.monotonic() - sent[-1])
    assert min(waits) < 0.1, "far less than the second after which it would look by itself"


def test_an_idle_consumer_asks_nothing(redis_url: str, client: Any) -> None:
    with Connection(f"postroom+{redis_url}", transport_options={"sweep_seconds": 60}) as quiet:
        taking = Taking(quiet, "a")
        taking.turn()
        before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
        taking.turn(0.5)
        claims = client.info("commandstats")["cmdstat_evalsha"]["calls"] - before
    assert claims <= 2, "one look as the turn begins, and one when a second is over"


def test_a_redis_that_does_not_track_is_looked_at_often(
    ours: Connection, bare: Connection, client: Any
) -> None:
    may = ["+@all", "-client", "+client|id", "+client|setname", "+client|list"]
    client.acl_setuser("default", enabled=True, nopass=True, commands=may, keys=["*"])
    try:
        taking = Taking(ours, "a")
        taking.turn(0)
        assert not taking.channel.inlet.tracks
        threading.Timer(0.1, lambda: send(bare, "a", 1)).start()
        assert taking.get() == [1]
    finally:
        client.acl_setuser("default", enabled=True, nopass=True, commands=["+@all"], keys=["*"])


def test_what_a_message_holds_comes_back_byte_for_byte(ours: Connection, client: Any) -> None:
    send(ours, "a", {"empty": [], "none": None, "large": 2**60}, headers={"list": [], "map": {}})
    before = client.lindex("a", 0)
    taking = Taking(ours, "a")
    taking.get()
    taking.messages[0].reject(requeue=True)
    assert client.lindex("a", 0) == b" " + before
    assert taking.get() == [{"empty": [], "none": None, "large": 2**60}]
    assert taking.messages[1].delivery_info["redelivered"] is True
    assert taking.messages[1].delivery_info["deliveries_before"] == 1


def test_rejected_it_goes_behind_the_others__handed_back_it_stays_ahead(ours: Connection) -> None:
    send(ours, "a", 1, 2, 3)
    taking = Taking(ours, "a", prefetch=2)
    taking.get(2)
    taking.channel.close()
    again = Taking(ours, "a", prefetch=1)
    assert again.get() == [1], "handed back in their order"
    again.messages[0].reject(requeue=True)
    assert [(again.get() and again.messages[-1].ack()) or again.messages[-1].payload for _ in range(3)] == [
        2,
        3,
        1,
    ]


def test_a_cancelled_consumer_keeps_nothing_that_was_not_delivered(ours: Connection, client: Any) -> None:
    send(ours, "a", *range(5))
    taking = Taking(ours, "a")
    taking.get(1)
    taking.consumer.cancel()
    assert client.hlen(keys.UNACKED) == 1
    assert client.llen("a") == 4


def test_without_acknowledgement_a_message_is_gone_when_it_is_delivered(
    ours: Connection, client: Any
) -> None:
    send(ours, "a", 1, 2)
    taking = Taking(ours, "a", no_ack=True)
    assert taking.get(2) == [1, 2]
    assert client.hlen(keys.UNACKED) == 0
    send(ours, "b", 3)
    assert ours.SimpleQueue("b", no_ack=True).get(timeout=5).payload == 3
    assert client.hlen(keys.UNACKED) == 0


def test_a_claim_is_renewed_while_its_process_lives(ours: Connection, client: Any) -> None:
    send(ours, "a", 1)
    taking = Taking(ours, "a")
    taking.get()
    first = client.zscore(keys.UNACKED_DUE, taking.messages[0].delivery_tag)
    until(lambda: client.zscore(keys.UNACKED_DUE, taking.messages[0].delivery_tag) > first, "a renewal", 5)


def test_a_claim_that_ran_out_goes_back_to_the_head_and_its_late_holder_is_refused(
    ours: Connection, redis_url: str, client: Any
) -> None:
    send(ours, "a", 1, 2)
    taking = Taking(ours, "a", prefetch=1)
    taking.get()
    taking.channel.keeper.stop()  # as if its process were stopped
    with Connection(f"postroom+{redis_url}", transport_options=QUICK) as other:
        sweeping = Taking(other, "other")
        until(lambda: client.llen("a") == 2, "the sweep", 10)
        taking.messages[0].ack()
        assert client.llen("a") == 2
        sweeping.channel.close()
        assert Taking(other, "a").get(2) == [1, 2]


def test_one_message_in_two_queues_is_two_deliveries(ours: Connection, client: Any) -> None:
    for name in ("a", "b"):
        Queue(name, exchange="both", routing_key="x")(ours.default_channel).declare()
    ours.Producer().publish(1, exchange="both", routing_key="x")
    taking = Taking(ours, "a", "b")
    assert taking.get(2) == [1, 1]
    taking.messages[0].ack()
    assert client.hlen(keys.UNACKED) == 1


def test_sent_and_told_in_one_step(ours: Connection, bare: Connection, client: Any) -> None:
    with telling(b'{"kind": "sent"}') as told:
        send(ours, "a", 1)
        send(ours, "a", 2)
    assert told
    assert [entry[b"e"] for _, entry in client.xrange(keys.EVENTS)] == [b'{"kind": "sent"}']
    assert client.llen("a") == 2
    with telling(b"{}") as told:
        send(bare, "a", 3)
    assert not told, "another transport leaves it to the caller"


def test_a_message_that_is_none_becomes_a_letter_and_blocks_nobody(ours: Connection, client: Any) -> None:
    client.lpush("a", b"\xff not a message", b"[]")
    send(ours, "a", 1)
    assert Taking(ours, "a").get() == [1]
    assert client.xlen(keys.LETTERS) == 2
    assert client.hlen(keys.UNACKED) == 1


def test_a_connection_that_broke_is_opened_anew(ours: Connection, bare: Connection, client: Any) -> None:
    taking = Taking(ours, "a")
    taking.turn(0)
    client.client_kill_filter(_type="normal", skipme=True)
    client.client_kill_filter(_type="pubsub")
    with pytest.raises(ours.connection_errors):
        taking.turn(5)
    send(bare, "a", 1)
    assert taking.get() == [1]


def test_a_lost_channel_keeps_the_claims_of_what_still_runs_and_of_nothing_else(
    ours: Connection, client: Any
) -> None:
    send(ours, "a", 1, 2)
    taking = Taking(ours, "a", prefetch=2)
    taking.get(2)
    running, tag = taking.messages[0], taking.messages[1].delivery_tag
    ours.collect()
    taking.messages.clear()
    until(
        lambda: not client.hexists(keys.UNACKED, tag) or _expired(client, tag),
        "the other claim to run out",
        10,
    )
    begin = time.monotonic()
    until(lambda: time.monotonic() - begin > 2.2, "longer than a claim holds")
    assert not _expired(client, running.delivery_tag)
    running.ack()
    assert not client.hexists(keys.UNACKED, running.delivery_tag)


def _expired(client: Any, tag: str) -> bool:
    seconds, micros = client.time()
    return bool((client.zscore(keys.UNACKED_DUE, tag) or 0) < seconds + micros / 1e6)


def test_a_prefix_for_keys_is_refused_with_the_remedy(redis_url: str) -> None:
    connection = Connection(f"postroom+{redis_url}", transport_options={"global_keyprefix": "x"})
    with pytest.raises(FixedNamesError, match="a database of its own"):
        connection.channel()
