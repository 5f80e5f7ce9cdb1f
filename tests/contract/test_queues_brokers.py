"""What a broker says of its queues: every implementation, on a real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from agents.queues.api import BrokerError, PeekCountsError
from agents.queues.values import Figures, QueueKind
from tests.support.queue_brokers import QUORUM, Home, managed
from tests.support.servers import free_port
from tests.support.waiting import until

KINDS = {
    "redis": QueueKind.LIST,
    "classic": QueueKind.UNKNOWN,
    "quorum": QueueKind.UNKNOWN,
    "managed-classic": QueueKind.CLASSIC,
    "managed-quorum": QueueKind.QUORUM,
}


@pytest.fixture(scope="module")
def management(rabbitmq_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with managed(tmp_path_factory.mktemp("rabbitmq")) as broker:
        yield Home(broker.plain, management=broker.management)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(kind: str, request: pytest.FixtureRequest) -> Home:
    if kind == "redis":
        return Home(request.getfixturevalue("redis_url"))
    arguments = QUORUM if kind.endswith("quorum") else None
    if kind.startswith("managed"):
        return replace(request.getfixturevalue("management"), arguments=arguments)
    # An address where no management API answers.
    return Home(request.getfixturevalue("vhost"), arguments, f"http://127.0.0.1:{free_port()}")


@pytest.fixture
def name() -> str:
    return f"extract-{uuid.uuid4().hex[:8]}"


def read(home: Home, *known: str) -> dict[str, Figures]:
    with home.open() as there:
        return {each.name: each for each in there.read(known).queues}


def test_read__nobody_ever_sent__no_queues(home: Home) -> None:
    with home.open() as there:
        assert all(each.name.startswith("extract-") for each in there.read([]).queues)


def test_read__depth_of_each_queue(home: Home, kind: str, name: str) -> None:
    home.send(name, "a", "b", "c")
    home.declare(f"{name}-2")
    found = read(home, name, f"{name}-2")
    assert found[name].depth == 3
    assert found[f"{name}-2"].depth == 0
    assert found[name].kind == KINDS[kind] or until(
        lambda: read(home, name)[name].kind == KINDS[kind], "the management API to know it"
    )


def test_read__a_queue_that_is_not_there__absent_or_empty_and_no_error(home: Home, name: str) -> None:
    home.declare(name)
    with home.open() as there:
        reading = there.read([name, "no-such-queue"])
    found = {each.name: each.depth for each in reading.queues}
    assert found[name] == 0
    assert "no-such-queue" in reading.absent or found["no-such-queue"] == 0


def test_read__finds_queues_by_itself__where_the_broker_tells(home: Home, kind: str, name: str) -> None:
    home.send(name, "a")
    if kind in {"classic", "quorum"}:
        assert name not in read(home)
    else:
        until(lambda: name in read(home), "the queue to be found")


def test_read__celerys_and_postrooms_own_queues__left_out(home: Home, name: str) -> None:
    own = [f"celery@{name}.celery.pidbox", f"celeryev.{name}"]
    home.declare(name, *own)
    assert not read(home, name, *own, "postroom.letters", "postroom.events").keys() & set(own)
    assert name in read(home, name, *own)


def test_read__in_hand_is_not_waiting(home: Home, kind: str, name: str) -> None:
    home.send(name, "a", "b", "c")
    with home.taking(name, 2):
        assert until(lambda: read(home, name)[name].depth == 1, "two to be in hand")
        if kind in {"classic", "quorum"}:
            assert read(home, name)[name].unacknowledged is None
        else:
            until(lambda: read(home, name)[name].unacknowledged == 2, "the broker to say so")
    until(lambda: read(home, name)[name].depth == 3, "both to be back")


def test_read__is_without_a_trace(home: Home, name: str) -> None:
    home.send(name, "a", "b")
    for _ in range(5):
        assert read(home, name)[name].depth == 2
    with home.connected() as connection:
        message = home.queue(name)(connection.default_channel).get()
        assert message
        assert message.headers["id"] == "a"
        assert not message.delivery_info.get("redelivered")
        message.ack()


def test_read__broker_away__says_so_and_answers_again(home: Home, kind: str, name: str) -> None:
    away = replace(home, url=f"redis://127.0.0.1:{free_port()}/0" if home.is_redis else _elsewhere(home.url))
    with away.open() as there, pytest.raises(BrokerError, match="cannot reach main"):
        there.read([name])


def test_peek__sees_the_next_ones_in_order_and_leaves_them(home: Home, name: str) -> None:
    home.send(name, "a", "b", "c")
    with home.open() as there:
        seen = there.peek(name, 2, knowing_that_it_counts=True)
        assert [each.message_id for each in seen] == ["a", "b"]
        assert seen[0].task == "shop.book"
        assert seen[0].sender == "shop"
        assert seen[0].body.startswith(b"[[]")
    until(lambda: read(home, name)[name].depth == 3, "all to be back")


def test_peek__that_counts__only_for_who_knows(home: Home, name: str) -> None:
    home.send(name, "a")
    with home.open() as there:
        if there.peeks_in_place:
            assert [each.message_id for each in there.peek(name, 5)] == ["a"]
        else:
            with pytest.raises(PeekCountsError):
                there.peek(name, 5)


def test_peek__empty_queue__nothing(home: Home, name: str) -> None:
    home.declare(name)
    with home.open() as there:
        assert list(there.peek(name, 5, knowing_that_it_counts=True)) == []


def test_consumers__counted_where_the_broker_knows(home: Home, kind: str, name: str) -> None:
    home.declare(name)
    with home.connected() as connection, connection.Consumer([home.queue(name)], callbacks=[print]):
        if home.is_redis:
            assert read(home, name)[name].consumers is None
        else:
            until(lambda: read(home, name)[name].consumers == 1, "the consumer to be counted")
        if kind.startswith("managed"):
            with home.open() as there:
                found = until(lambda: there.consumers(name), "the consumer to be told")
                assert found[0].told_by == "broker"


def test_bindings__ways_in(home: Home, kind: str, name: str) -> None:
    home.declare(name)
    with home.open() as there:
        found = there.bindings(name)
    if kind not in {"classic", "quorum"}:
        assert name in {each.routing_key for each in found}


def _elsewhere(url: str) -> str:
    return f"amqp://guest:guest@127.0.0.1:{free_port()}//"


def test_counters__of_the_management_api(management: Home, name: str) -> None:
    management.send(name, "a", "b")
    until(lambda: name in (found := read(management)) and found[name].entered == 2, "the counter to tell")
    figures = read(management)[name]
    assert figures.left == 0
    assert figures.memory
