"""`postroom where` against Postroom's own API, and what a sender that is held up tells the ledger."""

from __future__ import annotations

import json
import time

import pytest
from pytest_django.live_server_helper import LiveServer

from agents.ledger.reading import read
from agents.ledger.values import Event, Kind
from core.access import services
from core.access.models import Role
from core.databases import DEFAULT, TELEMETRY
from postroom import cli
from postroom.delivery.api import Delivery
from postroom.runtime import held
from postroom.runtime.api import About, Incoming
from postroom.runtime.decisions import Desk
from tests.support import stuck
from tests.support.ledger_stories import event, keep

DONE, NO, BAD_USAGE = 0, 1, 2


@pytest.fixture
def postroom(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    role = Role.objects.get(name="viewer")
    made = services.create_named_token("robot", role, None, services.of_command("test"))
    monkeypatch.setenv("POSTROOM_URL", live_server.url)
    monkeypatch.setenv("POSTROOM_TOKEN", made.secret)


@pytest.mark.django_db(transaction=True, databases=[DEFAULT, TELEMETRY])
@pytest.mark.usefixtures("postroom")
def test_where__says_it_in_a_sentence_and_by_its_status(capfd: pytest.CaptureFixture[str]) -> None:
    stuck.well()
    stuck.alive(queues=["other"])
    stuck.queue(consumers=0)
    keep(event("inv-4711", Kind.SENT, ago=90), event("young-1", Kind.SENT, ago=1))
    assert cli.main(["where", "inv-4711"]) == NO
    text = capfd.readouterr().out
    assert text.startswith("Message inv-4711 has been waiting in `extract` for 1 min 3")
    for part in (
        "nothing consumes the queue",
        "broker: depth 3",
        "Ruled out: ",
        "Next: Start an agent",
        "◌ here]",
    ):
        assert part in text, part
    assert cli.main(["where", "young-1", "--json"]) == DONE
    assert json.loads(capfd.readouterr().out)["verdict"] is None
    assert cli.main(["where", "nobody-knows"]) == NO
    assert "Nobody has told of nobody-knows" in capfd.readouterr().err


def _incoming() -> Incoming:
    plain = {"task": "", "sender": "", "body": b"", "content_type": "", "content_encoding": ""}
    delivery = Delivery("extract", "m-1", "tag")
    return Incoming(delivery, "m-1", queue="extract", headers={}, properties={}, **plain)  # type: ignore[arg-type]


def test_a_sender_that_is_held_up__tells_so_once_and_tells_that_it_goes_on() -> None:
    about = About(agent="extract", instance="extract-0", queue="extract", environment="production")
    desk = Desk(_incoming(), time.time())
    with held.held_up(desk, about, "pay"):
        assert held.due(desk) == [], "a moment is no news"
        assert desk.held is not None
        desk.held.since -= 2
        (told,) = held.due(desk)
        assert held.due(desk) == []
    waits, runs = read(told), read(desk.events[0])
    assert isinstance(waits, Event)
    assert isinstance(runs, Event)
    assert (waits.kind, waits.waits_for, waits.attempt) == (Kind.WAITING, "room in pay", 1)
    assert (runs.kind, runs.at > waits.at) == (Kind.RUNNING, True)
    assert held.due(desk) == []
