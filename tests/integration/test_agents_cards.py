"""Health checks and A2A cards, against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from agents.registry import cards
from agents.registry.cards import CardRefusedError
from agents.registry.models import Agent, AgentVersion, Card, Instance, InstanceChange
from agents.registry.services import heartbeats, retention
from agents.registry.services.carding import refresh_due
from agents.registry.services.probes import probe_due
from agents.registry.values import Heartbeat
from core import clock
from core.access.api import Scope
from tests.support.answering import Answering, answering
from tests.support.api_client import Program

pytestmark = pytest.mark.django_db
PATH = "/api/v1/agents"
WELL_KNOWN = "/.well-known/agent-card.json"
CARD = {
    "protocolVersion": "0.3.0",
    "name": "translator",
    "description": "Translates letters.",
    "version": "2.1.0",
    "url": "http://translator:9000/a2a",
    "provider": {"organization": "letters"},
    "skills": [{"id": "translate", "name": "Translate", "tags": ["text"]}],
    "signatures": [{"protected": "eyJhbGciOiJFUzI1NiJ9", "signature": "c2lnbmVk"}],
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    allowed = replace(settings.POSTROOM, outbound_allow=("127.0.0.1",))
    monkeypatch.setattr(settings, "POSTROOM", allowed)
    with answering() as running:
        yield running


@pytest.fixture
def agent() -> Program:
    return Program("agent", Scope(environment="production"))


def register(agent: Program, server: Answering, **more: Any) -> Any:
    return agent.post(PATH, {"agent_id": "extract", "health_check_url": server.url("/healthz")} | more).json()


def publish(server: Answering, card: dict[str, Any], **headers: Any) -> str:
    """The card's text as it is served."""
    text = json.dumps(card, indent=3)
    server.says(WELL_KNOWN, text.encode(), **headers)
    return text


def old(model: Any, field: str) -> None:
    model.objects.update(**{field: clock.now() - timedelta(hours=1)})


# ---- Health checks ---------------------------------------------------------------------------------------------
def test_a_health_check_speaks_for_an_agent_that_does_not_beat(agent: Program, server: Answering) -> None:
    id = register(agent, server)["id"]
    server.says("/healthz")
    assert probe_due() == 1
    found = agent.get(f"{PATH}/{id}").json()
    assert (found["state"], found["versions"][0]["probe"]["said"]) == ("up", "HTTP 200")
    server.says("/healthz", status=503)
    old(AgentVersion, "probed_at")
    probe_due()
    assert agent.get(f"{PATH}/{id}").json()["state"] == "down"


def test_an_answer_that_is_fresh_is_not_asked_for_again(agent: Program, server: Answering) -> None:
    register(agent, server)
    assert (probe_due(), probe_due()) == (1, 0)


def test_a_health_check_at_a_private_address__not_asked(agent: Program, server: Answering) -> None:
    register(agent, server, health_check_url=server.url("/healthz", "127.0.0.2"))
    probe_due()
    assert "POSTROOM_OUTBOUND_ALLOW" in AgentVersion.objects.get().probe_said
    assert server.asked == []


# ---- Cards -----------------------------------------------------------------------------------------------------
def test_an_agent_is_registered_from_its_card(agent: Program, server: Answering) -> None:
    text = publish(server, CARD, ETag='"1"', Cache_Control="max-age=120")
    answer = agent.post(f"{PATH}/from-card", {"url": server.url("")})
    found = answer.json()
    assert (answer.status_code, found["agent_id"], found["owner"]) == (201, "translator", "letters")
    (version,) = found["versions"]
    assert (version["version"], version["endpoint"]) == ("2.1.0", "http://translator:9000/a2a")
    assert version["capabilities"] == ["text", "translate"]
    card = Card.objects.get()
    assert (card.text, card.signatures, card.etag) == (text, CARD["signatures"], '"1"')
    assert card.fresh_until - card.fetched_at == timedelta(seconds=120)


