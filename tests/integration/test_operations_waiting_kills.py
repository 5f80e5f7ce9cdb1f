"""A worker dies while it moves or purges waiting messages, and their Redis loses its data or keeps it: what can be
known is known, and what is not found on a Redis that lost its data is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from agents.deadletters.models import Letter
from agents.operations import api
from agents.operations.models import Item, Operation
from agents.operations.services import executing, shifting
from agents.operations.values import Action, ItemState, State
from core.brokers.api import BrokerUrl
from core.crash import Point
from tests.support import servers
from tests.support.cut import killed_at, stopped_at
from tests.support.queues_of_messages import Queues, made_on, numbered, operator_again, started, worked
from tests.support.servers import PrivateRedis
from tests.support.waiting import until

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True, databases=["default", "telemetry"]),
]

# More than go to the broker at once, so that a worker can die between them.
MANY, AT_ONCE = 120, 100
POINTS = [Point.CLAIM, Point.PUBLISH, Point.RECORD]


@pytest.fixture(params=["forgets"])
def server(request: pytest.FixtureRequest, redis_server: str) -> Iterator[PrivateRedis]:
    """The messages' Redis, which is another than Postroom's own."""
    options = ("--appendonly", "yes", "--appendfsync", "always") if request.param == "writes" else ()
    found = PrivateRedis(*options)
    yield found
    found.close()


@pytest.fixture
def queues(server: PrivateRedis, redis_url: str, settings: Any) -> Queues:
    return made_on(BrokerUrl("main", server.url), settings, redis_url)


@pytest.fixture
def on_rabbitmq(rabbitmq_url: str, redis_url: str, settings: Any) -> Queues:
    return made_on(BrokerUrl("rabbit", rabbitmq_url), settings, redis_url)


def killed_while_working(operation: Operation, point: Point, live: str, times: int = 1) -> None:
    """Its lease has run out when this returns."""
    killed_at(point, lambda: executing.go_on(operation.pk), times)
    servers.empty_redis(live)


def whys(operation: Operation, state: ItemState) -> set[str]:
    return set(Item.objects.filter(plan=operation.plan_id, state=state).values_list("why", flat=True))


@pytest.mark.parametrize("point", POINTS)
def test_moved_and_killed_on_a_redis_that_kept_its_data__each_is_moved_once(
    queues: Queues, redis_url: str, point: Point
) -> None:
    queues.send(*numbered(MANY))
    operation = started(queues)
    killed_while_working(operation, point, redis_url)
    worked(operation)
    assert (operation.state, operation.applied) == (State.DONE, MANY)
    assert queues.bodies(queues.other) == [*numbered(MANY)]
    assert queues.bodies(queues.name) == []


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("action", [Action.MOVE, Action.PURGE])
def test_killed_and_the_redis_lost_its_data__all_that_is_not_found_is_unknown(
    queues: Queues, server: PrivateRedis, redis_url: str, point: Point, action: Action
) -> None:
    queues.send(*numbered(MANY))
    operation = started(queues, action)
    killed_while_working(operation, point, redis_url)
    server.killed_and_started()
    worked(operation)
    assert (operation.state, operation.unknown, operation.left_out) == (State.DONE_WITH_UNKNOWN, MANY, 0)
    assert whys(operation, ItemState.UNKNOWN) == {shifting.LOST}


def test_the_redis_lost_its_data_under_a_worker_that_lives__unknown(
    queues: Queues, server: PrivateRedis
) -> None:
    queues.send("a", "b")
    operation = started(queues)
    with stopped_at(Point.CLAIM, lambda: executing.go_on(operation.pk)):
        server.killed_and_started()
    worked(operation)
    assert (operation.state, operation.unknown, operation.left_out) == (State.DONE_WITH_UNKNOWN, 2, 0)


def test_the_redis_lost_its_data_and_other_messages_came__those_wait_where_they_are(
    queues: Queues, server: PrivateRedis, redis_url: str
) -> None:
    queues.send("a", "b")
    operation = started(queues)
    killed_while_working(operation, Point.RECORD, redis_url)
    server.killed_and_started()
    queues.send("new")
    worked(operation)
    assert (operation.state, operation.unknown) == (State.DONE_WITH_UNKNOWN, 2)
    assert (queues.bodies(queues.name), queues.bodies(queues.other)) == (["new"], [])


def test_the_redis_lost_its_data_before_anything_was_tried__left_out(
    queues: Queues, server: PrivateRedis
) -> None:
    queues.send("a")
    operation = started(queues)
    server.killed_and_started()
    worked(operation)
    assert (operation.state, operation.left_out) == (State.DONE, 1)


@pytest.mark.parametrize("server", ["writes"], indirect=True)
def test_killed_with_a_redis_that_writes_all_to_its_file__what_a_consumer_took_is_left_out(
    queues: Queues, server: PrivateRedis, redis_url: str
) -> None:
    queues.send("a", "b")
    operation = started(queues)
    killed_while_working(operation, Point.CLAIM, redis_url)
    queues.bodies(queues.name)
    server.killed_and_started()
    worked(operation)
    assert (operation.state, operation.left_out) == (State.DONE, 2)
    assert whys(operation, ItemState.LEFT_OUT) == {shifting.WENT}


@pytest.mark.parametrize("point", POINTS)
def test_purged_and_killed__every_message_is_a_letter_once(
    queues: Queues, redis_url: str, point: Point
) -> None:
    queues.send(*numbered(MANY))
    operation = started(queues, Action.PURGE)
    killed_while_working(operation, point, redis_url)
    worked(operation)
    queues.capture()
    assert (operation.state, operation.applied) == (State.DONE, MANY)
    assert queues.bodies(queues.name) == []
    assert Letter.objects.filter(state="held").count() == MANY


def test_purged_captured_and_then_the_redis_lost_its_data__custody_proves_what_it_has(
    queues: Queues, server: PrivateRedis, redis_url: str
) -> None:
    queues.send(*numbered(MANY))
    operation = started(queues, Action.PURGE)
    killed_while_working(operation, Point.PUBLISH, redis_url)
    queues.capture()
    server.killed_and_started()
    worked(operation)
    assert (operation.applied, operation.unknown) == (AT_ONCE, MANY - AT_ONCE)
    assert Letter.objects.filter(state="held").count() == AT_ONCE


@pytest.mark.parametrize(
    ("point", "applied", "untouched"),
    [(Point.CLAIM, 0, MANY), (Point.PUBLISH, AT_ONCE, MANY - AT_ONCE), (Point.RECORD, MANY, 0)],
)
def test_killed_and_cancelled__what_was_moved_is_known_and_nothing_moves_any_more(
    queues: Queues, redis_url: str, point: Point, applied: int, untouched: int
) -> None:
    queues.send(*numbered(MANY))
    operation = started(queues)
    killed_while_working(operation, point, redis_url)
    assert api.cancel(operation, operator_again()).state == State.CANCELLING
    worked(operation)
    assert (operation.state, operation.applied, operation.untouched) == (State.CANCELLED, applied, untouched)
    assert len(queues.bodies(queues.other)) == applied
    assert len(queues.bodies(queues.name)) == untouched


def test_killed_and_cancelled_and_the_redis_lost_its_data__unknown(
    queues: Queues, server: PrivateRedis, redis_url: str
) -> None:
    queues.send("a", "b")
    operation = started(queues)
    killed_while_working(operation, Point.CLAIM, redis_url)
    server.killed_and_started()
    api.cancel(operation, operator_again())
    worked(operation)
    assert (operation.state, operation.unknown) == (State.CANCELLED, 2)


def test_cancelled_while_a_worker_is_in_the_act__what_it_moves_is_counted(queues: Queues) -> None:
    queues.send("a", "b")
    operation = started(queues)
    with stopped_at(Point.CLAIM, lambda: executing.go_on(operation.pk)):
        api.cancel(operation, operator_again())
    operation.refresh_from_db()
    assert (operation.state, operation.applied) == (State.CANCELLED, 2)
    assert queues.bodies(queues.other) == ["a", "b"]


def test_on_rabbitmq_killed_before_anything_went_out__moved_by_the_next(
    on_rabbitmq: Queues, redis_url: str
) -> None:
    on_rabbitmq.send("a", "b", "c")
    operation = started(on_rabbitmq)
    killed_while_working(operation, Point.CLAIM, redis_url)
    worked(operation)
    assert (operation.state, operation.applied) == (State.DONE, 3)
    assert on_rabbitmq.bodies(on_rabbitmq.other) == ["a", "b", "c"]


def test_on_rabbitmq_purged_killed_and_captured__custody_proves_it_and_nothing_is_lost(
    on_rabbitmq: Queues, redis_url: str
) -> None:
    on_rabbitmq.send("a", "b", "c")
    operation = started(on_rabbitmq, Action.PURGE)
    killed_while_working(operation, Point.RECORD, redis_url)
    on_rabbitmq.capture()
    worked(operation)
    assert (operation.state, operation.applied) == (State.DONE, 3)
    assert {*Letter.objects.values_list("message_id", flat=True)} == {"m-a", "m-b", "m-c"}


def test_on_rabbitmq_killed_and_cancelled__what_is_gone_is_unknown_and_what_waits_is_untouched(
    on_rabbitmq: Queues, redis_url: str
) -> None:
    on_rabbitmq.send("a", "b", "c")
    operation = started(on_rabbitmq)
    killed_while_working(operation, Point.PUBLISH, redis_url, times=2)
    api.cancel(operation, operator_again())
    until(lambda: on_rabbitmq.depth() == 2, "what the dead worker held to wait again")
    worked(operation)
    assert (operation.state, operation.unknown, operation.untouched) == (State.CANCELLED, 1, 2)
