"""From outside and back: what programs died of that know nothing of Postroom comes into custody, is redriven over the
API, and is done by them, with its listed renewals and nothing else changed, to an outcome of the grade they allow."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pika
import pytest
from pytest_django.fixtures import Settings

from agents.deadletters import watching
from agents.deadletters.models import Letter
from agents.deadletters.services.capture import Capture
from agents.ledger import api as ledger
from agents.ledger.celery import CeleryEvents
from agents.ledger.services import arriving
from agents.ledger.services.observing import Observer
from agents.operations.models import Operation
from agents.operations.renewal import RENEWED_HEADERS, RENEWED_PROPERTIES
from agents.operations.services import executing, outcomes, telling
from agents.queues.flow import Flow
from agents.queues.rabbitmq import RabbitBroker
from agents.queues.services.sampling import Sampler
from agents.spans.values import Span, SpanKind
from core import clock
from core.brokers.api import BrokerUrl
from core.watch import Turn
from tests.support.api_client import Program
from tests.support.queue_brokers import ManagedRabbitMQ, managed
from tests.support.shop import NOTED, Seen, Shop
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "telemetry"])
ALL: Mapping[str, Any] = {"canary": "off", "rate": "full", "halt_when": {"consumer_down": False}}


class _Held:
    held, token = True, 1


@pytest.fixture(scope="module")
def rabbitmq(rabbitmq_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedRabbitMQ]:
    """With its management API: what left a queue is told by it alone."""
    with managed(tmp_path_factory.mktemp("rabbitmq")) as broker:
        yield broker


@pytest.fixture
def admin() -> Program:
    return Program("admin")


def use(settings: Settings, redis_url: str, broker: BrokerUrl) -> BrokerUrl:
    settings.REDIS_URL = redis_url
    settings.POSTROOM = replace(settings.POSTROOM, brokers=(broker,))
    return broker


# ---- Into custody ----------------------------------------------------------------------------------------------
@contextmanager
def sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The watcher's reader of letter sources."""
    monkeypatch.setattr(watching, "FOLLOW_SECONDS", 0.1)
    turn = Turn(_Held())  # type: ignore[arg-type]
    reader = threading.Thread(target=watching.Sources().look, args=(turn,))
    reader.start()
    try:
        yield
    finally:
        turn.over.set()
        reader.join(20)
    assert not reader.is_alive()


def captured(admin: Program, queue: str, monkeypatch: pytest.MonkeyPatch) -> Letter:
    """Off a dead-letter queue, once somebody named it as a source."""
    made = admin.post("/api/v1/letter-sources", {"broker": "main", "queue": queue})
    assert made.status_code == 201, made.json()
    with sources(monkeypatch):
        until(Letter.objects.exists, "the letter", 30)
    return Letter.objects.get()


def taken_off(admin: Program, shop: Shop) -> Letter:
    """Redis has no dead-letter queue: somebody takes what waits off its queue."""
    run(admin, "purge", {"queue": f"main/{shop.queue}"})
    capture = Capture(shop.broker)
    until(lambda: capture.step(0.5) or Letter.objects.exists(), "the letter")
    capture.close()
    return Letter.objects.get()


# ---- And out again ---------------------------------------------------------------------------------------------
def run(admin: Program, action: str, select: Any, **options: Any) -> Operation:
    """Planned and started over the API, and worked on until nothing may be done."""
    plan = admin.post("/api/v1/plans", {"action": action, "select": select, "options": options})
    assert plan.status_code == 201, plan.json()
    started = admin.post(
        "/api/v1/operations", {"plan": plan.json()["id"], "reason": "gateway repaired", "count": 1}
    )
    assert started.status_code == 201, started.json()
    executing.go_on(uuid.UUID(started.json()["id"]))
    return Operation.objects.get(pk=started.json()["id"])


def assert_only_renewed(before: Seen, after: Seen, letter: Letter, *, expected: set[str]) -> None:
    """`expected`: what differs here, of all that may."""
    assert after.body == before.body
    headers = differing(
        before.headers, {name: after.headers[name] for name in after.headers if name not in NOTED}
    )
    properties = differing(before.properties, after.properties)
    assert headers <= RENEWED_HEADERS.keys()
    assert properties <= RENEWED_PROPERTIES.keys()
    assert headers | properties == expected
    assert after.headers["postroom-redrive-id"] == f"{letter.pk}:1"


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    absent = object()
    names = {*before, *after}
    return {name for name in names if before.get(name, absent) != after.get(name, absent)}


