"""A publisher of a broker: what it confirms is on the queue as it was, and a redrive is there once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, cast

import amqp
import kombu
import pytest
import redis
from msgspec.structs import replace

from core import redis_url
from core.brokers import api
from core.brokers.api import BrokerError, BrokerUrl, Post, Sent
from core.brokers.rabbitmq import connected
from tests.support.servers import free_port
from tests.support.waiting import until

BODY = b'[[7], {}, {"callbacks": null}]'


@dataclass(frozen=True, slots=True)
class Home:
    """A broker and a queue, as an outsider sees them: through kombu."""

    broker: BrokerUrl
    queue: str

    def post(self, number: int = 1, **changes: Any) -> Post:
        letter = changes.pop("letter_key", str(uuid.uuid4()))
        headers = {"task": "book", "id": "m-1", "postroom-redrive-id": f"{letter}:{number}"}
        given = Post(letter, number, self.queue, BODY, headers, content_type="application/json")
        return replace(given, **changes)

    def taken(self) -> list[kombu.Message]:
        """All that is on the queue, as a consumer gets it."""
        found = []
        with (
            kombu.Connection(redis_url.for_celery(self.broker.url)) as connection,
            connection.channel() as channel,
        ):
            bound = kombu.Queue(self.queue, channel=channel, queue_arguments={"x-queue-type": "quorum"})
            bound.declare()
            while message := bound.get(no_ack=True):
                found.append(message)
        return found


@pytest.fixture(params=["redis_server", "vhost"])
def home(request: pytest.FixtureRequest) -> Home:
    return made(request.getfixturevalue(request.param))


@pytest.fixture
def on_rabbitmq(vhost: str) -> Home:
    return made(vhost)


@pytest.fixture
def on_redis(redis_server: str) -> Home:
    return made(redis_server)


def made(url: str) -> Home:
    home = Home(BrokerUrl("main", url), f"orders-{uuid.uuid4().hex[:8]}")
    home.taken()
    return home


def raw(message: kombu.Message) -> bytes:
    """kombu says that it is text; it is what came."""
    return cast("bytes", message.body)


def published(home: Home, *posts: Post) -> list[Sent]:
    with api.publisher(home.broker) as publisher:
        return list(publisher.publish(posts))


def test_nothing__nothing(home: Home) -> None:
    assert published(home) == []


def test_confirmed__on_the_queue_byte_for_byte(home: Home) -> None:
    body = bytes(range(256))
    properties = {"correlation_id": "c-1", "reply_to": "answers", "priority": 0}
    post = home.post(
        body=body, properties=properties, content_type="application/x-bytes", content_encoding="binary"
    )
    assert published(home, post) == [Sent.CONFIRMED]
    (message,) = home.taken()
    assert raw(message) == body
    counted = {name: value for name, value in message.headers.items() if name != "x-delivery-count"}
    assert counted == post.headers
    assert (message.content_type, message.content_encoding) == ("application/x-bytes", "binary")
    assert message.properties["correlation_id"] == "c-1"
    assert message.properties["reply_to"] == "answers"


def test_many__each_once_and_in_order(home: Home) -> None:
    posts = [home.post(body=str(number).encode()) for number in range(450)]
    assert set(published(home, *posts)) == {Sent.CONFIRMED}
    assert [raw(message) for message in home.taken()] == [post.body for post in posts]


def test_delayed__there_when_its_time_is_over(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert published(home, home.post(delay=0.5)) == [Sent.CONFIRMED]
    assert home.taken() == []
    swept = sweeping(home)
    until(lambda: swept() or len(home.taken()) == 1, "the delayed message")


def sweeping(home: Home) -> Any:
    """On Redis whoever sweeps moves it; RabbitMQ does by itself."""
    if home.broker.kind == "rabbitmq":
        return lambda: False
    from core.brokers.delays import Delays

    return lambda: Delays(home.broker).sweep() and False


def test_the_same_redrive_again_on_redis__already_there(on_redis: Home) -> None:
    post = on_redis.post()
    assert published(on_redis, post, post) == [Sent.CONFIRMED, Sent.ALREADY]
    assert published(on_redis, post) == [Sent.ALREADY]
    assert published(on_redis, replace(post, number=2)) == [Sent.CONFIRMED]
    assert len(on_redis.taken()) == 2


def test_seen__on_redis_the_marker_says__on_rabbitmq_nobody_can(home: Home) -> None:
    post = home.post()
    with api.publisher(home.broker) as publisher:
        before = publisher.seen(post.letter_key, 1)
        publisher.publish([post])
        after = publisher.seen(post.letter_key, 1)
    assert (before, after) == ((False, True) if home.broker.kind == "redis" else (None, None))


@pytest.mark.parametrize("priority", [0, 2, 3, 9])
def test_priority_on_redis__in_the_list_that_kombu_reads(on_redis: Home, priority: int) -> None:
    published(on_redis, on_redis.post(properties={"priority": priority}))
    assert len(on_redis.taken()) == 1


def test_a_message_too_many_for_redis__refused_and_the_others_confirmed(on_redis: Home) -> None:
    wrong = on_redis.post()
    with redis.Redis.from_url(on_redis.broker.url) as client:
        client.set("a-string-" + on_redis.queue, "no list")
    wrong = replace(wrong, queue="a-string-" + on_redis.queue)
    assert published(on_redis, on_redis.post(), wrong, on_redis.post()) == [
        Sent.CONFIRMED,
        Sent.REFUSED,
        Sent.CONFIRMED,
    ]
    assert published(on_redis, wrong) == [Sent.REFUSED]


def test_no_such_queue_on_rabbitmq__unroutable_and_the_others_confirmed(on_rabbitmq: Home) -> None:
    posts = [on_rabbitmq.post(), on_rabbitmq.post(queue="nobody-has-this"), on_rabbitmq.post()]
    assert published(on_rabbitmq, *posts) == [Sent.CONFIRMED, Sent.UNROUTABLE, Sent.CONFIRMED]
    assert len(on_rabbitmq.taken()) == 2


def test_no_such_exchange_on_rabbitmq__unroutable_and_the_others_confirmed(on_rabbitmq: Home) -> None:
    posts = [
        on_rabbitmq.post(),
        on_rabbitmq.post(exchange="nobody-has-this", routing_key="x"),
        on_rabbitmq.post(),
    ]
    assert published(on_rabbitmq, *posts) == [Sent.CONFIRMED, Sent.UNROUTABLE, Sent.CONFIRMED]
    assert len(on_rabbitmq.taken()) == 2


def test_through_its_exchange_on_rabbitmq__by_its_routing_key_or_unroutable(on_rabbitmq: Home) -> None:
    exchange = f"topics-{on_rabbitmq.queue}"
    connection = connected(on_rabbitmq.broker)
    channel = connection.channel()
    channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
    channel.queue_bind(on_rabbitmq.queue, exchange, "orders.*")
    connection.close()
    posts = [on_rabbitmq.post(exchange=exchange, routing_key=key) for key in ("orders.eu", "bills.eu")]
    assert published(on_rabbitmq, *posts) == [Sent.CONFIRMED, Sent.UNROUTABLE]
    (message,) = on_rabbitmq.taken()
    assert message.delivery_info["routing_key"] == "orders.eu"


def test_at_least_once_dead_lettering__from_a_quorum_queue_into_our_hands_and_back(on_rabbitmq: Home) -> None:
    """The outside queue's own way: refused there, it comes to its dead-letter queue and waits until we are done."""
    outside, dead = f"shop-{uuid.uuid4().hex[:8]}", f"dead-{uuid.uuid4().hex[:8]}"
    arguments = {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    connection = connected(on_rabbitmq.broker)
    channel = connection.channel()
    channel.auto_decode = False
    for name, given in ((dead, {"x-queue-type": "quorum"}), (outside, arguments)):
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=given)
    sent = amqp.Message(b"\x00order", content_type="application/x-order", message_id="m-7", priority=2)
    channel.basic_publish(sent, "", outside)
    channel.basic_reject(channel.basic_get(outside).delivery_tag, requeue=False)
    with api.stream(on_rabbitmq.broker, dead, declare=False) as stream:
        (delivery,) = stream.read(10, 20)
        assert (delivery.body, delivery.headers["x-death"][0]["queue"]) == (b"\x00order", outside)
        post = on_rabbitmq.post(
            queue=outside,
            body=delivery.body,
            properties=delivery.properties,
            headers=delivery.headers,
            content_type="",
        )
        assert published(on_rabbitmq, post) == [Sent.CONFIRMED]
        stream.done([delivery])
    back = channel.basic_get(outside)
    connection.close()
    assert back.body == b"\x00order"
    kept = ("content_type", "message_id", "priority")
    assert [back.properties[name] for name in kept] == ["application/x-order", "m-7", 2]


