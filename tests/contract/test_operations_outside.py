"""From outside and back: a task of an application that knows nothing of Postroom goes out again with its listed
renewals and nothing else changed, and the application's own worker does it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import kombu
import pytest
from celery import Celery

from agents.operations.message import Message
from agents.operations.options import Expiry
from agents.operations.renewal import Redriven, renewed
from core import ids, redis_url
from core.brokers import api
from core.brokers.api import BrokerUrl, Post, Sent
from tests.support import servers
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
# What may differ, and nothing else.
RENEWED = {"retries", "expires", "postroom-redrive-id", "postroom-redrive-count"}
# Of the delivery, not of the message.
OF_THE_BROKER = {"delivery_tag", "delivery_info", "application_headers"}


@dataclass(frozen=True, slots=True)
class Outside:
    """The application's broker and queue."""

    broker: BrokerUrl
    queue: str
    arguments: dict[str, Any]

    @property
    def url(self) -> str:
        return redis_url.for_celery(self.broker.url)

    def taken(self) -> kombu.Message:
        with kombu.Connection(self.url) as connection, connection.channel() as channel:
            queue = kombu.Queue(self.queue, channel=channel, queue_arguments=self.arguments)
            message = queue.get(no_ack=True)
            assert message is not None
            return message

    def put_back(self, message: Message, redrive: Redriven) -> list[Sent]:
        post = Post(
            letter_key=str(redrive.letter),
            number=redrive.number,
            queue=self.queue,
            body=message.body,
            headers=message.headers,
            properties=message.properties,
            content_type=message.content_type,
            content_encoding=message.content_encoding,
        )
        with api.publisher(self.broker) as publisher:
            return list(publisher.publish([post]))


@pytest.fixture(scope="module")
def vhost(rabbitmq_program: str) -> Iterator[str]:
    with servers.rabbitmq_vhost(rabbitmq_program) as url:
        yield url


@pytest.fixture(params=["redis_server", "vhost"])
def outside(request: pytest.FixtureRequest) -> Outside:
    """On RabbitMQ a classic queue, as Celery itself declares it."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    found = Outside(BrokerUrl("main", request.getfixturevalue(request.param)), name, {})
    with kombu.Connection(found.url) as connection, connection.channel() as channel:
        kombu.Queue(name, kombu.Exchange(name), name, channel=channel).declare()
    return found


def given_up(outside: Outside) -> tuple[str, kombu.Message]:
    """A task that went out in its third try, with a deadline that is over by the time somebody looks."""
    id = str(uuid.uuid4())
    with Celery("shop", broker=outside.url) as app:
        app.send_task(
            "shop.book", (21,), task_id=id, queue=outside.queue, expires=3600, retries=2, priority=3,
            headers={"tenant": "north"},
        )  # fmt: skip
    return id, outside.taken()


def message_of(message: kombu.Message) -> Message:
    body: Any = message.body
    return Message(
        body if isinstance(body, bytes) else str(body).encode(),
        dict(message.headers),
        {name: value for name, value in message.properties.items() if name not in OF_THE_BROKER},
        str(message.content_type),
        str(message.content_encoding),
    )


def sent_again(outside: Outside, message: kombu.Message) -> Redriven:
    redrive = Redriven(ids.new(), 1, timedelta(hours=1))
    before = message_of(message)
    assert outside.put_back(renewed(before, redrive, Expiry.CLEAR), redrive) == [Sent.CONFIRMED]
    return redrive


def test_unchanged_but_for_the_listed_renewals(outside: Outside) -> None:
    _, message = given_up(outside)
    before = message_of(message)
    redrive = sent_again(outside, message)
    after = message_of(outside.taken())
    assert after.body == before.body
    assert (after.content_type, after.content_encoding) == (before.content_type, before.content_encoding)
    changed = {
        name
        for name in {*before.headers, *after.headers}
        if before.headers.get(name) != after.headers.get(name)
    }
    assert changed == RENEWED
    assert (after.headers["retries"], after.headers["expires"]) == (0, None)
    assert after.headers["postroom-redrive-id"] == f"{redrive.letter}:1"
    # The time to live that Celery gave the message is its deadline once more.
    assert before.properties["expiration"] == "3600000"
    assert after.properties == {
        name: value for name, value in before.properties.items() if name != "expiration"
    }


def test_the_applications_own_worker_does_it(outside: Outside, tmp_path: Path) -> None:
    id, message = given_up(outside)
    sent_again(outside, message)
    with bare_worker(outside, tmp_path) as log:
        until(lambda: f"shop.book[{id}] succeeded" in log.read_text(), "the task to be done", 60)
    assert log.read_text().count(f"[{id}] succeeded") == 1


@contextmanager
def bare_worker(outside: Outside, folder: Path) -> Iterator[Path]:
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "tests.support.bare_celery",
        "worker",
        "-P",
        "solo",
        "-l",
        "info",
    ]
    command += ["-Q", outside.queue, "--without-gossip", "--without-mingle"]
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"SHOP_BROKER": outside.url}, stdout=out, stderr=out
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(30)