def assert_processed(admin: Program, operation: Operation, grade: str) -> None:
    """And everybody is told by what evidence."""
    path = f"/api/v1/operations/{operation.pk}"
    told = admin.get(path).json()
    assert (told["state"], told["tally"]["processed"]) == ("done", 1)
    assert {name: number for name, number in told["grades"].items() if number} == {grade: 1}
    [item] = admin.get(f"{path}/items").json()["results"]
    assert (item["state"], item["grade"]) == ("processed", grade)
    letter = Letter.objects.get()
    assert letter.state == "processed"
    [message] = ledger.messages([ledger.Key(letter.environment, letter.message_id)]).values()
    unconfirmed = "left_queue" if grade == "left_queue" else ""
    assert (message.state, message.redrive, message.settled) == ("succeeded", 1, unconfirmed)


# ---- A Celery application --------------------------------------------------------------------------------------
@pytest.fixture(params=["redis", "rabbitmq"])
def shop(request: pytest.FixtureRequest, redis_url: str, settings: Settings, tmp_path: Path) -> Shop:
    url = redis_url if request.param == "redis" else request.getfixturevalue("rabbitmq").plain
    broker = use(settings, redis_url, BrokerUrl("main", url))
    made = Shop(broker, f"shop-{uuid.uuid4().hex[:8]}", tmp_path / "repaired")
    if broker.kind == "rabbitmq":
        made.declare_dead()
    return made


