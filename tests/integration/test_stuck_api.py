"""Stuck and where for programs: shapes, scopes, and nothing claimed while nobody looks."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agents.deadletters import api as custody
from agents.ledger.api import Kind
from agents.queues.stuck.looking import Looker
from agents.queues.stuck.models import StuckLook
from agents.queues.stuck.values import Verdict
from core.access.api import Scope
from core.databases import DEFAULT, TELEMETRY
from dashboard.live.stuck import Stuck
from tests.support import stuck
from tests.support.api_client import Program
from tests.support.ledger_stories import REFUSED, by, event, journey, keep
from tests.support.letters import arrival

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]
LIST, WHERE = "/api/v1/stuck", "/api/v1/where"


@pytest.fixture
def nobody_consumes() -> None:
    stuck.well()
    stuck.alive(queues=["other"])
    stuck.queue(consumers=0, depth=212)
    run: dict[str, Any] = {"trace_id": "cd" * 16, "conversation_id": "talk-9"}
    keep(
        event("web-1", Kind.SENT, ago=303, queue="classify", sender="web", **run),
        event("web-1", Kind.SUCCEEDED, 1, 301, queue="classify", **by("classify"), **run),
        event("inv-4711", Kind.SENT, ago=252, parent_id="web-1", **run),
    )
    Looker().look()


@pytest.mark.usefixtures("nobody_consumes")
def test_causes__with_evidence_and_what_ruled_out_the_rest() -> None:
    answer = Program("viewer").get(LIST).json()
    assert answer["fresh"] is True
    (cause,) = answer["results"]
    assert (cause["verdict"], cause["agent"], cause["messages"], cause["frees"]) == (
        "no_consumer",
        "extract",
        1,
        212,
    )
    assert cause["message_ids"] == ["inv-4711"]
    assert all(each["age_s"] is not None for each in cause["evidence"])
    assert {each["verdict"] for each in cause["ruled_out"]} >= {
        "broker_unreachable",
        "unrouted",
        "agent_down",
    }
    assert cause["next_step"]


@pytest.mark.usefixtures("nobody_consumes")
def test_filters_and_scopes() -> None:
    viewer = Program("viewer")
    assert viewer.get(LIST, verdict="deadlock").json()["results"] == []
    assert len(viewer.get(LIST, agent="extract", queue="extract").json()["results"]) == 1
    assert viewer.get(LIST, colour="red").status_code == 400
    elsewhere = Program("viewer", Scope(environment="staging"), name="elsewhere")
    assert elsewhere.get(LIST).json()["results"] == []
    assert elsewhere.get(WHERE, id="inv-4711").status_code == 404
    assert Program("ingest").get(LIST).status_code == 403


@pytest.mark.usefixtures("nobody_consumes")
def test_pages__each_cause_once_that_first_which_frees_the_most() -> None:
    stuck.queue("mail", consumers=0, depth=3)
    keep(event("inv-4712", Kind.SENT, ago=252, queue="mail"))
    Looker().look()
    viewer = Program("viewer")
    first = viewer.get(LIST, limit=1).json()
    second = viewer.get(LIST, limit=1, cursor=first["next"]).json()
    assert [each["queue"] for each in first["results"] + second["results"]] == ["extract", "mail"]
    assert second["next"] is None


@pytest.mark.usefixtures("nobody_consumes")
def test_nobody_looks__every_verdict_is_unknown_and_says_since_when() -> None:
    StuckLook.objects.update(at=stuck.ago(30))
    answer = Program("viewer").get(LIST).json()
    assert answer["fresh"] is False
    assert answer["why"].startswith("the watcher has not looked since ")
    (cause,) = answer["results"]
    assert (cause["verdict"], cause["was"]) == ("unknown", "no_consumer")
    assert cause["missing"][0] == answer["why"]
    assert cause["ruled_out"] == []


@pytest.mark.usefixtures("nobody_consumes")
@pytest.mark.parametrize("id", ["inv-4711", "cd" * 16, "talk-9", " inv-4711 "])
def test_where__one_sentence_by_any_id(id: str) -> None:
    found = Program("viewer").get(WHERE, id=id).json()
    pattern = r"Message inv-4711 has been waiting in `extract` for 4 min \d+ s: nothing consumes the queue\."
    assert re.fullmatch(pattern, found["sentence"])
    assert (found["verdict"], found["place"]["kind"], found["place"]["name"]) == (
        "no_consumer",
        "queue",
        "extract",
    )
    assert [(hop["message_id"], hop["mark"]) for hop in found["run"]] == [
        ("web-1", "done"),
        ("inv-4711", "here"),
    ]
    assert found["next_step"] == "Start an agent that takes from `extract`: extract."
    assert {each["kind"] for each in found["evidence"]} >= {"broker"}


def test_where__ended_lives_and_letters() -> None:
    journey()
    viewer = Program("viewer")
    assert " was handled by extract-0 " in viewer.get(WHERE, id="inv-1").json()["sentence"]
    assert viewer.get(WHERE, id="nobody-knows-it").status_code == 404
    assert viewer.get(WHERE).status_code == 400
    keep(
        event("bad-1", Kind.SENT, ago=60),
        event("bad-1", Kind.DEAD, 1, 50, error=REFUSED, **by("extract")),
    )
    assert viewer.get(WHERE, id="bad-1").json()["state"] == "dead"


def test_where__a_letter_of_which_the_ledger_knows_nothing() -> None:
    (kept,) = custody.keep([arrival(message_id="lone-1")])
    found = Program("viewer").get(WHERE, id="lone-1").json()
    assert found["place"]["kind"] == "letters"
    assert "Message lone-1 is in dead letters since " in found["sentence"]
    assert Program("viewer", name="again").get(WHERE, id=str(kept.letter_id)).json()["message_id"] == "lone-1"


@pytest.mark.usefixtures("nobody_consumes")
def test_topic__holds_the_causes_with_their_places() -> None:
    (row,) = Stuck().load().rows.values()
    assert (row.place.queue, row.data["verdict"], row.data["messages"]) == (
        "extract",
        Verdict.NO_CONSUMER,
        "1",
    )
    StuckLook.objects.update(at=stuck.ago(30))
    (row,) = Stuck().load().rows.values()
    assert row.data["verdict"] == "unknown"