def test_a_card_that_did_not_change_costs_a_question(agent: Program, server: Answering) -> None:
    publish(server, CARD, ETag='"1"')
    agent.post(f"{PATH}/from-card", {"url": server.url(WELL_KNOWN)})
    assert refresh_due() == 0, "it is still fresh"
    old(Card, "fresh_until")
    server.says(WELL_KNOWN, status=304, Cache_Control="max-age=600")
    assert refresh_due() == 1
    assert server.asked[-1][1]["if-none-match"] == '"1"'
    assert Card.objects.get().fresh_until > clock.now()


def test_a_card_that_changed_is_registered_anew(agent: Program, server: Answering) -> None:
    publish(server, CARD)
    agent.post(f"{PATH}/from-card", {"url": server.url("")})
    old(Card, "fresh_until")
    publish(server, CARD | {"version": "2.2.0"})
    refresh_due()
    assert set(AgentVersion.objects.values_list("version", flat=True)) == {"2.1.0", "2.2.0"}


@pytest.mark.parametrize("change", [{"name": "somebody else"}, {"url": 7}, {"name": ""}])
def test_a_card_that_turned_bad__kept_as_it_was_with_the_problem(
    agent: Program, server: Answering, change: dict[str, Any]
) -> None:
    text = publish(server, CARD)
    agent.post(f"{PATH}/from-card", {"url": server.url("")})
    old(Card, "fresh_until")
    publish(server, CARD | change)
    refresh_due()
    card = Card.objects.get()
    assert (card.text, Agent.objects.count()) == (text, 1)
    assert card.problem


def test_a_card_at_a_private_address__refused(agent: Program, server: Answering) -> None:
    answer = agent.post(f"{PATH}/from-card", {"url": "http://169.254.169.254/latest"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "url")
    assert "not a public address" in answer.json()["detail"]


@pytest.mark.parametrize(("status", "body"), [(404, b""), (200, b"<html>"), (200, b"{}"), (200, b"\xff")])
def test_no_card_there__said(agent: Program, server: Answering, status: int, body: bytes) -> None:
    server.says(WELL_KNOWN, body, status)
    answer = agent.post(f"{PATH}/from-card", {"url": server.url("")})
    assert (answer.status_code, Agent.objects.count()) == (502, 0)


def test_a_card_of_an_agent_outside_of_the_tokens_pattern__refused(server: Answering) -> None:
    publish(server, CARD)
    program = Program("agent", Scope(environment="production", agent="load*"))
    assert program.post(f"{PATH}/from-card", {"url": server.url("")}).status_code == 403


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", 3600),
        ("max-age=120", 120),
        ("max-age=1", 60),
        ("public, max-age=999999", 86400),
        ("no-cache", 60),
    ],
)
def test_how_long_a_card_is_believed(said: str, seconds: int) -> None:
    assert cards.fresh_for({"cache-control": said}).total_seconds() == seconds


def test_newer_cards_name_their_interfaces() -> None:
    said = {
        "name": "a",
        "supportedInterfaces": [{"url": "https://a.example/rpc", "protocolBinding": "JSONRPC"}],
    }
    assert cards.read(json.dumps(said)).endpoint == "https://a.example/rpc"
    with pytest.raises(CardRefusedError, match="url"):
        cards.read('{"name": "a"}')


# ---- What goes -------------------------------------------------------------------------------------------------
def test_instances_long_gone_are_forgotten__agents_are_not() -> None:
    now = clock.now()
    for number, age in enumerate([timedelta(days=8), timedelta(days=6)]):
        heartbeats.beat([Heartbeat("extract", f"extract-{number}", "production", now - age)])
        Instance.objects.filter(instance_id=f"extract-{number}").update(last_seen=now - age)
    heartbeats.sweep()
    retention.drop_expired()
    assert list(Instance.objects.values_list("instance_id", flat=True)) == ["extract-1"]
    assert not InstanceChange.objects.filter(at__lt=now - timedelta(days=7)).exists()
    assert Agent.objects.count() == 1
