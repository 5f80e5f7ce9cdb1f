"""Rules find, hold, fire and clear; each change with its history."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agents.alerts import api
from agents.alerts.models import Alert, AlertChange, Point
from agents.alerts.services import raising
from agents.alerts.services.watching import Looker
from agents.alerts.values import Readings, Signal, Spot
from core.access.grants import subject_of
from core.access.services import Actor
from tests.support.accounts import person
from tests.support.alerts import QUEUE, Measured, rule, states

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    return Measured(monkeypatch)


def test_outage__fires_once_and_clears_once(measured: Measured) -> None:
    rule(hold_s=10)
    for value in (3, 12, 14, 15, 20, 4, 4):
        measured.say(value).look()
    steps = AlertChange.objects.order_by("pk").values_list("before", "after")
    assert list(steps) == [("", "pending"), ("pending", "firing"), ("firing", "cleared")]
    alert = Alert.objects.get()
    assert (alert.title, alert.queue, alert.threshold) == ("orders.q: many wait", "orders.q", 10)


def test_detail__says_what_was_measured_against_what(measured: Measured) -> None:
    rule(advice="Add consumers.")
    measured.say(1234).look()
    said = "Queue depth: 1,234 messages; it fires from 10 messages on. Add consumers."
    assert Alert.objects.get().detail == said


def test_series__begins_before_the_alert(measured: Measured) -> None:
    rule()
    for value in (1, 2, 12):
        measured.say(value).look()
    measured.say(13).look(after_s=11)
    assert list(Point.objects.order_by("at").values_list("value", flat=True))[-4:] == [2.0, 12.0, 12.0, 13.0]


def test_every_spot_its_own_alert(measured: Measured) -> None:
    rule()
    spots: dict[Spot, float | None] = {
        QUEUE: 12,
        QUEUE._replace(queue="mail.q"): 50,
        QUEUE._replace(queue="low.q"): 1,
    }
    measured.say_all(spots).look()
    measured.say_all(spots).look()
    assert sorted(Alert.objects.values_list("queue", flat=True)) == ["mail.q", "orders.q"]


def test_unknown__neither_fires_nor_clears_and_says_why(measured: Measured) -> None:
    rule()
    measured.say(None).look()
    assert states() == []
    measured.say(12).look()
    measured.say(None).look()
    measured.miss("main cannot be reached").look(60)
    alert = Alert.objects.get()
    assert (alert.state, alert.unknown_why) == ("firing", "main cannot be reached")
    assert alert.unknown_since
    measured.say(12).look()
    assert Alert.objects.get().unknown_since is None


def test_spot_that_is_gone__clears_when_nothing_is_missing(measured: Measured) -> None:
    rule()
    measured.say(12).look()
    measured.miss("main cannot be reached").look()
    assert states() == ["firing"]
    measured.say_all({}).look()
    assert states() == ["cleared"]


def test_measure_that_crashes__is_unknown_and_disturbs_no_other(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule()
    rule("late", signal=Signal.AGENT_LATE, threshold=1)
    measured.say(12).look()

    def crash(*_: object) -> Readings:
        raise OSError("disk")

    monkeypatch.setitem(api._measures, Signal.QUEUE_DEPTH, crash)
    measured.say(1, Spot("production", agent="extract"), Signal.AGENT_LATE).look()
    assert states() == ["firing", "firing"]
    assert Alert.objects.get(queue="orders.q").unknown_why == "it cannot be measured: OSError"


def test_scope_and_cause__choose_among_what_is_measured(measured: Measured) -> None:
    rule(queue="mail.*")
    rule("stuck", signal=Signal.STUCK, threshold=1, cause="agent_down")
    measured.say(12).look()
    measured.say(5, QUEUE._replace(name="no_consumer"), Signal.STUCK).look()
    assert states() == []
    measured.say(5, QUEUE._replace(name="agent_down"), Signal.STUCK).look()
    assert states() == ["firing"]


def test_acknowledged__stays_theirs_and_clears_by_itself(measured: Measured) -> None:
    rule()
    measured.say(12).look()
    raising.acknowledge(Alert.objects.get(), Actor(subject_of(person("ana", "operator"))))
    measured.say(13).look()
    assert states() == ["acknowledged"]
    measured.say(1).look()
    assert states() == ["cleared"]


def test_rule_that_is_switched_off__ends_its_alerts(measured: Measured) -> None:
    found = rule()
    measured.say(12).look()
    found.enabled = False
    found.save()
    measured.look()
    assert states() == ["cleared"]


def test_two_watchers__one_alert(measured: Measured) -> None:
    rule()
    measured.say(12).look()
    measured.looker = Looker()
    measured.look()
    assert states() == ["firing"]


def test_watcher_that_comes_back__does_not_count_the_time_without_one(measured: Measured) -> None:
    rule(hold_s=60)
    measured.say(12).look()
    measured.looker = Looker()
    measured.look(after_s=timedelta(hours=2).total_seconds())
    assert states() == ["pending"]
    for _ in range(12):
        measured.look()
    assert states() == ["firing"]


def test_watcher_that_lost_its_lease__writes_nothing(measured: Measured) -> None:
    rule()
    measured.say(12)
    measured.looker.look(measured.now, wanted=lambda: False)
    assert states() == []
