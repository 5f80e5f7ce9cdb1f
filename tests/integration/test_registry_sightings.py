"""Agents appear by themselves from the spans that topology reads, with how long their work takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError

from agents.registry.models import Agent, AgentVersion, Instance
from agents.registry.services import heartbeats
from agents.registry.services.sightings import Memory, see
from agents.registry.values import Heartbeat, Sighting, State
from agents.spans.api import Batch, SpanStore
from agents.spans.block_store import BlockStore
from agents.spans.sqlite import SqliteShelf
from agents.spans.values import Span
from agents.topology import observed
from agents.topology.reader import Reader
from core import clock
from core.databases import DEFAULT, TELEMETRY
from tests.support.traces import START, span

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Read:
    """A store that topology reads."""

    store: SpanStore

    def spans(self, *spans: Span) -> None:
        self.store.write(Batch(spans))
        Reader(self.store, token=1).step()


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Read]:
    made = BlockStore(SqliteShelf(tmp_path / "spans"), timedelta(days=7))
    with clock.held(datetime.fromtimestamp(START / 1e9, UTC) + timedelta(seconds=30)):
        yield Read(made)
    made.close()


def works(number: int, version: str = "1.2", ms: int = 10) -> Span:
    return span("extract", number, ms=ms, version=version, instance="extract-0", agent_name="Extract")


def test_an_agent_appears_with_its_first_span(read: Read) -> None:
    read.spans(works(1))
    agent = Agent.objects.get()
    assert (agent.agent_id, agent.name, agent.environment) == ("extract", "Extract", "production")
    assert AgentVersion.objects.get().version == "1.2"
    instance = Instance.objects.get()
    assert (instance.instance_id, instance.state, instance.version) == ("extract-0", State.NEW, "1.2")


def test_latency_is_observed_for_each_version(read: Read) -> None:
    read.spans(*(works(n) for n in range(1, 20)), *(works(n, "2.0", 500) for n in range(20, 40)))
    found = {row.version: row for row in AgentVersion.objects.all()}
    assert found["1.2"].p95_ms == pytest.approx(10, rel=0.03)
    assert found["2.0"].p50_ms == pytest.approx(500, rel=0.03)
    assert found["2.0"].observed_at is not None


def test_a_reader_that_starts_anew_remembers_the_last_minutes(read: Read) -> None:
    read.spans(works(1, ms=800))
    AgentVersion.objects.all().delete()
    Reader(read.store, token=2)
    assert AgentVersion.objects.get().p50_ms == pytest.approx(800, rel=0.03)


def test_a_registry_that_cannot_be_written__stops_no_topology(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(observed, "see", away)
    read.store.write(Batch((works(1),)))
    assert Reader(read.store, token=1).step().spans == 1


def test_seeing_again_a_moment_later_costs_nothing(django_assert_num_queries: object) -> None:
    memory, seen = Memory(), {Sighting("production", "extract", "1.2", "extract-0"): NOON}
    see(seen, memory)
    with django_assert_num_queries(0):  # type: ignore[operator]
        see(seen, memory)


def test_last_seen_moves_forwards_only() -> None:
    def at(moment: datetime) -> datetime:
        see({Sighting("production", "extract"): moment}, Memory())
        return Agent.objects.get().last_seen

    later = clock.now() + timedelta(minutes=5)
    assert at(later) == later
    assert at(NOON) == later


def test_without_a_version__it_has_none_until_one_is_named() -> None:
    memory = Memory()
    see({Sighting("production", "extract"): NOON}, memory)
    assert [row.version for row in AgentVersion.objects.all()] == [""]
    see({Sighting("production", "extract", "1.2"): NOON}, Memory())
    see({Sighting("production", "load", "1.0"): NOON, Sighting("production", "load"): NOON}, Memory())
    assert [row.version for row in AgentVersion.objects.filter(agent__agent_id="load")] == ["1.0"]


def test_a_heartbeat_and_a_span_of_one_instance_are_one_instance() -> None:
    see({Sighting("production", "extract", "1.2", "extract-0"): NOON}, Memory())
    heartbeats.beat([Heartbeat("extract", "extract-0", "production", clock.now())])
    assert Instance.objects.get().state == State.UP
    assert Instance.objects.get().version == "1.2"


def test_longer_names_than_the_registry_takes_are_cut() -> None:
    see({Sighting("production", "x" * 400, "1" * 400, "i" * 400, "n" * 400): NOON}, Memory())
    assert len(Agent.objects.get().agent_id) == 300