def test_a_celery_task__given_up_on_redriven_and_done_by_its_own_worker(
    shop: Shop, admin: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    id = str(uuid.uuid4())
    shop.order(id)
    before = shop.seen()
    if shop.broker.kind == "redis":
        letter = taken_off(admin, shop)
    else:
        with shop.worker(tmp_path):
            letter = captured(admin, shop.dead, monkeypatch)
    assert (letter.message_id, letter.task, letter.queue) == (id, "shop.charge", shop.queue)
    operation = run(admin, "redrive", {"ids": [str(letter.pk)]}, **ALL)
    celery = {"retries", "expires", "postroom-redrive-id", "postroom-redrive-count", "expiration"}
    of_its_delivery = {"delivery_tag"} if shop.broker.kind == "redis" else set()
    assert_only_renewed(before, shop.seen(), letter, expected=celery | of_its_delivery)
    shop.repaired.touch()
    ear, observer = CeleryEvents(shop.broker.url), Observer("main")
    # On Redis it listens from the first reading on.
    assert not heard(ear, observer, operation)
    with shop.worker(tmp_path) as log:
        until(lambda: heard(ear, observer, operation), "the worker to tell of it", 30)
    ear.close()
    assert log.read_text().count(f"[{id}] succeeded") == 1
    assert_processed(admin, operation, "event")


def heard(ear: CeleryEvents, observer: Observer, operation: Operation) -> bool:
    """The watcher's part: listen, keep, and settle what it shows."""
    observer.take(ear.read())
    outcomes.follow_ledger()
    operation.refresh_from_db()
    return operation.ended


# ---- Any program on RabbitMQ -----------------------------------------------------------------------------------
HEADERS: Mapping[str, Any] = {
    "tenant": "nörd", "retries": 4, "expires": "soon", "big": 2**40, "yes": True, "nothing": None,
    "raw": b"\x00\xff", "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "price": Decimal("1.5"),
    "nested": {"list": [1, "two", {"three": b"\xfe"}]},
}  # fmt: skip
PROPERTIES: Mapping[str, Any] = {
    "content_type": "application/octet-stream", "content_encoding": "", "delivery_mode": 2, "priority": 3,
    "correlation_id": "c-1", "reply_to": "answers", "message_id": "m-1", "timestamp": 1_700_000_000,
    "type": "order", "app_id": "till", "cluster_id": "c",
}  # fmt: skip
BODY = b"\x00\xff" + '{"task": "order", "id": 7, "retries": 3}'.encode("utf-16")


class Till:
    """A program that speaks AMQP, and dead-letters what it rejects."""

    def __init__(self, url: str) -> None:
        self.queue = f"till-{uuid.uuid4().hex[:8]}"
        self.dead = f"{self.queue}.dead"
        self._connection = pika.BlockingConnection(pika.URLParameters(url.removesuffix("/") + "%2F"))
        self.channel = self._connection.channel()
        self.channel.queue_declare(self.dead)
        arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": self.dead}
        self.channel.queue_declare(self.queue, arguments=arguments)

    def send(self, headers: Mapping[str, Any] = HEADERS, **changes: Any) -> None:
        properties = pika.BasicProperties(headers=dict(headers), **{**PROPERTIES, **changes})
        self.channel.basic_publish("", self.queue, BODY, properties)

    def take(self, *, well: bool) -> Seen:
        found: list[Any] = []

        def came() -> bool:
            found[:] = self.channel.basic_get(self.queue)
            return found[0] is not None

        until(came, "the message")
        method, properties, body = found
        self.channel.basic_ack(method.delivery_tag) if well else self.channel.basic_reject(
            method.delivery_tag, requeue=False
        )
        given = {
            name: value for name, value in vars(properties).items() if name != "headers" and value is not None
        }
        return Seen(body, dict(properties.headers), given)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def till(rabbitmq: ManagedRabbitMQ, redis_url: str, settings: Settings) -> Iterator[Till]:
    use(settings, redis_url, BrokerUrl("main", rabbitmq.plain))
    made = Till(rabbitmq.plain)
    yield made
    made.close()


def test_any_message__rejected_redriven_and_taken__it_left_its_queue(
    till: Till, rabbitmq: ManagedRabbitMQ, admin: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.send(user_id="guest", expiration="60000")
    before = till.take(well=False)
    letter = captured(admin, till.dead, monkeypatch)
    assert (letter.message_id, letter.queue, letter.failure_reason) == ("m-1", till.queue, "rejected")
    operation = run(admin, "redrive", {"ids": [str(letter.pk)]}, **ALL)
    after = till.take(well=True)
    ours = {"postroom-redrive-id", "postroom-redrive-count"}
    assert_only_renewed(before, after, letter, expected=ours | {"user_id", "expiration"})
    left(operation, BrokerUrl("main", rabbitmq.plain), rabbitmq.management)
    assert_processed(admin, operation, "left_queue")


def left(operation: Operation, broker: BrokerUrl, management: str) -> None:
    """Somebody took it, and half a minute later its queue is empty still."""
    with RabbitBroker(broker, management) as there:
        sampler = Sampler(broker, there, Flow([broker.name]))

        def over() -> bool:
            sampler.step()
            outcomes.left_queues()
            operation.refresh_from_db()
            return operation.ended

        assert not over()
        with clock.held(clock.now() + timedelta(seconds=40)):
            until(over, "the queue to be seen empty")
            telling.tell_rest()


def test_any_message__its_consumer_has_spans(
    till: Till, admin: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.send()
    before = till.take(well=False)
    letter = captured(admin, till.dead, monkeypatch)
    operation = run(admin, "redrive", {"ids": [str(letter.pk)]}, **ALL)
    after = till.take(well=True)
    assert_only_renewed(before, after, letter, expected={"postroom-redrive-id", "postroom-redrive-count"})
    now = int(clock.now().timestamp() * 1e9)
    span = Span(
        b"t" * 16, b"s" * 8, b"", now, 1_000_000, "order", SpanKind.CONSUMER, agent="till", message_id="m-1"
    )
    arriving.take_spans([span._replace(queue=till.queue, step="process")])
    outcomes.follow_ledger()
    operation.refresh_from_db()
    assert_processed(admin, operation, "span")


def test_copies_for_further_queues__not_sent_once_more(
    till: Till, admin: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through an exchange of its own, dead letters keep the header that names further queues."""
    other, deaths = f"{till.queue}.other", f"{till.queue}.deaths"
    till.channel.exchange_declare(deaths, "fanout")
    till.channel.queue_bind(till.dead, deaths)
    till.channel.queue_declare(other)
    till.channel.queue_delete(till.queue)
    till.channel.queue_declare(till.queue, arguments={"x-dead-letter-exchange": deaths})
    till.send({"CC": [other]})
    assert till.channel.basic_get(other, auto_ack=True)[0]
    before = till.take(well=False)
    letter = captured(admin, till.dead, monkeypatch)
    run(admin, "redrive", {"ids": [str(letter.pk)]}, **ALL)
    ours = {"postroom-redrive-id", "postroom-redrive-count"}
    assert_only_renewed(before, till.take(well=True), letter, expected=ours | {"CC"})
    assert till.channel.basic_get(other)[0] is None


def test_dies_again_of_the_same__another_death_of_its_letter(
    till: Till, admin: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.send()
    till.take(well=False)
    letter = captured(admin, till.dead, monkeypatch)
    operation = run(admin, "redrive", {"ids": [str(letter.pk)]}, **ALL)
    till.take(well=False)
    with sources(monkeypatch):
        until(lambda: Letter.objects.filter(deaths=2).exists(), "its second death", 30)
    told = admin.get(f"/api/v1/operations/{operation.pk}").json()
    assert (told["state"], told["tally"]["failed_same"]) == ("done", 1)
    [group] = admin.get("/api/v1/failure-groups").json()["results"]
    assert group["came_back"]["operation"]["id"] == str(operation.pk)
    assert Letter.objects.get().state == "held"
