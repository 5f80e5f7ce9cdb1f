"""Pausing, resuming, ending and looking over API and pages: who may, what is said, what is in the trail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from agents.queues.control.models import Pause
from core.access.api import Scope
from core.access.audit.models import Entry
from core.brokers.api import BrokerUrl
from core.databases import DEFAULT, TELEMETRY
from tests.support.accounts import person, signed_in
from tests.support.api_client import Program
from tests.support.queue_brokers import QUORUM, Home
from tests.support.queue_rows import queue, worker

pytestmark = [
    pytest.mark.django_db(databases=[DEFAULT, TELEMETRY], transaction=True),
    pytest.mark.both_databases,
]
ASKED = {"broker": "main", "queue": "extract", "reason": "gateway repaired"}


@pytest.fixture
def admin() -> Program:
    return Program("admin", scope=Scope("production", "*", "*"))


@pytest.fixture
def ana() -> Client:
    return signed_in(person("ana", "admin"))


def on(settings: Any, url: str) -> Home:
    settings.POSTROOM = replace(settings.POSTROOM, brokers=(BrokerUrl("main", url),))
    return Home(url, QUORUM if url.startswith("amqp") else None)


def test_pause_and_resume__written_down_once_with_a_key(admin: Program) -> None:
    queue()
    first = admin.post("/api/v1/consumption/pause", ASKED, **{"Idempotency-Key": "k-1"})
    again = admin.post("/api/v1/consumption/pause", ASKED, **{"Idempotency-Key": "k-1"})
    assert (first.status_code, first.json()["state"]) == (202, "pausing")
    assert again.json()["id"] == first.json()["id"]
    assert admin.get(f"/api/v1/consumption/{first.json()['id']}").json()["reason"] == "gateway repaired"
    assert admin.get("/api/v1/queues").json()["results"][0]["state"] == "paused"
    assert admin.post("/api/v1/consumption/pause", ASKED).status_code == 409
    assert admin.post("/api/v1/consumption/resume", ASKED).json()["state"] == "resuming"
    assert admin.post("/api/v1/consumption/resume", ASKED).status_code == 409
    assert [each.action for each in Entry.objects.filter(on_kind="queue").order_by("sequence")] == [
        "consumption.paused", "consumption.resumed",
    ]  # fmt: skip


def test_pause__without_the_right__refused(admin: Program) -> None:
    queue()
    viewer = Program("viewer")
    assert viewer.post("/api/v1/consumption/pause", ASKED).status_code == 403
    assert signed_in(person("vera", "viewer")).post("/queues/main/pause/extract").status_code == 403
    assert not Pause.objects.exists()


def test_pause_from_the_page__the_broker_is_away__says_what_follows(ana: Client) -> None:
    queue()
    answer = ana.post("/queues/main/pause/extract", {"reason": "repair"}, follow=True)
    text = answer.content.decode()
    assert "It is written down and done as soon as that is possible." in text
    assert "Pausing</b> by ana" in text
    assert Pause.objects.get().reason == "repair"


def test_cancel__what_it_does_not_run__404(admin: Program) -> None:
    queue()
    worker()
    body = {**ASKED, "worker": "extract-0@node-3", "task": "another"}
    assert admin.post("/api/v1/workers/cancel", body).status_code == 404


def test_cancel__the_broker_is_away__503_and_in_the_trail(admin: Program) -> None:
    queue()
    worker()
    body = {**ASKED, "worker": "extract-0@node-3", "task": "task-0"}
    assert admin.post("/api/v1/workers/cancel", body).status_code == 503
    assert Entry.objects.filter(action="task.cancelled", on_id="task-0").count() == 1


def test_look__on_redis__without_a_trace(admin: Program, redis_url: str, settings: Any) -> None:
    on(settings, redis_url).send("extract", "m-1", "m-2")
    queue()
    found = admin.post("/api/v1/queue-peeks", {**ASKED, "limit": 1}).json()["results"]
    assert [each["message_id"] for each in found] == ["m-1"]
    assert found[0]["body"].startswith("[[]")
    masked = Program("viewer").post("/api/v1/queue-peeks", ASKED).json()["results"][0]
    assert (masked["body"], masked["headers"], masked["message_id"]) == (None, None, "m-1")


def test_look__on_rabbitmq__only_for_who_knows_and_may(
    admin: Program, ana: Client, rabbitmq_url: str, settings: Any
) -> None:
    on(settings, rabbitmq_url).send("extract", "m-1")
    queue(kind="quorum")
    refused = admin.post("/api/v1/queue-peeks", ASKED)
    assert refused.status_code == 409
    assert "knowing_that_it_counts" in refused.json()["detail"]
    knowing = {**ASKED, "knowing_that_it_counts": True}
    assert Program("viewer").post("/api/v1/queue-peeks", knowing).status_code == 403
    assert admin.post("/api/v1/queue-peeks", knowing).json()["results"][0]["message_id"] == "m-1"
    text = ana.post("/queues/main/peek/extract").content.decode()
    assert "m-1" in text
    assert "redelivered" in text
    assert Entry.objects.filter(action="queue.peeked").count() == 2
