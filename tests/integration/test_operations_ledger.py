"""What people and Postroom conclude of a redriven message stands in the ledger too, whoever dies in between."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from agents.deadletters.models import Letter
from agents.ledger import api as ledger
from agents.operations import api
from agents.operations.models import Operation, Untold
from agents.operations.services import claiming, executing, outcomes, reaping, recording, settling, telling
from agents.operations.services.settling import Outcome
from agents.operations.values import Action, Grade, ItemState, Selection, Verdict
from core import clock
from core.access.services import Actor
from core.brokers.api import Sent
from core.crash import Point
from tests.support.accounts import person, signed_in
from tests.support.cut import killed_at, killed_by_itself
from tests.support.ledger_stories import event, keep
from tests.support.operations import (
    ALL,
    Consumer,
    check,
    died,
    follow,
    held,
    operator,
    planned,
    started,
    succeeded,
    worked,
)

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True, databases=["default", "telemetry"]),
    pytest.mark.usefixtures("redis_in_use"),
]

Work = Callable[[], object]


@pytest.fixture
def olga() -> Client:
    return signed_in(person("olga", "viewer"))


def given_up(ana: Actor, number: int = 1) -> tuple[Operation, list[UUID]]:
    """Redriven, and no outcome was seen in time."""
    letters = held(number)
    operation = started(ana, select=Selection(ids=tuple(letters)), outcome_within=5, **ALL)
    with clock.held(clock.now() + timedelta(seconds=6)):
        outcomes.give_up()
        telling.tell_rest()
    return check(operation), letters


def told(letters: Sequence[UUID]) -> list[tuple[str, str, int]]:
    """What the ledger says of their messages, once the watcher was there."""
    telling.tell_rest()
    rows = [Letter.objects.get(pk=each) for each in letters]
    keys = [ledger.Key(row.environment, row.message_id) for row in rows]
    found = ledger.messages(keys)
    return [(found[key].state, found[key].settled, found[key].redrive) for key in keys]


def shown(client: Client, letter: UUID) -> str:
    row = Letter.objects.get(pk=letter)
    return client.get(f"/messages/one/{row.message_id}").content.decode()


def test_settled_by_hand__the_message_says_as_what_and_by_whom(olga: Client) -> None:
    ana = operator()
    operation, [first, second] = given_up(ana, 2)
    api.settle(operation, Verdict.PROCESSED, ana, [first])
    api.settle(operation, Verdict.FAILED, ana, [second])
    assert told([first, second]) == [("succeeded", "hand", 1), ("dead", "hand", 1)]
    assert "It was settled by hand as processed by ana, " in shown(olga, first)
    assert "It was settled by hand as failed by ana, " in shown(olga, second)
    assert olga.get("/messages").content.decode().count("settled by hand") == 2
    message = olga.get(f"/api/v1/messages/{Letter.objects.get(pk=first).message_id}").json()
    assert (message["state"], message["settled"]) == ("succeeded", "hand")
    [*_, last] = message["history"]
    assert (last["kind"], last["by"], last["why"]) == ("succeeded", "ana", "ana says: processed")


def test_no_outcome_in_time__the_message_is_where_it_was_and_its_outcome_unknown(olga: Client) -> None:
    _, [letter] = given_up(operator())
    assert told([letter]) == [("sent", "unknown", 1)]
    page = shown(olga, letter)
    assert "was handed to the broker in extract and not yet seen by anybody" in page
    assert "The outcome of redrive 1 is unknown: no outcome was seen in time." in page
    assert "outcome unknown" in olga.get("/messages").content.decode()
    succeeded(Letter.objects.get(pk=letter), 1)
    follow()
    assert told([letter]) == [("succeeded", "", 1)]
    assert "is unknown" not in shown(olga, letter)


def test_left_its_queue__succeeded_and_nobody_confirmed(olga: Client) -> None:
    [letter] = held()
    started(operator(), **ALL)
    settling.settle([Outcome(letter, 1, ItemState.PROCESSED, Grade.LEFT_QUEUE)])
    assert told([letter]) == [("succeeded", "left_queue", 1)]
    assert "It left the queue and did not come back; nobody confirmed that it was handled" in shown(
        olga, letter
    )
    row = Letter.objects.get(pk=letter)
    assert "nobody confirmed" in olga.get(f"/api/v1/where?id={row.message_id}").content.decode()


def test_died_again_of_a_consumer_that_tells_nothing__dead_with_its_reason(olga: Client) -> None:
    [letter] = held()
    started(operator(), **ALL)
    died(Letter.objects.get(pk=letter), 1, "disk full")
    assert told([letter]) == [("dead", "event", 1)]
    page = shown(olga, letter)
    assert "It died again after redrive 1: its letter is in custody" in page
    assert "ValueError: disk full" in page


def test_died_after_it_was_taken_for_handled__dead() -> None:
    [letter] = held()
    started(operator(), **ALL)
    settling.settle([Outcome(letter, 1, ItemState.PROCESSED, Grade.LEFT_QUEUE)])
    died(Letter.objects.get(pk=letter), 1)
    assert told([letter]) == [("dead", "event", 1)]


def test_who_had_it_in_hand_tells_of_it_after_all__is_believed() -> None:
    ana = operator()
    operation, [letter] = given_up(ana)
    api.settle(operation, Verdict.FAILED, ana)
    succeeded(Letter.objects.get(pk=letter), 1)
    assert told([letter]) == [("succeeded", "", 1)]


def test_what_the_ledger_told_is_not_told_to_it_again() -> None:
    [letter] = held()
    started(operator(), **ALL)
    succeeded(Letter.objects.get(pk=letter), 1)
    follow()
    assert not Untold.objects.exists()
    assert told([letter]) == [("succeeded", "", 1)]


def test_what_was_concluded_is_no_evidence_for_another_operation() -> None:
    ana = operator()
    operation, [letter] = given_up(ana)
    api.settle(operation, Verdict.FAILED, ana)
    telling.tell_rest()
    again = started(ana, select=Selection(ids=(letter,)), **ALL)
    follow()
    assert check(again).dispatched == 1


def test_the_broker_cannot_say__the_message_keeps_its_state_until_its_consumer_tells() -> None:
    [letter] = held()
    row, ana = Letter.objects.get(pk=letter), operator()
    keep(event(row.message_id, ledger.Kind.DEAD, 1, 60, agent="extract"))
    portion = claiming.claim(api.start(planned(ana, **ALL), "why not", ana), 1)
    assert portion
    claimed = clock.now()
    with clock.held(claimed + timedelta(seconds=40)):
        recording.record(portion, {portion.taken[0].item: Sent.UNKNOWN})
    assert told([letter]) == [("dead", "unknown", 0)]
    done = {"source": ledger.Source.CELERY, "environment": "production"}
    keep(event(row.message_id, ledger.Kind.SUCCEEDED, 1, -1, **done))
    assert told([letter]) == [("succeeded", "", 1)]


def test_seen_before_the_redrive_was_told__of_that_redrive(consumer_events: dict[str, Any]) -> None:
    """A worker that is faster than the note of what was sent."""
    [letter] = held()
    row, ana = Letter.objects.get(pk=letter), operator()
    keep(event(row.message_id, ledger.Kind.DEAD, 1, 60, **consumer_events))
    portion = claiming.claim(api.start(planned(ana, **ALL), "why not", ana), 1)
    assert portion
    keep(event(row.message_id, ledger.Kind.SUCCEEDED, 1, -1, **consumer_events, id="later"))
    recording.record(portion, {portion.taken[0].item: Sent.CONFIRMED})
    assert told([letter]) == [("succeeded", "", 1)]


@pytest.fixture
def consumer_events() -> dict[str, Any]:
    return {"source": ledger.Source.CELERY, "environment": "production", "agent": "extract"}


def test_purged__whatever_number_its_last_attempt_had() -> None:
    [letter] = held()
    row = Letter.objects.get(pk=letter)
    keep(event(row.message_id, ledger.Kind.DEAD, 3, 60, agent="extract"))
    started(operator(), Action.PURGE, Selection(ids=(letter,)))
    assert told([letter]) == [("purged", "", 0)]


# ---- Between two databases -------------------------------------------------------------------------------------
def ledger_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(events: Sequence[ledger.Event]) -> None:
        raise OSError("the telemetry database is away")

    monkeypatch.setattr(ledger, "tell", away)


def killed_before_the_ledger(work: Work) -> None:
    """It has committed, and the ledger hears nothing of it."""

    def dies(events: Sequence[ledger.Event]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def patched() -> None:
        ledger.tell = dies
        work()

    killed_by_itself(patched)


def killed_behind_the_ledger(work: Work) -> None:
    """The ledger has it, and nobody noted that."""
    tell = ledger.tell

    def dies(events: Sequence[ledger.Event]) -> None:
        tell(events)
        os.kill(os.getpid(), signal.SIGKILL)

    def patched() -> None:
        ledger.tell = dies
        work()

    killed_by_itself(patched)


KILLS = [killed_before_the_ledger, killed_behind_the_ledger]


def test_killed_when_it_had_committed__the_ledger_is_told_by_whoever_comes_next() -> None:
    ana = operator()
    operation, letters = given_up(ana, 2)
    killed_at(Point.SETTLE, lambda: api.settle(operation, Verdict.PROCESSED, ana), times=2)
    assert check(operation).processed == 2
    assert told(letters) == [("succeeded", "hand", 1)] * 2
    assert not Untold.objects.exists()


@pytest.mark.parametrize("killed", KILLS)
def test_killed_while_it_tells_the_ledger__told_once_in_the_end(killed: Callable[[Work], None]) -> None:
    ana = operator()
    operation, letters = given_up(ana, 2)
    api.settle(operation, Verdict.PROCESSED, ana)
    killed(telling.tell_rest)
    assert Untold.objects.count() == 1
    assert told(letters) == [("succeeded", "hand", 1)] * 2
    assert not Untold.objects.exists()


@pytest.mark.parametrize("killed", KILLS)
def test_a_worker_killed_between_the_databases__the_ledger_hears_of_the_redrive_and_of_the_purge(
    killed: Callable[[Work], None],
) -> None:
    ana, [sent], [gone] = operator(), held(), held()
    redrive = api.start(planned(ana, select=Selection(ids=(sent,)), **ALL), "why not", ana)
    purge = api.start(planned(ana, Action.PURGE, Selection(ids=(gone,))), "why not", ana)
    for operation in (redrive, purge):
        killed(partial(executing.go_on, operation.pk))
    assert Untold.objects.count() == 2
    with clock.held(clock.now() + telling.GRACE + timedelta(seconds=1)):
        assert told([sent, gone]) == [("sent", "", 1), ("purged", "", 0)]
    reaping.reap()
    assert (check(redrive).dispatched, check(worked(purge)).applied) == (1, 1)


def test_a_ledger_that_is_away__holds_nothing_up_and_is_told_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    letters = held(3)
    with monkeypatch.context() as patched:
        ledger_away(patched)
        operation = started(operator(), **ALL)
        assert check(operation).dispatched == 3
    assert Consumer(redis_url).waiting() == 3
    with clock.held(clock.now() + telling.GRACE + timedelta(seconds=1)):
        assert told(letters) == [("sent", "", 1)] * 3
