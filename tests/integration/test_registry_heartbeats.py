"""Instances live by their heartbeats; each change of state is kept and dated when it became due."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.registry.liveness import state_at
from agents.registry.models import Agent, AgentVersion, Instance, InstanceChange
from agents.registry.services.heartbeats import beat, sweep
from agents.registry.values import Heartbeat, Patience, State

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def heard(seconds: float = 0, agent: str = "extract", instance: str = "extract-0", **more: Any) -> Heartbeat:
    return Heartbeat(agent, instance, "production", NOON + timedelta(seconds=seconds), **more)


def changes() -> list[tuple[str, str, float]]:
    rows = InstanceChange.objects.order_by("at", "pk")
    return [(row.before, row.after, (row.at - NOON).total_seconds()) for row in rows]


def test_an_agent_that_nobody_knew_appears_with_its_first_heartbeat() -> None:
    beat([heard(version="1.2")])
    instance = Instance.objects.get()
    assert (instance.agent.agent_id, instance.state, instance.version) == ("extract", State.UP, "1.2")
    assert AgentVersion.objects.get().version == "1.2"
    assert changes() == [("new", "up", 0)]


def test_silence_is_dated_when_it_was_due__not_when_it_was_noticed() -> None:
    beat([heard()])
    assert sweep(NOON + timedelta(hours=9)) == 1
    assert changes()[-1] == ("up", "down", Patience().whole.total_seconds())
    assert sweep(NOON + timedelta(hours=9)) == 0


def test_a_heartbeat_within_grace_keeps_it_up() -> None:
    beat([heard()])
    beat([heard(20)])
    assert sweep(NOON + timedelta(seconds=45)) == 0
    assert sweep(NOON + timedelta(seconds=51)) == 1


def test_each_agent_has_its_own_patience() -> None:
    beat([heard()])
    Agent.objects.update(timeout_s=60, grace_s=60)
    beat([heard(1)])
    assert sweep(NOON + timedelta(seconds=100)) == 0
    assert sweep(NOON + timedelta(seconds=122)) == 1


def test_what_it_says_of_itself_counts_at_once() -> None:
    beat([heard()])
    beat([heard(1, status="paused")])
    beat([heard(2)])
    beat([heard(3, status="stopping")])
    assert [after for _, after, _ in changes()] == ["up", "paused", "up", "down"]
    assert sweep(NOON + timedelta(hours=1)) == 0, "who said goodbye is not late"


def test_an_older_heartbeat_changes_nothing() -> None:
    beat([heard(10, load=0.5)])
    beat([heard(5, status="stopping", load=0.1)])
    instance = Instance.objects.get()
    assert (instance.state, instance.load) == (State.UP, 0.5)


def test_any_order_in_one_batch_ends_in_the_last() -> None:
    story = [heard(0), heard(1, status="paused"), heard(2, load=0.7)]
    for number, order in enumerate(itertools.permutations(story)):
        beat([Heartbeat(**{**_fields(each), "instance_id": f"i-{number}"}) for each in order])
    assert set(Instance.objects.values_list("state", "load")) == {(State.UP, 0.7)}


def _fields(one: Heartbeat) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Heartbeat.__dataclass_fields__}


@pytest.mark.parametrize(("silent", "state"), [(14, State.UP), (16, State.LATE), (31, State.DOWN)])
def test_late_follows_from_the_clock(silent: int, state: State) -> None:
    assert state_at(State.UP, NOON, Patience(), NOON + timedelta(seconds=silent)) is state


def test_many_that_beat_on_cost_as_few_queries_as_one(django_assert_max_num_queries: Any) -> None:
    beat([heard(agent=f"agent-{n}", instance=f"i-{n}") for n in range(50)])
    with django_assert_max_num_queries(12):
        beat([heard(1, agent=f"agent-{n}", instance=f"i-{n}", load=n / 50) for n in range(50)])
    found = Instance.objects.get(instance_id="i-25")
    assert (found.load, found.last_beat, found.due) == (0.5, heard(1).arrived, heard(31).arrived)


def test_one_that_is_older_costs_its_neighbours_nothing() -> None:
    beat([heard(10, instance="a"), heard(10, instance="b")])
    beat([heard(5, instance="a", load=0.1), heard(11, instance="b", load=0.7)])
    assert dict(Instance.objects.values_list("instance_id", "load")) == {"a": None, "b": 0.7}
