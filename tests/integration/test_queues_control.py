"""Real workers on real brokers: what they consume and run, pausing, resuming, ending one task."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from agents.queues import selectors
from agents.queues.celery import Workers
from agents.queues.control.models import Pause, PauseChange
from agents.queues.control.selectors import held
from agents.queues.control.services import pausing
from agents.queues.control.services.cancelling import CannotEndError, Ending, cancel, outcome
from agents.queues.control.services.pausing import AlreadyPausedError, NotPausedError
from agents.queues.services import standing
from agents.queues.services.staffing import Asking
from agents.queues.values import QueueKey, QueueState, Running, Worker
from core import clock
from core.access import grants
from core.access.api import PermissionRefusedError, Scope
from core.access.audit.models import Entry
from core.access.services import Actor
from core.brokers.api import BrokerUrl, find
from core.databases import DEFAULT, TELEMETRY
from core.redis_url import for_celery
from tests.support import library_process, servers
from tests.support.accounts import person
from tests.support.house import ROOT
from tests.support.queue_brokers import Home
from tests.support.queue_rows import queue, state_of
from tests.support.servers import free_port
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(databases=[DEFAULT, TELEMETRY])


@pytest.fixture
def ana() -> Actor:
    return Actor(grants.subject_of(person("ana", "admin")))


@pytest.fixture(params=["redis", "rabbitmq"])
def url(request: pytest.FixtureRequest, settings: Any) -> str:
    found = request.getfixturevalue("redis_url" if request.param == "redis" else "rabbitmq_url")
    settings.POSTROOM = replace(settings.POSTROOM, brokers=(BrokerUrl("main", found),))
    return str(found)


@pytest.fixture
def nowhere(settings: Any) -> None:
    broker = BrokerUrl("main", f"redis://127.0.0.1:{free_port()}/0")
    settings.POSTROOM = replace(settings.POSTROOM, brokers=(broker,))


@contextmanager
def celery_worker(url: str, folder: Path, pool: str = "prefork") -> Iterator[Celery]:
    """A bare one, on the queue `books`."""
    environ = os.environ | {"SHOP_BROKER": for_celery(url)}
    command = [sys.executable, "-m", "celery", "-A", "tests.support.bare_celery", "worker", "-c", "2"]
    command += ["-Q", "books", "--hostname", "books@here", "-P", pool, "-l", "info", "--without-mingle"]
    log = folder / "celery.log"
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=said, stderr=said)
    try:
        until(lambda: " ready." in log.read_text(errors="replace"), "the worker to be ready", 60)
        with Celery("client", broker=for_celery(url), set_as_current=False) as app:
            yield app
    finally:
        process.terminate()
        process.wait(30)


def ask(url: str) -> dict[str, Worker]:
    """What the workers say now, as it is kept."""
    broker = find("main")
    assert broker
    standing.answers(broker, clock.now())
    workers = Workers(broker)
    try:
        Asking(broker, workers).step()
    finally:
        workers.close()
    return {each.name: each for each in selectors.workers("main")}


def queues_of(url: str, name: str) -> tuple[str, ...] | None:
    """What a worker says that it consumes; None when it did not answer in time."""
    found = ask(url).get(name)
    return found.queues if found else None


def told(url: str, command: str, **arguments: Any) -> dict[str, Any]:
    """What workers answer to a command that Postroom does not send."""
    workers = Workers(BrokerUrl("main", url))
    try:
        return dict(workers._ask(command, **arguments))
    finally:
        workers.close()


def answer_of(url: str, name: str, command: str, **arguments: Any) -> Any:
    return until(lambda: told(url, command, **arguments).get(name), f"{name} to answer {command}")


def books() -> QueueState:
    return state_of(queue("books", depth=0))


def waiting(url: str, name: str) -> int:
    with Home(url).open() as there:
        return next(each.depth for each in there.read([name]).queues if each.name == name)


def running(url: str, name: str) -> Running | None:
    found = ask(url).get(name)
    return next(iter(found.running), None) if found else None


def test_workers__what_they_consume_and_run__pause_resume_cancel(
    url: str, tmp_path: Path, ana: Actor
) -> None:
    with celery_worker(url, tmp_path) as app:
        state = books()
        app.send_task("shop.wait", [60], queue="books")
        task = until(lambda: running(url, "books@here"), "the task to run")
        assert task
        found = until(lambda: ask(url).get("books@here"), "the worker to answer")
        assert found
        assert (found.queues, found.concurrency, found.pool) == (("books",), 2, "prefork")
        assert (task.task, task.queue) == ("shop.wait", "books")
        assert task.started_at

        ended = cancel(state, found, task, ana)
        assert ended.ending is Ending.ENDED, ended
        until(lambda: running(url, "books@here") is None, "the task to be ended")
        assert cancel(state, found, task, ana).ending is Ending.NOT_RUNNING

        paused = pausing.carry_out(pausing.pause(state, ana))
        assert (paused.state, paused.said) == ("paused", {"books@here": "no longer consuming from books"})
        assert held() == {QueueKey("main", "books")}
        until(lambda: queues_of(url, "books@here") == (), "the worker to consume it no more")
        app.send_task("shop.book", [7], queue="books")
        assert until(lambda: waiting(url, "books") == 1, "the message to wait")

        resumed = pausing.carry_out(pausing.resume(state, ana))
        assert resumed.state == "resumed"
        until(lambda: waiting(url, "books") == 0, "the message to be taken")
        assert held() == set()
    assert list(Entry.objects.filter(on_kind="queue").order_by("sequence").values_list("action", flat=True)) == [
        "consumption.paused", "consumption.resumed",
    ]  # fmt: skip


def test_a_worker_that_starts_while_paused__is_paused_too(url: str, tmp_path: Path, ana: Actor) -> None:
    state = books()
    with celery_worker(url, tmp_path):
        pausing.carry_out(pausing.pause(state, ana))
    with celery_worker(url, tmp_path):
        until(lambda: queues_of(url, "books@here") == ("books",), "it to consume again")
        pausing.carry_out_all()
        until(lambda: queues_of(url, "books@here") == (), "it to be paused as well")
        pausing.carry_out(pausing.resume(state, ana))
        until(lambda: queues_of(url, "books@here") == ("books",), "it to consume again")


def test_an_agent_of_the_library__the_same(url: str, tmp_path: Path, ana: Actor) -> None:
    address = f"postroom+{url}" if "redis" in url or url.startswith("unix") else url
    command = ("postroom", "worker", "tests.support.library_agent:agent", "-c", "1", "--instance", "worker-0")
    with library_process.running(tmp_path, *command, POSTROOM_BROKER_URL=address):
        name = until(lambda: next(iter(ask(url)), ""), "the agent's worker to answer")
        assert name.startswith("worker-0@")
        until(lambda: queues_of(url, name) == ("worker",), "it to say what it consumes")
        assert "error" in answer_of(url, name, "shutdown")
        assert "error" in answer_of(url, name, "add_consumer", queue="elsewhere")
        state = state_of(queue("worker", depth=0))
        assert pausing.carry_out(pausing.pause(state, ana)).state == "paused"
        until(lambda: queues_of(url, name) == (), "it to consume no more")
        assert pausing.carry_out(pausing.resume(state, ana)).state == "resumed"
        until(lambda: queues_of(url, name) == ("worker",), "it to consume again")


# ---- Without workers -------------------------------------------------------------------------------------------


def test_nobody_consumes__paused_and_said_so(redis_url: str, settings: Any, ana: Actor) -> None:
    settings.POSTROOM = replace(settings.POSTROOM, brokers=(BrokerUrl("main", redis_url),))
    paused = pausing.carry_out(pausing.pause(books(), ana))
    assert (paused.state, paused.problem) == ("paused", pausing.NOBODY)


def test_broker_away__written_down_and_done_later(nowhere: None, ana: Actor) -> None:
    paused = pausing.carry_out(pausing.pause(books(), ana))
    assert paused.state == "pausing"
    assert "cannot reach the workers of main" in paused.problem
    with servers.redis_server():
        assert Pause.objects.get().state == "pausing"


def test_paused_twice__refused_and_only_one_is_there(nowhere: None, ana: Actor) -> None:
    state = books()
    pausing.pause(state, ana)
    with pytest.raises(AlreadyPausedError):
        pausing.pause(state, ana)
    assert Pause.objects.count() == 1


def test_resumed_without_a_pause__refused(nowhere: None, ana: Actor) -> None:
    with pytest.raises(NotPausedError):
        pausing.resume(books(), ana)


def test_every_step_has_its_history(nowhere: None, ana: Actor) -> None:
    state = books()
    pausing.pause(state, ana)
    pausing.resume(state, ana)
    assert list(PauseChange.objects.order_by("pk").values_list("before", "after")) == [
        ("", "pausing"), ("pausing", "resuming"),
    ]  # fmt: skip


def test_without_the_right__refused_and_nothing_written(nowhere: None) -> None:
    viewer = Actor(grants.subject_of(person("otto", "operator", scope=Scope("staging", "*", "*"))))
    with pytest.raises(PermissionRefusedError):
        pausing.pause(books(), viewer)
    assert not Pause.objects.exists()


def test_a_pool_that_cannot_end_one_task__refused(nowhere: None, ana: Actor) -> None:
    worker = Worker("main", "w", ("books",), 2, "threads", (), clock.now())
    with pytest.raises(CannotEndError):
        cancel(books(), worker, Running("x", "shop.wait"), ana)


@pytest.mark.parametrize(
    ("said", "ending"),
    [
        ({"ok": "terminate: x"}, Ending.ENDED),
        ({"ok": "terminate: tasks unknown"}, Ending.NOT_RUNNING),
        ({"error": "NotImplementedError()"}, Ending.REFUSED),
        (None, Ending.NO_ANSWER),
    ],
)
def test_what_a_worker_answers__is_understood(said: object, ending: Ending) -> None:
    assert outcome(said, Running("x", "shop.wait")).ending is ending
