"""A redrive from plan to outcome: sealed, sent once, climbing on outcomes, halting, settled by evidence or by hand."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from agents.deadletters import selectors as custody
from agents.deadletters.celery import QUEUE
from agents.deadletters.models import Letter, LetterChange
from agents.operations import api, celery, selectors, tasks
from agents.operations.errors import (
    EmptyPlanError,
    PlanExpiredError,
    PlanUsedError,
    ReasonMissingError,
    WrongCountError,
)
from agents.operations.models import Item, Plan
from agents.operations.services import claiming, executing, judging, outcomes, reaping, recording, settling
from agents.operations.services.settling import Outcome
from agents.operations.values import (
    Action,
    Grade,
    GuardKind,
    ItemState,
    PlanState,
    Selection,
    Standing,
    State,
    Verdict,
)
from agents.registry.services import heartbeats
from agents.registry.values import Heartbeat
from core import clock
from core.access.api import PermissionRefusedError, Scope
from core.access.audit.models import Entry
from core.brokers.api import BrokerError, Post, Sent
from core.brokers.redis_publisher import ListPublisher
from core.transitions import StaleStateError
from tests.support import servers
from tests.support.accounts import person, signed_in
from tests.support.operations import (
    Consumer,
    check,
    died,
    follow,
    held,
    letter_states,
    operator,
    planned,
    started,
    succeeded,
    worked,
)

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True, databases=["default", "telemetry"]),
]

ALL: dict[str, Any] = {"canary": "off", "rate": "full"}


@pytest.fixture(autouse=True)
def redis_in_use(redis_url: str, settings: Settings) -> None:
    settings.REDIS_URL = redis_url


@pytest.fixture
def consumer(redis_url: str) -> Consumer:
    return Consumer(redis_url)


def test_a_plan_freezes_its_members__what_comes_later_is_not_in_it() -> None:
    ana, first = operator(), held(3)
    plan = planned(ana)
    held(2)
    assert (plan.state, plan.count, selectors.late(plan)) == (PlanState.SEALED, 3, 2)
    assert [item.letter for item in selectors.members(plan)] == sorted(first)
    assert len(plan.sha256) == 64


def test_the_hash_is_over_members_and_options() -> None:
    ana = operator()
    held(3)
    assert planned(ana).sha256 == planned(ana).sha256
    assert planned(ana, rate=5).sha256 != planned(ana).sha256
    assert planned(ana, Action.PURGE).sha256 != planned(ana).sha256


def test_everything_is_sent_and_processed__done(consumer: Consumer) -> None:
    letters = held(7)
    operation = started(operator(), **ALL)
    assert check(operation).tally.dispatched == 7
    assert letter_states(letters) == {"dispatched"}
    assert consumer.succeed() == 7
    check(operation)
    assert (operation.state, operation.processed, operation.grades[Grade.EVENT]) == (State.DONE, 7, 7)
    assert letter_states(letters) == {"processed"}


def test_the_message_is_what_it_was_and_says_which_redrive_it_is(consumer: Consumer) -> None:
    [letter] = held(body=b'{"a": 1}')
    started(operator(), **ALL)
    [message] = consumer.take()
    assert message["body"] == "eyJhIjogMX0="
    assert message["headers"]["postroom-redrive-id"] == f"{letter}:1"
    assert message["headers"]["postroom-sender"] == "classify"


def test_the_same_failure_again__one_spent_and_halted(consumer: Consumer) -> None:
    letters = held(40)
    operation = started(operator(), rate="full")
    assert check(operation).tally.dispatched == 1
    consumer.fail()
    check(operation)
    assert operation.state == State.HALTED
    assert (operation.failed_same, operation.waiting) == (1, 39)
    assert "failed the same way" in operation.why
    worked(operation)
    assert consumer.waiting() == 0
    assert letter_states(letters) == {"held"}
    assert Letter.objects.get(deaths=2).redrives == 1


def test_the_same_failure_again__its_group_names_the_operation(consumer: Consumer) -> None:
    earlier = started(operator(), select=Selection(ids=tuple(held())), **ALL)
    held(2)
    operation = started(operator("ben"), rate="full")
    consumer.fail()
    assert check(earlier).failed_same == check(operation).failed_same == 1
    olga = signed_in(person("olga", "viewer"))
    [group] = olga.get("/api/v1/failure-groups").json()["results"]
    named = {"id": str(operation.pk), "number": operation.number, "action": "redrive"}
    assert (group["came_back"]["times"], group["came_back"]["operation"]) == (2, named)
    assert olga.get(f"/api/v1/failure-groups/{group['id']}").json()["came_back"] == group["came_back"]
    path = f"/operations/{operation.pk}"
    assert f'Came back after <a href="{path}">{operation}</a>' in shown(
        olga, f"/letters/groups/{group['id']}"
    )
    assert f"came back after {operation}</a>" in shown(olga, "/letters")


def shown(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_repaired__the_ladder_is_climbed_to_the_end(consumer: Consumer) -> None:
    held(40)
    operation = started(operator(), rate="full")
    sizes = []
    while operation.state == State.RUNNING:
        sizes.append(consumer.succeed())
        check(worked(operation))
    assert (sizes, operation.state) == ([1, 5, 25, 9], State.DONE)
    said = [line.said for line in selectors.timeline(operation)]
    assert sum(line.startswith("step ") for line in said) == 3


def test_resumed_after_a_halt__the_ladder_begins_anew(consumer: Consumer) -> None:
    ana = operator()
    held(40)
    operation = started(ana, rate="full")
    consumer.fail()
    operation = worked(api.resume(check(operation), ana))
    assert consumer.succeed() == 1
    assert consumer.waiting() == 0
    check(worked(operation))
    assert consumer.waiting() == 5


def test_half_repaired__halts_where_the_ratio_says(consumer: Consumer) -> None:
    held(40)
    operation = started(operator(), rate="full", halt_when={"same_failure_ratio": 0.3})
    consumer.succeed()
    worked(operation)

    def every_other(letter: Letter, number: int, seen: list[int] = []) -> None:  # noqa: B006
        seen.append(number)
        died(letter, number) if len(seen) % 2 else succeeded(letter, number)

    consumer.end(every_other)
    check(operation)
    assert operation.state == State.HALTED
    assert (operation.processed, operation.failed_same) == (3, 3)


def test_another_failure__told_apart_and_goes_on(consumer: Consumer) -> None:
    held(3)
    operation = started(operator(), canary="off", rate="full")
    consumer.fail("disk full")
    check(operation)
    assert (operation.state, operation.failed_new, operation.failed_same) == (State.DONE, 3, 0)


def test_no_outcome_in_time__unknown_and_never_called_done(consumer: Consumer) -> None:
    letters = held(2)
    operation = started(operator(), outcome_within=5, **ALL)
    with clock.held(clock.now() + timedelta(seconds=6)):
        assert outcomes.give_up() == 2
    check(operation)
    assert (operation.state, operation.unknown) == (State.DONE_WITH_UNKNOWN, 2)
    assert letter_states(letters) == {"unknown"}
    consumer.succeed()
    check(operation)
    assert (operation.state, operation.processed) == (State.DONE, 2)
    assert letter_states(letters) == {"processed"}


def test_settled_by_hand__audited(consumer: Consumer) -> None:
    ana, letters = operator(), held(3)
    operation = started(ana, outcome_within=5, **ALL)
    with clock.held(clock.now() + timedelta(seconds=6)):
        outcomes.give_up()
    assert api.settle(check(operation), Verdict.PROCESSED, ana, letters[:1]) == 1
    assert api.settle(check(operation), Verdict.FAILED, ana) == 2
    check(operation)
    assert (operation.processed, operation.failed_new, operation.state) == (1, 2, State.DONE)
    assert operation.grades[Grade.HAND] == 3
    assert letter_states(letters[:1]) == {"processed"}
    assert letter_states(letters[1:]) == {"held"}
    assert Entry.objects.filter(action="operation.settled").count() == 2


def test_an_outcome_that_comes_before_it_was_noted__counted_once() -> None:
    [id] = held()
    ana = operator()
    operation = api.start(planned(ana, **ALL), "why not", ana)
    from agents.operations.services import claiming, recording
    from core.brokers.api import Sent

    portion = claiming.claim(operation, 5)
    assert portion
    succeeded(Letter.objects.get(pk=id), 1)
    follow()
    recording.record(portion, {portion.taken[0].item: Sent.CONFIRMED})
    check(operation)
    assert (operation.state, operation.processed) == (State.DONE, 1)
    steps = LetterChange.objects.filter(letter=id).order_by("pk").values_list("after", flat=True)
    assert list(steps) == ["held", "claimed", "dispatched", "processed"]


def test_paused__nothing_more_is_sent_and_resumed_it_goes_on(consumer: Consumer) -> None:
    ana = operator()
    held(12)
    operation = started(ana, canary=[2], rate="full")
    api.pause(operation, ana)
    assert consumer.succeed() == 2
    worked(operation)
    assert (consumer.waiting(), check(operation).state) == (0, State.PAUSED)
    worked(api.resume(operation, ana))
    assert consumer.succeed() > 0
    worked(operation)
    consumer.succeed()
    assert check(worked(operation)).processed == 12


def test_cancelled__what_is_sent_stays_sent_and_the_rest_is_untouched(consumer: Consumer) -> None:
    ana, letters = operator(), held(12)
    operation = started(ana, canary=[2], rate="full")
    operation = check(api.cancel(operation, ana))
    assert (operation.state, operation.untouched, operation.dispatched) == (State.CANCELLING, 10, 2)
    consumer.succeed()
    assert check(operation).state == State.CANCELLED
    assert letter_states(letters) == {"held", "processed"}
    with pytest.raises(StaleStateError):
        api.resume(operation, ana)


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
    from agents.operations.services import claiming

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
    from agents.operations.services import claiming, composing, recording
    from agents.operations.services.publishers import Publishers

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
    from agents.operations.services import claiming, composing, recording
    from agents.operations.services.publishers import Publishers

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
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connections

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
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    from django.db import connections

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


def test_a_plan_is_used_once_in_time_with_a_reason(consumer: Consumer) -> None:
    ana = operator()
    held(2)
    plan = planned(ana, **ALL)
    with pytest.raises(ReasonMissingError):
        api.start(plan, "  ", ana)
    with pytest.raises(WrongCountError, match="3 was typed, and the plan has 2"):
        api.start(plan, "repaired", ana, count=3)
    api.start(plan, "repaired", ana, count=2)
    plan.refresh_from_db()
    with pytest.raises(PlanUsedError):
        api.start(plan, "again", ana)
    late = planned(ana)
    with clock.held(clock.now() + timedelta(hours=2)):
        with pytest.raises(PlanExpiredError):
            api.start(late, "too late", ana)
        assert reaping.expire_plans() == 1


def test_nothing_matches__nothing_starts() -> None:
    ana = operator()
    with pytest.raises(EmptyPlanError):
        api.start(planned(ana), "why not", ana)


def test_letters_of_another_scope__not_in_the_plan(consumer: Consumer) -> None:
    held(2, queue="extract"), held(3, queue="billing")
    ana = operator("ana", "operator", scope=Scope(queue="extract"))
    plan = planned(ana)
    assert plan.count == 2
    ids = tuple(Letter.objects.filter(queue="billing").values_list("pk", flat=True))
    assert planned(ana, select=Selection(ids=ids)).count == 0
    ben = operator("ben", "operator", scope=Scope(queue="billing"))
    with pytest.raises(PermissionRefusedError):
        api.start(plan, "mine", ben)
    assert selectors.plan(ben.subject, plan.pk) is None


def test_without_the_right__refused() -> None:
    with pytest.raises(PermissionRefusedError):
        planned(operator("vic", "viewer"))


def test_rights_that_are_gone_by_then__halted_and_nothing_sent(consumer: Consumer) -> None:
    from core.access.models import GrantRow

    ana = operator("ana", "operator")
    held(3)
    operation = api.start(planned(ana, **ALL), "why not", ana)
    GrantRow.objects.filter(user__username="ana").delete()
    check(worked(operation))
    assert (operation.state, operation.waiting, consumer.waiting()) == (State.HALTED, 3, 0)
    assert "ana" in operation.why


def test_the_rate_option_is_kept(consumer: Consumer) -> None:
    import time

    held(30)
    operation = api.start(planned(operator(), canary="off", rate=20), "why not", operator("ben"))
    began = time.monotonic()
    worked(operation)
    assert 1.3 <= time.monotonic() - began <= 4
    assert check(operation).dispatched == 30


def test_unreadable_contents__held_again_and_halted(consumer: Consumer, settings: Any) -> None:
    from agents.deadletters.models import StoredContents

    letters = held(2)
    operation = api.start(planned(operator(), **ALL), "why not", operator("ben"))
    StoredContents.objects.all().delete()
    check(worked(operation))
    assert (operation.state, operation.waiting) == (State.HALTED, 2)
    assert letter_states(letters) == {"held"}
    assert Item.objects.filter(number=0).count() == 2


def test_the_version_that_failed_still_runs__warned_of_and_left_out(consumer: Consumer) -> None:
    ana = operator()
    held(3), held(2, version="1.8.1")
    heartbeats.beat([Heartbeat("extract", "extract-0", "production", clock.now(), version="1.8.2")])
    plan = planned(ana, **ALL)
    guards = {guard.kind: guard for guard in plan.warnings}
    assert guards[GuardKind.VERSION_RUNS].count == 3
    assert guards[GuardKind.NO_CONSUMER].standing is Standing.OK
    operation = api.start(plan, "the rest", ana, leave_out=[GuardKind.VERSION_RUNS])
    check(worked(operation))
    assert (operation.left_out, operation.dispatched, consumer.waiting()) == (3, 2, 2)


def test_part_of_a_chain__warned_of(consumer: Consumer) -> None:
    chained = b'[[], {}, {"chain": [{"task": "next"}]}]'
    held(1, body=chained, headers={"task": "book", "id": "m-1"}), held(2)
    guards = {guard.kind: guard for guard in planned(operator()).warnings}
    assert guards[GuardKind.CANVAS].count == 1


def test_edited__what_goes_out_is_changed_and_the_original_stays(consumer: Consumer) -> None:
    [letter] = held(body=b'{"order": 7, "card": "old"}')
    edit = {"body": {"card": "new"}, "headers": [{"op": "add", "path": "/why", "value": "repaired"}]}
    started(operator(), edit=edit, **ALL)
    [message] = consumer.take()
    assert json.loads(base64.b64decode(message["body"])) == {"order": 7, "card": "new"}
    assert message["headers"]["why"] == "repaired"
    kept = custody.contents_of(Letter.objects.get(pk=letter))
    assert kept
    assert kept.body == b'{"order": 7, "card": "old"}'


def test_an_edit_that_does_not_fit__halted_and_nothing_sent(consumer: Consumer) -> None:
    held(2, body=b"no json")
    operation = started(operator(), edit={"body": {"card": "new"}}, **ALL)
    check(operation)
    assert (operation.state, operation.waiting, consumer.waiting()) == (State.HALTED, 2, 0)
    assert "The edit does not fit letter" in operation.why


def test_to_another_queue_and_with_a_delay__there_and_then(consumer: Consumer, redis_url: str) -> None:
    held(1)
    operation = started(operator(), target_queue="repair", delay=60, **ALL)
    repair = Consumer(redis_url, "repair")
    assert check(operation).dispatched == 1
    assert (repair.waiting(), consumer.waiting()) == (0, 0)
    started(operator("ben"), Action.REDRIVE, Selection(ids=tuple(held(1))), target_queue="repair", **ALL)
    assert repair.waiting() == 1


def test_a_letter_of_a_broker_that_is_not_configured__halted_with_its_name(consumer: Consumer) -> None:
    held(1)
    Letter.objects.update(broker="elsewhere")
    operation = started(operator(), **ALL)
    assert check(operation).state == State.HALTED
    assert "elsewhere" in operation.why


def test_a_delayed_message__moved_to_its_queue_by_the_watcher_when_it_is_due(consumer: Consumer) -> None:
    from agents.operations import watching
    from core.leases import Lease
    from core.watch import Turn
    from tests.support.waiting import until

    held(1)
    started(operator(), delay=0.5, **ALL)
    assert consumer.waiting() == 0
    turn = Turn(Lease("watcher", 1, timedelta(seconds=60), clock.monotonic() + 60))

    def arrived() -> bool:
        watching.move_due(turn)
        return consumer.waiting() == 1

    until(arrived, "the delayed message")
