"""Samples of a real Redis: figures, ages, minutes, and a broker that is away."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis

from agents.ledger.api import Kind
from agents.queues import selectors
from agents.queues.api import Broker
from agents.queues.flow import Flow
from agents.queues.models import BrokerChange, BrokerRow, QueueCell, QueueRow
from agents.queues.services import retention, standing
from agents.queues.services.sampling import Sampler
from agents.queues.services.staffing import keep as keep_workers
from agents.queues.values import Figures, QueueKey, QueueKind, QueueState, Reading
from core import clock
from core.brokers.api import BrokerError, BrokerUrl
from core.databases import DEFAULT, TELEMETRY
from tests.support.ledger_stories import event
from tests.support.ledger_stories import keep as keep_events
from tests.support.queue_brokers import Home

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]
KEY = QueueKey("main", "extract")


class Script(Broker):
    """A broker that says what it is told to."""

    def __init__(self) -> None:
        self.queues: tuple[Figures, ...] = ()
        self.absent: frozenset[str] = frozenset()
        self.away = False

    def read(self, known: object) -> Reading:
        if self.away:
            raise BrokerError("cannot reach main: it is off")
        return Reading(clock.now(), self.queues, self.absent)


@pytest.fixture
def script() -> Script:
    return Script()  # type: ignore[abstract]


@pytest.fixture
def flow() -> Flow:
    found = Flow(["main"])
    found.follow()
    return found


@pytest.fixture
def sampler(script: Script, flow: Flow) -> Sampler:
    return Sampler(BrokerUrl("main", "redis://127.0.0.1:1/0"), script, flow)


@pytest.fixture
def home(redis_url: str) -> Home:
    return Home(redis_url)


@pytest.fixture
def real(home: Home, flow: Flow) -> Iterator[Sampler]:
    with home.open() as there:
        yield Sampler(home.broker, there, flow)


def figures(depth: int, **more: object) -> Figures:
    return Figures("extract", QueueKind.LIST, depth, **more)  # type: ignore[arg-type]


def state() -> QueueState:
    found = selectors.queue(KEY)
    assert found
    return found


def test_sample_of_a_redis__is_the_queues_state(home: Home, real: Sampler) -> None:
    home.send("extract", "a", "b", "c")
    with home.taking("extract", 1):
        real.step()
    found = state()
    assert (found.depth, found.unacknowledged, found.delayed) == (2, 1, 0)
    assert found.reachable
    assert found.is_fresh()
    assert found.environment == "default"


def test_broker_away__last_figures_stay_and_are_not_fresh(sampler: Sampler, script: Script) -> None:
    script.queues = (figures(7),)
    sampler.step()
    standing.is_away(BrokerUrl("main", ""), "cannot reach main: refused")
    found, broker = state(), selectors.broker("main")
    assert (found.depth, found.reachable, found.is_fresh()) == (7, False, False)
    assert broker
    assert (broker.reachable, broker.reason) == (False, "cannot reach main: refused")


def test_broker_away__since_when_is_said_once(sampler: Sampler) -> None:
    broker, start = BrokerUrl("main", ""), datetime(2026, 11, 26, 14, 3, tzinfo=UTC)
    sampler.step()
    for seconds in (0, 5, 10):
        with clock.held(start + timedelta(seconds=seconds)):
            standing.is_away(broker, f"refused {seconds}")
    row = BrokerRow.objects.get()
    assert (row.since, row.reason) == (start, "refused 10")
    sampler.step()
    assert list(BrokerChange.objects.order_by("pk").values_list("reachable", flat=True)) == [
        True,
        False,
        True,
    ]


def test_never_asked__not_reachable_and_no_queue() -> None:
    broker = selectors.broker("main")
    assert broker
    assert (broker.reachable, broker.sampled_at, broker.is_fresh()) == (False, None, False)
    assert selectors.queues() == []


def test_queue_that_is_gone__keeps_its_row(sampler: Sampler, script: Script) -> None:
    script.queues = (figures(3),)
    sampler.step()
    script.queues, script.absent = (), frozenset({"extract"})
    sampler.step()
    assert (state().there, state().depth) == (False, 3)
    script.queues, script.absent = (figures(1),), frozenset()
    sampler.step()
    assert (state().there, state().depth) == (True, 1)


def test_age__of_the_message_at_the_head__from_the_ledger(sampler: Sampler, script: Script) -> None:
    id = str(uuid.uuid4())
    keep_events(event(id, Kind.SENT, ago=90))
    script.queues = (figures(1, head_id=id),)
    sampler.step()
    age = state().oldest_age_s
    assert age
    assert age == pytest.approx(90, abs=3)
    assert not state().oldest_at_least


def test_age__of_a_head_that_nobody_knows__at_least_since_it_was_seen(
    sampler: Sampler, script: Script
) -> None:
    script.queues = (figures(1, head_id="x"),)
    start = clock.now()
    for seconds in (0, 5, 10):
        with clock.held(start + timedelta(seconds=seconds)):
            sampler.step()
    assert state().oldest_age_s == pytest.approx(10)
    assert state().oldest_at_least


def test_age__where_the_broker_names_no_message__from_when_each_was_sent(
    sampler: Sampler, script: Script, flow: Flow
) -> None:
    for ago in (300, 200, 100):
        keep_events(event(f"m-{ago}", Kind.SENT, ago=ago))
    flow.follow()
    script.queues = (figures(2),)
    sampler.step()
    assert state().oldest_age_s == pytest.approx(200, abs=3)


def test_rates__from_events_and_depth(
    sampler: Sampler, script: Script, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    keep_events(event("first", Kind.SUCCEEDED, 1))
    flow.follow()
    script.queues = (figures(10),)
    sampler.step()
    for number in range(5):
        keep_events(event(f"m-{number}", Kind.SUCCEEDED, 1, duration_ms=20.0))
    flow.follow()
    now, script.queues = 1_010.0, (figures(30),)
    sampler.step()
    assert (state().in_rate, state().out_rate, state().growth) == (2.5, 0.5, 2.0)


def test_times__wait_and_work_of_a_queue(sampler: Sampler, script: Script, flow: Flow) -> None:
    for id in map(str, range(10)):
        keep_events(event(id, Kind.SENT, ago=30), event(id, Kind.RUNNING, 1, ago=26))
        keep_events(event(id, Kind.SUCCEEDED, 1, ago=24, duration_ms=2000.0))
    flow.follow()
    script.queues = (figures(0),)
    sampler.step()
    found = selectors.times([state().id], clock.now() - timedelta(minutes=5))[state().id]
    assert found.wait.messages == found.work.messages == 10
    assert found.wait.p95 == pytest.approx(4, rel=0.05)
    assert found.work.p50 == pytest.approx(2, rel=0.05)


def test_minutes__add_up_to_longer_ones_also_after_a_restart(script: Script, flow: Flow) -> None:
    start = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
    url = BrokerUrl("main", "")
    sampler = Sampler(url, script, flow)
    for minute in range(12):
        script.queues = (figures(minute),)
        with clock.held(start + timedelta(minutes=minute)):
            sampler.step()
            if minute in {3, 10}:  # Another watcher takes over in the middle of a minute.
                sampler = Sampler(url, script, flow)
                sampler.step()
    found = {
        (row.level, row.start - int(start.timestamp()) // 60): (row.samples, row.depth_max)
        for row in QueueCell.objects.all()
    }
    assert found[1, 3] == (2, 3)
    assert found[10, 0] == (11, 9)
    assert found[60, 0][0] == sum(n for (level, _), (n, _) in found.items() if level == 1 and _ < 11)


def test_retention__minutes_go_before_hours(sampler: Sampler, script: Script) -> None:
    script.queues = (figures(1),)
    with clock.held(clock.now() - timedelta(days=3)):
        sampler.step()
    with clock.held(clock.now() - timedelta(days=3) + timedelta(minutes=1)):
        sampler.step()
    assert retention.drop_expired() == 2
    assert set(QueueCell.objects.values_list("level", flat=True)) == {10, 60}
    with clock.held(clock.now() + timedelta(days=100)):
        retention.drop_expired()
    assert not QueueCell.objects.exists()
    assert not QueueRow.objects.exists()


def test_consumers_of_a_redis__as_workers_tell(sampler: Sampler, script: Script) -> None:
    script.queues = (figures(1),)
    sampler.step()
    assert state().consumers is None
    keep_workers("main", {"extract@host": [{"name": "extract"}]}, {}, {})
    sampler.step()
    assert state().consumers == 1
    with clock.held(clock.now() + timedelta(minutes=1)):
        keep_workers("main", {}, {}, {})
        sampler.step()
        assert state().consumers == 0


def test_a_queue_that_nobody_placed__is_no_queue_of_a_redis(home: Home, real: Sampler, flow: Flow) -> None:
    """Any name is an empty list there: it would show a queue of Kafka's as an empty one."""
    keep_events(event("m-1", Kind.SENT, queue="elsewhere", broker=""), event("m-2", Kind.SENT, queue="here"))
    flow.follow()
    home.declare("declared")
    real.step()
    assert {each.name for each in selectors.queues()} == {"here", "declared"}


def test_a_queue_of_a_redis_that_nobody_uses_for_a_day__is_gone(
    home: Home, real: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    home.send("extract", "a")
    real.step()
    with redis.Redis.from_url(home.url) as client:
        client.flushall()
    now += 3_600
    real.step()
    assert (state().there, state().depth) == (True, 0)
    now += 2 * 86_400
    real.step()
    assert not state().there
    home.send("extract", "b")
    real.step()
    assert (state().there, state().depth) == (True, 1)
