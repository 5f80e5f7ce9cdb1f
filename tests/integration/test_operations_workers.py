"""Who carries operations out: workers that die or meet, brokers and databases that go away, and what finds the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import redis
from django.db import OperationalError, connections
from pytest_django.fixtures import Settings

from agents.deadletters.celery import QUEUE
from agents.deadletters.models import Letter, LetterChange, StoredContents
from agents.operations import api, celery, selectors, tasks, watching
from agents.operations.models import Item, Plan
from agents.operations.services import (
    claiming,
    composing,
    executing,
    judging,
    outcomes,
    reaping,
    recording,
    settling,
)
from agents.operations.services.publishers import Publishers
from agents.operations.services.settling import Outcome
from agents.operations.values import (
    Action,
    Grade,
    ItemState,
    Selection,
    State,
)
from core import clock
from core.access.models import GrantRow
from core.brokers.api import BrokerError, Post, Sent
from core.brokers.redis_publisher import ListPublisher
from core.leases import Lease
from core.transitions import StaleStateError
from core.watch import Turn
from tests.support import servers
from tests.support.operations import (
    ALL,
    Consumer,
    check,
    follow,
    held,
    letter_states,
    operator,
    planned,
    started,
    succeeded,
    worked,
)
from tests.support.waiting import until

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True, databases=["default", "telemetry"]),
    pytest.mark.usefixtures("redis_in_use"),
]


def test_an_outcome_that_comes_before_it_was_noted__counted_once() -> None:
    [id] = held()
    ana = operator()
    operation = api.start(planned(ana, **ALL), "why not", ana)
    portion = claiming.claim(operation, 5)
    assert portion
    succeeded(Letter.objects.get(pk=id), 1)
    follow()
    recording.record(portion, {portion.taken[0].item: Sent.CONFIRMED})
    check(operation)
    assert (operation.state, operation.processed) == (State.DONE, 1)
    steps = LetterChange.objects.filter(letter=id).order_by("pk").values_list("after", flat=True)
    assert list(steps) == ["held", "claimed", "dispatched", "processed"]


def test_two_operators_on_the_same_letters__each_letter_is_sent_once(consumer: Consumer) -> None:
    ana, ben = operator(), operator("ben")
    held(6)
    first, second = planned(ana, **ALL), planned(ben, **ALL)
    one, two = api.start(first, "mine", ana), api.start(second, "no, mine", ben)
    worked(one), worked(two)
    assert consumer.waiting() == 6
    assert check(one).dispatched + check(two).dispatched == 6
    assert check(two).left_out == 6
    assert check(two).state == State.DONE
    assert "it is dispatched by now" in {item.why for item in selectors.items(two, ItemState.LEFT_OUT)}


def test_a_worker_that_died_with_letters_in_hand__they_go_on(consumer: Consumer) -> None:
    ana = operator()
    held(5)
    operation = api.start(planned(ana, **ALL), "why not", ana)
    assert claiming.claim(operation, 3)
    assert check(operation).claimed == 3
    with clock.held(clock.now() + timedelta(minutes=1)):
        assert reaping.reap() == 3
    assert check(operation).waiting == 5
    assert Letter.objects.filter(redrives=0).count() == 5
    worked(operation)
    assert consumer.succeed() == 5
    assert check(operation).state == State.DONE


@pytest.mark.parametrize("published", [True, False])
def test_a_worker_that_died_in_the_act__the_marker_tells(published: bool, consumer: Consumer) -> None:
    ana = operator()
    held(5)
    operation = api.start(planned(ana, **ALL), "why not", ana)
    portion = claiming.claim(operation, 5)
    assert portion
    with Publishers() as publishers:
        recording.attempt(portion, publishers.lives(["main"]))
        if published:
            publishers.of("main").publish(composing.posts(portion.taken, operation.plan.how))
    with clock.held(clock.now() + timedelta(minutes=1)):
        reaping.reap()
    with pytest.raises(StaleStateError):
        recording.record(portion, {})
    worked(check(operation))
    assert check(operation).dispatched == 5
    assert consumer.succeed() == 5
    assert check(operation).state == State.DONE


def test_a_worker_that_died_in_the_act__a_redis_that_lost_its_data_tells_nothing(redis_url: str) -> None:
    ana = operator()
    letters = held(5)
    operation = api.start(planned(ana, **ALL), "why not", ana)
    portion = claiming.claim(operation, 5)
    assert portion
    with Publishers() as publishers:
        recording.attempt(portion, publishers.lives(["main"]))
        publishers.of("main").publish(composing.posts(portion.taken[:3], operation.plan.how))
    consumed = Consumer(redis_url).take()
    servers.empty_redis(redis_url)
    with clock.held(clock.now() + timedelta(minutes=1)):
        reaping.reap()
    worked(check(operation))
    assert len(consumed) == 3
    assert Consumer(redis_url).waiting() == 0
    assert check(operation).state == State.DONE_WITH_UNKNOWN
    assert check(operation).unknown == 5
    assert letter_states(letters) == {"unknown"}


def test_a_connection_lost_in_the_act__nobody_thinks_that_nothing_was_sent(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = operator()
    held(5)
    operation = api.start(planned(ana, **ALL), "why not", ana)
    with monkeypatch.context() as lost:
        lost.setattr(ListPublisher, "publish", _some_of_them(ListPublisher.publish, 2))
        worked(operation)
    assert (check(operation).claimed, check(operation).waiting) == (5, 0)
    assert reaping.reap() == 5
    assert (check(operation).dispatched, check(operation).waiting) == (2, 3)
    worked(operation)
    assert consumer.succeed() == 5
    assert check(operation).state == State.DONE


def _some_of_them(
    publish: Callable[[ListPublisher, Sequence[Post]], Sequence[Sent]], number: int
) -> Callable[[ListPublisher, Sequence[Post]], Sequence[Sent]]:
    def some(publisher: ListPublisher, posts: Sequence[Post]) -> Sequence[Sent]:
        publish(publisher, posts[:number])
        raise BrokerError("cannot reach main")

    return some


def test_a_broker_that_is_away_before_anything_is_sent__they_wait(
    settings: Settings, redis_url: str, consumer: Consumer
) -> None:
    ana = operator()
    held(5)
    operation = api.start(planned(ana, **ALL), "why not", ana)
    settings.REDIS_URL = f"redis://127.0.0.1:{servers.free_port()}/0"
    worked(operation)
    assert check(operation).waiting == 5
    settings.REDIS_URL = redis_url
    worked(operation)
    assert consumer.succeed() == 5


def test_several_workers_on_one_operation__each_letter_once(consumer: Consumer) -> None:
    held(60)
    ana = operator()
    operation = api.start(planned(ana, **ALL), "why not", ana)
    before, executing.PORTION = executing.PORTION, {"redis": 5}

    def work(_: int) -> None:
        try:
            executing.go_on(operation.pk)
        finally:
            connections.close_all()

    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
    finally:
        executing.PORTION = before
    worked(operation)
    assert check(operation).dispatched == 60
    assert consumer.waiting() == 60


def test_outcomes_of_what_is_dispatched_and_of_what_is_in_hand__noted_together(consumer: Consumer) -> None:
    ana = operator()
    first = held(2)
    operation = started(ana, **ALL)
    second = held(2)
    other = api.start(planned(ana, **ALL), "mine", ana)
    portion = claiming.claim(other, 2)
    assert portion
    recording.attempt(portion, {})
    outcome = [Outcome(letter, 1, ItemState.PROCESSED, Grade.EVENT) for letter in (*first, *second)]
    assert settling.settle(outcome) == 4
    assert letter_states([*first, *second]) == {"processed"}
    assert (check(operation).state, check(other).processed) == (State.DONE, 2)
    recording.record(portion, {})
    assert check(other).state == State.DONE


def test_enough_triggers_wait__nobody_is_told_again(redis_url: str, consumer: Consumer) -> None:
    held(1)
    ana = operator()
    api.start(planned(ana, **ALL), "repaired", ana)
    with redis.Redis.from_url(redis_url) as client, clock.held(clock.now() + timedelta(minutes=1)):
        client.rpush(QUEUE, *["{}"] * celery.ENOUGH)
        assert reaping.nudge() == 0
        client.delete(QUEUE)
        assert reaping.nudge() == 1


def test_many_who_start_at_the_same_moment__each_has_a_number(consumer: Consumer) -> None:
    many, ana = 8, operator()
    barrier, letters = Barrier(many), held(many)
    plans = [planned(ana, Action.PURGE, Selection(ids=(letter,))) for letter in letters]

    def start(plan: Plan) -> int:
        barrier.wait()
        try:
            return api.start(plan, "mine", ana).number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(many) as pool:
        numbers = list(pool.map(start, plans))
    assert len(set(numbers)) == many


def test_what_follows_an_outcome_fails__the_outcome_is_noted(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(1)
    operation = started(operator(), **ALL)

    def broken(_: object) -> None:
        raise RuntimeError("the database went away")

    with monkeypatch.context() as patched:
        patched.setattr(judging, "follow_up", broken)
        assert consumer.succeed() == 1
    assert (check(operation).state, check(operation).processed) == (State.RUNNING, 1)
    reaping.nudge()
    assert check(operation).state == State.DONE


def test_the_last_unknown_is_settled_and_nobody_was_told__the_sweep_finds_it(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(1)
    operation = started(operator(), **ALL)
    with clock.held(clock.now() + timedelta(hours=1)):
        assert outcomes.give_up() == 1
    assert check(operation).state == State.DONE_WITH_UNKNOWN
    with monkeypatch.context() as killed:
        killed.setattr(settling, "follow_up", lambda operations: None)
        assert consumer.succeed() == 1
    assert (check(operation).state, check(operation).unknown) == (State.DONE_WITH_UNKNOWN, 0)
    reaping.nudge()
    assert check(operation).state == State.DONE


def test_the_database_is_away__a_worker_says_so_and_leaves_it_to_the_reaper(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(1)
    ana = operator()
    operation = api.start(planned(ana, **ALL), "repaired", ana)

    def away(*_: object) -> None:
        raise OperationalError("the connection is lost")

    with monkeypatch.context() as patched:
        patched.setattr(claiming, "claim", away)
        tasks.execute(str(operation.pk))
    tasks.execute(str(operation.pk))
    assert check(operation).dispatched == 1


def test_rights_that_are_gone_by_then__halted_and_nothing_sent(consumer: Consumer) -> None:
    ana = operator("ana", "operator")
    held(3)
    operation = api.start(planned(ana, **ALL), "why not", ana)
    GrantRow.objects.filter(user__username="ana").delete()
    check(worked(operation))
    assert (operation.state, operation.waiting, consumer.waiting()) == (State.HALTED, 3, 0)
    assert "ana" in operation.why


def test_the_rate_option_is_kept(consumer: Consumer) -> None:
    held(30)
    operation = api.start(planned(operator(), canary="off", rate=20), "why not", operator("ben"))
    began = time.monotonic()
    worked(operation)
    assert 1.3 <= time.monotonic() - began <= 4
    assert check(operation).dispatched == 30


def test_unreadable_contents__held_again_and_halted(consumer: Consumer, settings: Any) -> None:
    letters = held(2)
    operation = api.start(planned(operator(), **ALL), "why not", operator("ben"))
    StoredContents.objects.all().delete()
    check(worked(operation))
    assert (operation.state, operation.waiting) == (State.HALTED, 2)
    assert letter_states(letters) == {"held"}
    assert Item.objects.filter(number=0).count() == 2


def test_a_letter_of_a_broker_that_is_not_configured__halted_with_its_name(consumer: Consumer) -> None:
    held(1)
    Letter.objects.update(broker="elsewhere")
    operation = started(operator(), **ALL)
    assert check(operation).state == State.HALTED
    assert "elsewhere" in operation.why


def test_a_delayed_message__moved_to_its_queue_by_the_watcher_when_it_is_due(consumer: Consumer) -> None:
    held(1)
    started(operator(), delay=0.5, **ALL)
    assert consumer.waiting() == 0
    turn = Turn(Lease("watcher", 1, timedelta(seconds=60), clock.monotonic() + 60))

    def arrived() -> bool:
        watching.move_due(turn)
        return consumer.waiting() == 1

    until(arrived, "the delayed message")


def test_an_outcome_and_a_death_come_before_it_was_noted__those_are_left_as_they_are() -> None:
    ended, again, sent = held(3)
    ana = operator()
    operation = api.start(planned(ana, **ALL), "why not", ana)
    portion = claiming.claim(operation, 5)
    assert portion
    settling.settle([Outcome(ended, 1, ItemState.PROCESSED, Grade.EVENT)])
    Letter.objects.filter(pk=again).update(state="held")
    recording.record(portion, {each.item: Sent.CONFIRMED for each in portion.taken})
    check(operation)
    assert (operation.processed, operation.dispatched, operation.claimed) == (1, 2, 0)
    states = dict(Letter.objects.values_list("pk", "state"))
    assert states == {ended: "processed", again: "held", sent: "dispatched"}
    lines = LetterChange.objects.filter(letter__in=[again, sent], after="dispatched")
    assert list(lines.values_list("letter", flat=True)) == [sent]


def test_a_letter_that_is_gone_before_it_was_noted__the_others_are_noted() -> None:
    gone, sent = held(2)
    ana = operator()
    operation = api.start(planned(ana, **ALL), "why not", ana)
    portion = claiming.claim(operation, 5)
    assert portion
    Letter.objects.filter(pk=gone).delete()
    recording.record(portion, {each.item: Sent.CONFIRMED for each in portion.taken})
    assert check(operation).dispatched == 2
    assert letter_states([sent]) == {"dispatched"}
