"""What an agent's author may rely on, on Redis and on RabbitMQ: one worker of each, told what to do by its messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from postroom import Agent
from tests.support import servers
from tests.support.library_process import Running, running
from tests.support.library_told import Told
from tests.support.server_fixtures import find
from tests.support.waiting import until


@dataclass
class House:
    """A broker with a worker on it, and somebody who sends."""

    url: str
    sender: Agent
    told: Told
    worker: Running

    def send(self, do: str, *, to: str = "worker", **said: Any) -> str:
        options = {name: said.pop(name) for name in ("deadline", "message_id", "workflow") if name in said}
        return self.sender.send_message(to, {"do": do, **said}, **options)

    def attempts(self, message_id: str) -> list[str]:
        return [words[1] for words in self.worker.noted(message_id) if words[0] != "bytes"]


@contextmanager
def redis_broker() -> Iterator[str]:
    find("redis", servers.redis_program)
    with servers.redis_server() as url:
        yield url


@contextmanager
def rabbit_broker() -> Iterator[str]:
    with servers.rabbitmq_vhost(find("rabbitmq", servers.rabbitmq_program)) as url:
        yield url


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    broker = redis_broker if request.param == "redis" else rabbit_broker
    folder = tmp_path_factory.mktemp(request.param)
    with broker() as url:
        settings = {"POSTROOM_BROKER_URL": url, "POSTROOM_CONTENT_URL": str(folder / "content")}
        command = ("postroom", "worker", "tests.support.library_agent:agent", "-c", "2")
        with running(folder, *command, **settings) as worker:
            content: dict[str, Any] = {"content_url": str(folder / "content"), "content_limit": 10_000}
            yield House(url, Agent("classify", broker_url=url, **content), Told(url), worker)


def test_returning_acknowledges(house: House) -> None:
    message = house.send("succeed")
    event = house.told.await_kind(message, "succeeded")
    assert (event["agent"], event["sender"], event["attempt"], event["version"]) == (
        "worker",
        "classify",
        1,
        "1.8.2",
    )
    assert "sent" in house.told.kinds(message)
    assert house.told.letters(message) == []


def test_a_permanent_error_leaves_at_the_first_attempt_with_the_whole_message(house: House) -> None:
    message = house.send("permanent", page="ä" * 10)
    letter = house.told.await_letter(message)
    assert house.attempts(message) == ["1"]
    assert letter["failure"]["class"] == "permanent"
    assert letter["failure"]["message"] == "not a document"
    assert json.loads(base64.b64decode(letter["body"]))[0] == [{"do": "permanent", "page": "ä" * 10}]
    assert letter["headers"]["postroom-sender"] == "classify"
    assert house.told.await_kind(message, "dead")["error"]["type"] == "postroom.errors.PermanentError"


def test_a_transient_error_comes_back_until_it_succeeds(house: House) -> None:
    message = house.send("transient", succeeds_at=2)
    house.told.await_kind(message, "succeeded")
    assert house.attempts(message) == ["1", "2"]
    assert house.told.await_kind(message, "retrying")["due"]


def test_an_error_that_nobody_knows_is_tried_up_to_the_cap_and_the_letter_has_every_attempt(
    house: House,
) -> None:
    message = house.send("unknown")
    letter = house.told.await_letter(message)
    assert [attempt["number"] for attempt in letter["attempts"]] == [1, 2, 3]
    assert all("RuntimeError: what is this" in attempt["traceback"] for attempt in letter["attempts"])
    assert letter["failure"]["class"] == "unknown"
    assert "postroom-attempts" not in letter["headers"]
    assert "nobody classified: RuntimeError" in house.worker.said()


def test_past_its_deadline_it_is_not_handled(house: House) -> None:
    message = house.send("succeed", deadline=-1)
    assert house.told.await_letter(message)["failure"]["reason"] == "deadline"
    assert house.attempts(message) == []


def test_a_decision_tells_of_the_error_that_it_is_about(house: House) -> None:
    message = house.send("decide")
    letter = house.told.await_letter(message)
    assert letter["failure"] == {
        "class": "permanent",
        "reason": "rejected",
        "type": "ValueError",
        "message": "no number in it",
    }
    assert "int(" in letter["attempts"][0]["traceback"]


def test_two_decisions_that_contradict_each_other__refused(house: House) -> None:
    message = house.send("contradict")
    letter = house.told.await_letter(message)
    assert "decided to acknowledge, and then to send to the dead letters" in letter["failure"]["message"]


def test_a_rejected_message_comes_back_after_its_delay(house: House) -> None:
    message = house.send("reject")
    house.told.await_kind(message, "succeeded")
    assert house.attempts(message) == ["1", "2"]
    assert house.told.await_kind(message, "retrying")["error"]["reason"] == "rejected"


def test_what_a_handler_sends_carries_on_by_itself(house: House) -> None:
    message = house.send("pass_on", workflow="invoices")
    house.told.await_kind(message, "succeeded")
    (first,) = [event for event in house.told.events(message) if event["kind"] == "sent"]
    (passed,) = [event for event in house.told.all_events() if event.get("parent_id") == message]
    assert (passed["workflow"], passed["trace_id"]) == ("invoices", first["trace_id"])
    assert (passed["sender"], passed["queue"]) == ("worker", "next")


def test_what_takes_long_is_told_while_it_runs(house: House) -> None:
    message = house.send("sleep", seconds=1.5)
    house.told.await_kind(message, "running")
    assert "succeeded" not in house.told.kinds(message)
    assert house.told.await_kind(message, "succeeded")["duration_ms"] > 1400


def test_a_process_that_dies_under_a_message_costs_one_attempt(house: House) -> None:
    message = house.send("die")
    house.told.await_kind(message, "succeeded", 60)
    assert house.attempts(message) == ["1", "2"]
    assert house.told.await_kind(message, "retrying")["error"]["type"] == "postroom.errors.WorkerLostError"


def test_large_content_travels_by_reference_and_is_read_once(house: House) -> None:
    message = house.send("large", text="x" * 50_000)
    house.told.await_kind(message, "succeeded")
    assert house.worker.noted(message)[1][:2] == ["bytes", "50000"]


def test_what_cannot_be_read_becomes_a_letter(house: House) -> None:
    from kombu import Connection

    with Connection(house.url.replace("unix://", "redis+socket://")) as connection:
        connection.Producer(auto_declare=False).publish(
            b"{ no json",
            routing_key="worker",
            content_type="application/json",
            content_encoding="utf-8",
            headers={"task": "anything", "id": "unreadable-1"},
        )
    letter = house.told.await_letter("unreadable-1")
    assert base64.b64decode(letter["body"]) == b"{ no json"
    assert letter["failure"]["class"] == "permanent"


def test_a_message_that_comes_twice_is_handled_once(house: House) -> None:
    if house.url.startswith("amqp"):
        pytest.skip("RabbitMQ keeps no records: an agent there names a store")
    message = house.send("succeed", message_id="twice-1")
    house.told.await_kind(message, "succeeded")
    house.send("succeed", message_id="twice-1")
    until(lambda: house.told.kinds(message).count("succeeded") == 2, "the second to be settled")
    assert house.attempts(message) == ["1"]


def test_told_to_end_it_finishes_what_runs(house: House) -> None:
    """The last of this file: afterwards the worker is gone."""
    message = house.send("sleep", seconds=2)
    until(lambda: house.worker.noted(message), "the handler to begin")
    house.worker.process.terminate()
    assert house.worker.process.wait(30) == 0
    assert house.told.await_kind(message, "succeeded")
