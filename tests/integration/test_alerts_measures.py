"""What is measured, from real rows: each signal for what it says, and unknown where nobody can know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.urls import resolve

from agents.alerts.measures import agents, house, letters, queues, stuck
from agents.alerts.models import Rule
from agents.alerts.services.watching import applies
from agents.alerts.values import Readings, Signal, Spot
from agents.deadletters.api import keep
from agents.deadletters.models import FailureGroup
from agents.deadletters.values import Triage
from agents.queues.models import BrokerRow
from agents.queues.stuck.models import CauseRow, StuckLook
from agents.queues.stuck.values import Verdict
from agents.registry.services import heartbeats
from agents.registry.values import Heartbeat
from agents.topology.models import EdgeCell, EdgeRow
from agents.topology.rollups import COUNTS, SKETCHES
from agents.topology.values import MINUTE, EdgeKind
from core import clock, metrics, processes
from core.metrics import Published
from core.processes import Kind, ProcessState, State
from tests.support import queue_rows
from tests.support.letters import arrival

pytestmark = pytest.mark.django_db(databases=["default", "telemetry"])
WINDOW = timedelta(minutes=5)


def values(found: Readings) -> dict[str, float | None]:
    """By queue, agent or broker."""
    return {
        each.spot.queue or each.spot.agent or each.spot.broker or each.spot.name: each.value
        for each in found.rows
    }


# ---- Queues ------------------------------------------------------------------------------------------------------
@pytest.mark.both_databases
def test_queues__depth_age_and_growth() -> None:
    queue_rows.queue("orders", 40, growth=2.5)
    queue_rows.queue("empty", 0, growth=-1.0)
    now = clock.now()
    assert values(queues.depth(now, WINDOW)) == {"orders": 40.0, "empty": 0.0}
    assert values(queues.growth(now, WINDOW)) == {"orders": 2.5, "empty": 0.0}
    age = values(queues.age(now, WINDOW))
    assert age["empty"] == 0.0
    assert age["orders"] == pytest.approx(40, abs=2)


def test_queue_of_a_broker_that_is_away__unknown_and_the_broker_is_not() -> None:
    queue_rows.queue("orders", 40)
    now = clock.now()
    BrokerRow.objects.update(reachable=False, since=now - timedelta(seconds=30), reason="connection refused")
    found = queues.depth(now, WINDOW)
    assert values(found) == {"orders": None}
    assert "main cannot be reached since" in found.rows[0].says
    assert "main cannot be reached since" in found.missing
    (broker,) = queues.unreachable(now, WINDOW).rows
    assert broker.value == pytest.approx(30, abs=1)
    assert broker.says == "connection refused"


def test_queue_that_nobody_samples_any_more__unknown() -> None:
    queue_rows.queue("orders", 40)
    later = clock.now() + timedelta(minutes=2)
    with clock.held(later):
        assert values(queues.depth(later, WINDOW)) == {"orders": None}
        assert values(queues.unreachable(later, WINDOW)) == {"main": None}


# ---- Agents ------------------------------------------------------------------------------------------------------
@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intake has been up for long."""
    intake(monkeypatch, State.UP, clock.now() - timedelta(hours=1))


def intake(monkeypatch: pytest.MonkeyPatch, state: State, since: Any) -> None:
    monkeypatch.setattr(processes, "all", lambda: [ProcessState(Kind.INTAKE, "a", state, since)])


def beat(agent: str, instance: int, ago_s: float, status: str = "") -> None:
    moment = clock.now() - timedelta(seconds=ago_s)
    heartbeats.beat([Heartbeat(agent, f"{agent}-{instance}", "production", moment, status=status)])


@pytest.mark.usefixtures("hears")
@pytest.mark.both_databases
def test_agents__late_and_down() -> None:
    beat("extract", 0, 300)
    beat("extract", 1, 300)
    beat("classify", 0, 1)
    beat("classify", 1, 20)
    beat("store", 0, 300)
    beat("store", 1, 1)
    now = clock.now()
    assert values(agents.down(now, WINDOW)) == {"extract": 2.0, "classify": 0.0, "store": 0.0}
    assert values(agents.late(now, WINDOW)) == {"extract": 0.0, "classify": 1.0, "store": 0.0}
    says = {each.spot.agent: each.says for each in agents.down(now, WINDOW).rows}
    assert says["store"] == "Its instances: 1 up, 1 down"


@pytest.mark.usefixtures("hears")
def test_agent_that_said_that_it_stops__is_not_missed() -> None:
    beat("extract", 0, 300)
    beat("extract", 0, 290, status="stopping")
    assert values(agents.down(clock.now(), WINDOW)) == {}


def test_nobody_hears_heartbeats__silence_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    beat("extract", 0, 300)
    now = clock.now()
    intake(monkeypatch, State.DOWN, now - timedelta(hours=1))
    assert agents.down(now, WINDOW) == Readings(
        missing="no intake process is up, so heartbeats are not heard"
    )
    intake(monkeypatch, State.UP, now - timedelta(seconds=5))
    assert agents.down(now, WINDOW).missing == "intake has only just come back"


def worked(agent: str, calls: int, errors: int) -> None:
    minute = int(clock.unix()) // 60
    seen = {"first_seen": minute * MINUTE, "last_seen": minute * MINUTE}
    edge = EdgeRow.objects.create(
        environment="production", kind=EdgeKind.WORK, source="", via="", target=agent, **seen
    )
    counts = dict.fromkeys(COUNTS, 0) | {"calls": calls, "errors": errors}
    sketches = dict.fromkeys(SKETCHES, b"")
    EdgeCell.objects.create(level=1, start=minute, edge_id=edge.pk, **counts | sketches)


