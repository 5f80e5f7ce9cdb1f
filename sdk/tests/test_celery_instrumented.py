"""An ordinary Celery application with one line: letters, events and traces, with Celery's own rules untouched."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from celery import Celery

import postroom.delivery.transport  # noqa: F401 - makes the address known
from tests.support import servers
from tests.support.library_process import Running, running
from tests.support.library_told import Told
from tests.support.server_fixtures import find

KINDS = {
    "redis": {"LATE": "0"},
    "postroom+redis": {"LATE": "1"},
    "rabbitmq": {"LATE": "1"},
}


@dataclass
class Shop:
    """The application's worker, and a Celery client that knows nothing of the library."""

    client: Celery
    told: Told
    worker: Running

    def send(self, task: str, *arguments: object) -> str:
        name = f"tests.support.library_celery.{task}"
        return str(self.client.send_task(name, args=arguments or [{"of": "Ada"}]).id)


@contextmanager
def broker(kind: str) -> Iterator[tuple[str, str]]:
    """The worker's address, and that of everybody else."""
    if kind == "rabbitmq":
        with servers.rabbitmq_vhost(find("rabbitmq", servers.rabbitmq_program)) as url:
            yield url, url
        return
    find("redis", servers.redis_program)
    with servers.redis_server() as url:
        yield url.replace("unix:", "redis+socket:" if kind == "redis" else "postroom+unix:"), url


@pytest.fixture(scope="module", params=list(KINDS))
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    with broker(request.param) as (address, url):
        client = Celery("outside", broker=address.replace("postroom+unix:", "redis+socket:"))
        if request.param == "rabbitmq":
            client.conf.task_default_queue_type = "quorum"
        arguments = ("celery", "-A", "tests.support.library_celery", "worker", "-c2", "-lINFO")
        with running(folder, *arguments, BROKER=address, **KINDS[request.param]) as worker:
            yield Shop(client, Told(url), worker)


def test_success_and_what_it_sends_are_told(shop: Shop) -> None:
    task = shop.send("good")
    event = shop.told.await_kind(task, "succeeded")
    assert (event["agent"], event["task"]) == ("shop", "tests.support.library_celery.good")
    (sent,) = [
        event
        for event in shop.told.all_events()
        if event.get("parent_id") == task and event["kind"] == "sent"
    ]
    assert shop.told.await_kind(sent["message_id"], "succeeded")["parent_id"] == task
    assert shop.told.letters(task) == []


def test_a_failed_task_leaves_a_letter_with_its_whole_body(shop: Shop) -> None:
    letter = shop.told.await_letter(shop.send("bad", {"of": "Ada", "lines": []}))
    assert json.loads(base64.b64decode(letter["body"]))[0] == [{"of": "Ada", "lines": []}]
    assert letter["failure"]["type"] == "ValueError"
    assert "an order without lines" in letter["attempts"][0]["traceback"]
    assert letter["headers"]["task"] == "tests.support.library_celery.bad"


def test_retries_are_celerys_own_and_the_letter_has_each_attempt(shop: Shop) -> None:
    task = shop.send("stubborn")
    letter = shop.told.await_letter(task, 60)
    assert [attempt["number"] for attempt in letter["attempts"]] == [1, 2, 3]
    assert all(attempt["type"] == "KeyError" and attempt["traceback"] for attempt in letter["attempts"])
    assert [kind for kind in shop.told.kinds(task) if kind == "retrying"] == ["retrying"] * 2


def test_what_celery_says_otherwise_is_told_as_it_is(shop: Shop) -> None:
    rejected, ignored = shop.send("rejecting"), shop.send("ignoring")
    unknown = shop.send("nobody_has_this")
    assert shop.told.await_letter(rejected)["failure"]["reason"] == "rejected"
    assert shop.told.await_letter(unknown)["failure"]["type"] == "NotRegistered"
    shop.told.await_kind(ignored, "succeeded")
    assert shop.told.letters(ignored) == []


def test_a_process_that_dies_and_a_time_limit_leave_letters(shop: Shop) -> None:
    endless, dying = shop.send("endless"), shop.send("dying")
    assert shop.told.await_letter(endless, 60)["failure"]["type"].endswith("TimeLimitExceeded")
    assert shop.told.await_letter(dying, 60)["failure"]["type"].endswith("WorkerLostError")


def test_each_failure_is_one_letter(shop: Shop) -> None:
    """After all of the above."""
    told: dict[str, int] = {}
    for event in shop.told.all_events():
        if event["kind"] == "dead":
            told[event["message_id"]] = told.get(event["message_id"], 0) + 1
    assert told
    assert set(told.values()) == {1}
    assert all(len(shop.told.letters(message)) == 1 for message in told)
