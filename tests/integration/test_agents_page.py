"""The pages of agents: what they show, to whom, and what their buttons do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from agents.registry.models import Agent, AgentVersion
from agents.registry.services import heartbeats, registration
from agents.registry.values import Heartbeat, Registration, State
from core import clock
from core.access.api import Scope
from core.access.audit.models import Entry
from core.access.services import Actor
from core.databases import DEFAULT, TELEMETRY
from dashboard.charts.lifeline import Turn, bars
from dashboard.live.agents import Agents
from tests.support.accounts import ACTOR, person, signed_in

pytestmark = pytest.mark.django_db(databases=[DEFAULT, TELEMETRY])
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def ana() -> Client:
    return signed_in(person("ana", "admin"))


@pytest.fixture
def extract(ana: Client) -> Agent:
    """Up in 1.2, and a 2.0 that nobody has heard yet."""
    who = registration_by("ana")
    for version in ("1.2", "2.0"):
        entry = Registration("extract", "production", version, owner="documents", capabilities=("ocr",))
        row, _ = registration.register(entry, who)
    heartbeats.beat([Heartbeat("extract", "extract-0", "production", clock.now(), version="1.2", load=0.25)])
    return row


def registration_by(name: str) -> Actor:
    from core.access import grants
    from core.access.models import User

    return Actor(grants.subject_of(User.objects.get(username=name)), ACTOR.source)


def page(client: Client, path: str, **query: str) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_list_shows_state_and_instances(ana: Client, extract: Agent) -> None:
    shown = page(ana, "/agents")
    assert f"/agents/{extract.pk}" in shown
    assert "1/1" in shown
    assert 'data-status="ok"' in shown


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ({"q": "EXTR"}, True),
        ({"q": "load"}, False),
        ({"status": "up"}, True),
        ({"status": "down"}, False),
        ({"capability": "ocr"}, True),
        ({"capability": "translate"}, False),
        ({"environment": "staging"}, False),
    ],
)
def test_filters_stand_in_the_address(
    ana: Client, extract: Agent, query: dict[str, str], there: bool
) -> None:
    assert (f"/agents/{extract.pk}" in page(ana, "/agents", **query)) is there


def test_without_agents_the_next_step_is_shown(ana: Client) -> None:
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in page(ana, "/agents")


def test_what_lies_outside_of_the_scope_is_not_there(extract: Agent) -> None:
    vera = signed_in(person("vera", "viewer", scope=Scope(environment="staging")))
    assert str(extract.pk) not in page(vera, "/agents")
    assert vera.get(f"/agents/{extract.pk}").status_code == 404


def test_one_agent_shows_versions_instances_and_who_changed_it(ana: Client, extract: Agent) -> None:
    shown = page(ana, f"/agents/{extract.pk}")
    for text in ("1.2", "2.0", "extract-0", "0.25", "ocr", "first heartbeat", "agent.registered", "Drain"):
        assert text in shown


def test_a_viewer_sees_the_buttons_disabled_with_the_reason(extract: Agent) -> None:
    shown = page(signed_in(person("vera", "viewer")), f"/agents/{extract.pk}")
    assert "has no role with the right to manage agents" in shown
    assert f"/agents/{extract.pk}/version" not in shown


def test_draining_and_opening_a_version(ana: Client, extract: Agent) -> None:
    for drained in ("yes", "no"):
        answer = ana.post(f"/agents/{extract.pk}/version", {"version": "1.2", "drained": drained})
        assert answer.status_code == 302
        assert AgentVersion.objects.get(version="1.2").drained is (drained == "yes")
    found = Entry.objects.filter(action__startswith="agent.version").order_by("sequence")
    assert [entry.action for entry in found] == ["agent.version_drained", "agent.version_opened"]


@pytest.mark.parametrize(("weight", "kept"), [("10", 10), ("-1", 100), ("much", 100), ("10001", 100)])
def test_weighing_a_version(ana: Client, extract: Agent, weight: str, kept: int) -> None:
    ana.post(f"/agents/{extract.pk}/version", {"version": "2.0", "weight": weight})
    assert AgentVersion.objects.get(version="2.0").weight == kept


def test_draining_without_the_right__refused(extract: Agent) -> None:
    vera = signed_in(person("vera", "viewer"))
    assert vera.post(f"/agents/{extract.pk}/version", {"version": "1.2", "drained": "yes"}).status_code == 403
    assert not AgentVersion.objects.get(version="1.2").drained


def test_deregistering(ana: Client, extract: Agent) -> None:
    assert ana.post(f"/agents/{extract.pk}/deregister").status_code == 302
    assert Agent.objects.count() == 0


def test_the_live_topic_says_late_without_anybody_writing_it(extract: Agent) -> None:
    with clock.held(clock.now() + timedelta(seconds=20)):
        (row,) = Agents().load().rows.values()
    assert (row.data["state"], row.data["instances"], row.place.environment) == ("late", "0/1", "production")


def test_the_admin_shows_agents_and_changes_go_into_the_trail(ana: Client, extract: Agent) -> None:
    assert "extract" in page(ana, "/admin/registry/agent/")
    fields = {"name": "", "owner": "letters", "description": "", "labels": "{}", "timeout_s": 5, "grace_s": 5}
    answer = ana.post(f"/admin/registry/agent/{extract.pk}/change/", fields)
    assert answer.status_code == 302
    extract.refresh_from_db()
    assert (extract.owner, Entry.objects.latest("sequence").action) == ("letters", "agent.changed")


# ---- The line of an instance -----------------------------------------------------------------------------------
def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def line(turns: list[Turn], now: State) -> list[Any]:
    return [(bar.state, bar.start, bar.width) for bar in bars(turns, now, NOON, at(60))]


def test_without_a_turn_the_whole_line_is_one_bar() -> None:
    assert line([], State.UP) == [(State.UP, 0, 100)]


def test_turns_cut_the_line_where_they_were_due() -> None:
    down, up = Turn(at(15), State.UP, State.DOWN), Turn(at(45), State.DOWN, State.UP)
    early = Turn(at(-5), State.NEW, State.UP)
    assert line([up, down, early], State.UP) == [
        (State.UP, 0, 25),
        (State.DOWN, 25, 50),
        (State.UP, 75, 25),
    ]


def test_late_is_shown_though_nobody_wrote_it() -> None:
    assert line([Turn(at(30), State.DOWN, State.UP)], State.LATE)[-1][0] is State.LATE