@pytest.mark.both_databases
def test_error_ratio__of_enough_work() -> None:
    worked("extract", 40, 10)
    worked("store", 4, 4)
    found = agents.error_ratio(clock.now(), WINDOW)
    assert values(found) == {"extract": 0.25, "store": 0.0}
    assert found.rows[0].says == "10 of 40 failed"
    later = clock.now() + timedelta(minutes=7)
    assert values(agents.error_ratio(later, WINDOW)) == {}


# ---- Letters -----------------------------------------------------------------------------------------------------
@pytest.mark.both_databases
def test_letters__those_that_died_in_the_stretch_of_time() -> None:
    now = clock.now()
    for ago in (10, 20, 4_000):
        died = clock.rfc3339(now - timedelta(seconds=ago))
        keep([arrival(died_at=died, message_id=f"m{ago}")])
    found = letters.arriving(now, WINDOW)
    assert [each.value for each in found.rows] == [2.0]


def group(**facts: Any) -> FailureGroup:
    now = clock.now()
    usual = {
        "environment": "production",
        "queue": "orders",
        "fingerprint": "f",
        "title": "card refused",
        "deaths": 3,
    }
    return FailureGroup.objects.create(
        **usual | {"first_died_at": now, "last_died_at": now, "since": now} | facts
    )


def test_failures__new_and_come_back_without_muted_ones() -> None:
    now = clock.now()
    old = now - timedelta(days=3)
    group(title="new one")
    group(title="known", first_died_at=old)
    group(title="back again", first_died_at=old, came_back=2, came_back_at=now)
    group(title="muted", state=Triage.MUTED)
    assert [each.title for each in letters.new(now, WINDOW).rows] == ["new one"]
    assert [each.title for each in letters.back(now, WINDOW).rows] == ["back again"]


# ---- Stuck -------------------------------------------------------------------------------------------------------
def cause(verdict: Verdict, messages: int, queue: str = "orders", **facts: Any) -> None:
    now = clock.now()
    moments = {"oldest_at": now, "since": now, "seen_at": now}
    key = f"{verdict} {queue} {facts}"
    given = {"environment": "production", "broker": "main", "queue": queue, "sentence": "nothing consumes it"}
    CauseRow.objects.create(key=key, verdict=verdict, messages=messages, **given | moments | facts)


def test_stuck__by_cause_without_what_follows_from_another_one() -> None:
    StuckLook.objects.create(at=clock.now())
    cause(Verdict.NO_CONSUMER, 12)
    cause(Verdict.BLOCKED_DOWNSTREAM, 7, "web", behind="another")
    cause(Verdict.UNKNOWN, 3, "odd")
    assert values(stuck.messages(clock.now(), WINDOW)) == {"orders": 12.0, "odd": None}


def test_stuck__unknown_when_nobody_looks() -> None:
    assert stuck.messages(clock.now(), WINDOW).missing == "the watcher has never looked"
    StuckLook.objects.create(at=clock.now() - timedelta(minutes=1))
    cause(Verdict.NO_CONSUMER, 12)
    found = stuck.messages(clock.now(), WINDOW)
    assert found.rows == ()
    assert "has not looked since" in found.missing


def test_a_wait_that_somebody_decided__only_for_a_rule_that_names_it() -> None:
    backoff, dead = Spot(queue="q", name="retry_backoff"), Spot(queue="q", name="agent_down")
    anything = Rule(signal=Signal.STUCK, threshold=1)
    named = Rule(signal=Signal.STUCK, threshold=1, cause="retry_backoff")
    assert [applies(anything, backoff), applies(anything, dead)] == [False, True]
    assert [applies(named, backoff), applies(named, dead)] == [True, False]


# ---- The house ---------------------------------------------------------------------------------------------------
def published(refused: float, pid: int = 1) -> list[Published]:
    samples = [
        [house.REQUESTS, {"status": "429"}, refused],
        [house.REQUESTS, {"status": "200"}, 9_000.0],
    ]
    return [Published("intake", "a", pid, clock.unix(), [{"name": "x", "samples": samples}])]


def test_intake_overload__what_was_told_to_come_again_since_it_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measure, now = house.Overload(), clock.now()
    counted = []
    for at, (refused, pid) in enumerate([(500, 1), (540, 1), (600, 1), (5, 2), (25, 2)]):
        monkeypatch.setattr(metrics, "published", lambda refused=refused, pid=pid: published(refused, pid))
        counted.append(measure(now + timedelta(seconds=5 * at), timedelta(seconds=12)).rows[0].value)
    assert counted == [0.0, 40.0, 100.0, 100.0, 80.0]


def test_intake_that_publishes_nothing__unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "published", list)
    assert house.Overload()(clock.now(), WINDOW).missing


# ---- Links -------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("hears")
def test_every_link_leads_to_a_page() -> None:
    queue_rows.queue("orders/eu 1", 40)
    beat("extract", 0, 300)
    StuckLook.objects.create(at=clock.now())
    cause(Verdict.NO_CONSUMER, 12)
    keep([arrival(died_at=clock.rfc3339(clock.now()))])
    measures = (queues.depth, agents.down, stuck.messages, letters.arriving)
    links = [each.link for measure in measures for each in measure(clock.now(), WINDOW).rows]
    assert len(links) == 4
    for link in links:
        assert resolve(unquote(urlsplit(link).path))