def test_full_queue_on_rabbitmq__refused(on_rabbitmq: Home) -> None:
    full = f"{on_rabbitmq.queue}-full"
    connection = connected(on_rabbitmq.broker)
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
    connection.channel().queue_declare(full, durable=True, auto_delete=False, arguments=arguments)
    connection.close()
    found = published(on_rabbitmq, *(on_rabbitmq.post(queue=full) for _ in range(3)))
    assert found[0] is Sent.CONFIRMED
    assert Sent.REFUSED in found


def test_connection_lost_before_the_confirm__unknown_and_the_rest_unsent(
    on_rabbitmq: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api.publisher(on_rabbitmq.broker) as publisher:
        publisher.publish([on_rabbitmq.post()])
        connection: Any = publisher._connection  # type: ignore[attr-defined]

        look = connection.drain_events

        def gone(timeout: float) -> Any:
            if not timeout:
                return look(timeout=timeout)
            connection.transport.close()
            raise ConnectionResetError("the broker is gone")

        monkeypatch.setattr(connection, "drain_events", gone)
        found = publisher.publish([on_rabbitmq.post() for _ in range(201)])
        # Some were confirmed while others still went out.
        assert set(found[:200]) <= {Sent.CONFIRMED, Sent.UNKNOWN}
        assert found[199] is Sent.UNKNOWN
        assert found[200] is Sent.UNSENT
        # The next call connects anew, and mistakes no old answer for its own.
        assert publisher.publish([on_rabbitmq.post()]) == [Sent.CONFIRMED]


def test_properties_of_an_outsider_on_rabbitmq__unchanged(on_rabbitmq: Home) -> None:
    properties = {
        "message_id": "m-1", "type": "order", "app_id": "shop", "priority": 4, "timestamp": "2026-11-26T14:00:00+00:00",
        "user_id": "somebody-else", "expiration": "60000",
    }  # fmt: skip
    assert published(on_rabbitmq, on_rabbitmq.post(properties=properties)) == [Sent.CONFIRMED]
    connection = connected(on_rabbitmq.broker)
    message = connection.channel().basic_get(on_rabbitmq.queue, no_ack=True)
    connection.close()
    assert isinstance(message, amqp.Message)
    for name in ("message_id", "type", "app_id", "priority", "expiration"):
        assert message.properties[name] == properties[name]
    assert message.properties["timestamp"] == 1_795_701_600


@pytest.mark.parametrize("kind", ["redis", "amqp"])
def test_nobody_there__an_error_that_names_the_broker(kind: str) -> None:
    home = Home(BrokerUrl("main", f"{kind}://127.0.0.1:{free_port()}/0"), "orders")
    with pytest.raises(BrokerError, match="cannot reach main"):
        published(home, home.post())
