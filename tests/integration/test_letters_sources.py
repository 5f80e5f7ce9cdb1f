"""Users' own dead-letter queues: read as RabbitMQ marks them, emptied once, and managed while the watcher runs."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import amqp
import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from agents.deadletters import dead_queue, selectors, watching
from agents.deadletters.dead_queue import From
from agents.deadletters.models import Letter, LetterSource
from agents.deadletters.services import keeping
from agents.deadletters.services.capture import Capture
from agents.deadletters.values import Arrival, Origin
from core import clock
from core.access.api import Scope
from core.access.audit.models import Entry
from core.brokers.api import BrokerUrl, Delivery
from core.brokers.rabbitmq import connected
from core.watch import Turn
from tests.support import servers
from tests.support.api_client import Program
from tests.support.waiting import until

PATH = "/api/v1/letter-sources"
AT = Origin("rabbit", "dead", "session-1")
DEATH = {
    "queue": "pay",
    "exchange": "orders",
    "routing-keys": ["pay.eu"],
    "reason": "expired",
    "count": 3,
    "time": datetime(2026, 11, 26, 14, 3, 12),  # noqa: DTZ001 - as the client hands it over
}


# ---- Reading ---------------------------------------------------------------------------------------------------
def arrival(headers: dict[str, Any], **properties: Any) -> Arrival:
    return dead_queue.arrival(
        Delivery("1", b"[]", headers=headers, properties=properties), From(AT, "eu", "pay")
    )


def test_x_death__where_and_why() -> None:
    found = arrival({"x-death": [DEATH]}, message_id="m-1")
    assert (found.queue, found.exchange, found.routing_key) == ("pay", "orders", "pay.eu")
    assert (found.failure.reason, found.message_id, found.agent) == ("expired", "m-1", "pay")
    assert "deaths there: 3" in found.failure.message
    assert found.died_at == datetime(2026, 11, 26, 14, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("rejected", "rejected"),
        ("maxlen", "max_length"),
        ("delivery_limit", "delivery_limit"),
        ("new", "rejected"),
    ],
)
def test_reasons(said: str, reason: str) -> None:
    assert arrival({"x-death": [DEATH | {"reason": said}]}).failure.reason == reason


@pytest.mark.parametrize("headers", [{}, {"x-death": "no list"}, {"x-death": [1]}, {"id": ["a"], "task": {}}])
def test_nothing_said__kept_all_the_same(headers: dict[str, Any]) -> None:
    assert (arrival(headers).queue, arrival(headers).failure.reason) == ("dead", "rejected")


def test_celery__task_and_id() -> None:
    found = arrival({"task": "shop.pay", "id": "c-1"}, content_type="application/json")
    assert (found.task, found.message_id, found.content_type) == ("shop.pay", "c-1", "application/json")


def test_redriven__another_death_of_its_letter() -> None:
    letter = uuid.uuid4()
    assert arrival({"postroom-redrive-id": f"{letter}:2"}).redrive == (letter, 2)
    assert arrival({"postroom-redrive-id": "x:2"}).redrive is None


# ---- Emptying --------------------------------------------------------------------------------------------------
@pytest.fixture
def rabbit(rabbitmq_program: str) -> Iterator[BrokerUrl]:
    with servers.rabbitmq_vhost(rabbitmq_program) as url:
        yield BrokerUrl("rabbit", url)


@pytest.fixture
def channel(rabbit: BrokerUrl) -> Iterator[Any]:
    connection = connected(rabbit)
    channel = connection.channel()
    channel.queue_declare("dead", durable=True, auto_delete=False)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead", "x-message-ttl": 1}
    channel.queue_declare("pay", durable=True, auto_delete=False, arguments=arguments)
    yield channel
    connection.close()


def send(channel: Any, number: int) -> None:
    for _ in range(number):
        message = amqp.Message(b"the same", content_type="text/plain", delivery_mode=2)
        channel.basic_publish(message, "", "pay")
    until(lambda: waiting(channel) == number, "they are dead")


def waiting(channel: Any) -> int:
    return int(channel.queue_declare("dead", passive=True).message_count)


def a_capture(rabbit: BrokerUrl) -> Capture:
    def read(delivery: Delivery, origin: Origin) -> Arrival:
        return dead_queue.arrival(delivery, From(origin))

    return Capture(rabbit, "dead", read=read, declare=False)


@pytest.mark.django_db
def test_equal_messages__each_a_letter_and_the_queue_is_empty(rabbit: BrokerUrl, channel: Any) -> None:
    send(channel, 5)
    capture = a_capture(rabbit)
    until(lambda: not capture.step(0.5) and Letter.objects.count() == 5, "all are kept")
    capture.close()
    assert waiting(channel) == 0
    assert set(Letter.objects.values_list("queue", "failure_reason", "source")) == {
        ("pay", "expired", "dead")
    }
    contents = selectors.contents_of(Letter.objects.all()[0])
    assert contents
    assert contents.body == b"the same"


@pytest.mark.django_db
def test_texts_that_are_no_utf8__kept_with_their_bytes_written_out(rabbit: BrokerUrl, channel: Any) -> None:
    """RabbitMQ lets such a key in as an argument of a queue, and then hands it over with each delivery."""
    channel.exchange_declare("odd", "fanout", durable=True, auto_delete=False)
    expires = {"x-message-ttl": 1, "x-dead-letter-exchange": ""}
    odd = {"x-dead-letter-exchange": "odd", "x-dead-letter-routing-key": b"pay.\xe4u"}
    channel.queue_declare("first", auto_delete=False, arguments=expires | odd)
    channel.queue_declare(
        "second", auto_delete=False, arguments=expires | {"x-dead-letter-routing-key": "dead"}
    )
    for queue in ("second", "dead"):
        channel.queue_bind(queue, "odd", "")
    headers = {"text": b"\xff", "half": b"\xed\xa0\x80"}
    said = {"message_id": b"m\xff", "app_id": b"shop\xff"}
    channel.basic_publish(amqp.Message(b"odd", application_headers=headers, **said), "", "first")
    channel.basic_publish(amqp.Message(b"plain"), "", "dead")
    until(lambda: waiting(channel) == 3, "all are dead")
    capture = a_capture(rabbit)
    until(lambda: not capture.step(0.5) and Letter.objects.count() == 3, "all are kept")
    capture.close()
    assert waiting(channel) == 0
    twice, once = (Letter.objects.get(queue=each) for each in ("second", "first"))
    assert (twice.exchange, twice.routing_key) == ("odd", "pay.\\xe4u")
    assert (once.message_id, once.sender) == ("m\\xff", "shop\\xff")
    contents = selectors.contents_of(once)
    assert contents
    assert contents.properties["routing_key"] == "pay.\\xe4u"
    assert contents.headers["half"] == {"$bytes": "7aCA"}


@pytest.mark.django_db
def test_database_takes_nothing__they_stay_on_the_queue(
    rabbit: BrokerUrl, channel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(channel, 2)
    capture = a_capture(rabbit)
    with monkeypatch.context() as patched:
        patched.setattr(keeping, "keep", lambda _: (_ for _ in ()).throw(OperationalError("disk is full")))
        with pytest.raises(OperationalError):
            until(lambda: capture.step(0.5), "they are read")
    capture.close()
    until(lambda: waiting(channel) == 2, "they are back on the queue")
    again = a_capture(rabbit)
    until(lambda: not again.step(0.5) and Letter.objects.count() == 2, "all are kept")
    again.close()


class _Held:
    held, token = True, 1


@pytest.mark.django_db(transaction=True)
def test_added_and_removed__followed_without_a_restart(
    rabbit: BrokerUrl, channel: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.POSTROOM = replace(settings.POSTROOM, brokers=(rabbit,))
    monkeypatch.setattr(watching, "FOLLOW_SECONDS", 0.1)
    turn = Turn(_Held())  # type: ignore[arg-type]
    watcher = threading.Thread(target=watching.Sources().look, args=(turn,))
    watcher.start()
    try:
        send(channel, 2)
        source = LetterSource.objects.create(
            broker="rabbit", queue="dead", agent="pay", added_at=clock.now(), added_by="ana"
        )
        until(lambda: Letter.objects.filter(agent="pay").count() == 2, "all are kept")
        source.delete()
        until(lambda: "letters dead" not in {each.name for each in threading.enumerate()}, "its reader left")
        send(channel, 1)
        assert Letter.objects.count() == 2
    finally:
        turn.over.set()
        watcher.join(20)
    assert not watcher.is_alive()


# ---- Managing --------------------------------------------------------------------------------------------------
@pytest.fixture
def admin(settings: Settings) -> Program:
    brokers = (BrokerUrl("rabbit", "amqp://localhost"), BrokerUrl("main", "redis://localhost"))
    settings.POSTROOM = replace(settings.POSTROOM, brokers=brokers)
    return Program("admin")


@pytest.mark.django_db
def test_added_changed_removed__each_in_the_trail(admin: Program) -> None:
    added = admin.post(PATH, {"broker": "rabbit", "queue": "dead"})
    assert (added.status_code, added.json()["enabled"], "at most once" in added.json()["warning"]) == (
        201,
        True,
        True,
    )
    one = f"{PATH}/{added.json()['id']}"
    assert admin.patch(one, {"enabled": False}).json()["enabled"] is False
    assert [each["queue"] for each in admin.get(PATH).json()["results"]] == ["dead"]
    assert admin.delete(one).status_code == 204
    actions = Entry.objects.filter(action__startswith="letter_source.").order_by("pk")
    assert [each.action.partition(".")[2] for each in actions] == ["added", "changed", "removed"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"broker": "none", "queue": "dead"}, "broker"),
        ({"broker": "main", "queue": "dead"}, "broker"),
        ({"broker": "rabbit", "queue": "postroom.letters"}, "queue"),
        ({"broker": "rabbit"}, "queue"),
    ],
)
def test_wrong_source__refused_with_the_field(admin: Program, given: dict[str, str], field: str) -> None:
    answer = admin.post(PATH, given)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


@pytest.mark.django_db
def test_same_queue_twice__refused(admin: Program) -> None:
    given = {"broker": "rabbit", "queue": "dead"}
    assert [admin.post(PATH, given).status_code for _ in range(2)] == [201, 400]


@pytest.mark.django_db
def test_without_the_right__refused(admin: Program) -> None:
    operator = Program("operator", Scope(environment="production"))
    assert operator.post(PATH, {"broker": "rabbit", "queue": "dead"}).status_code == 403
