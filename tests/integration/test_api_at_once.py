"""The same request many times at the same moment, over real connections: done once. And no cookie is enough."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from core.access import services
from core.access.api import Scope
from core.access.audit.models import Entry
from core.access.models import Role
from tests.support.api_client import Program

AUDIT = "/api/v1/audit"
REPORT = {"action": "orders.refunded", "on": {"kind": "order", "id": "4711"}}
AT_ONCE = 8


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_same_request_eight_times_at_once__done_once() -> None:
    agent, key, start = Program("agent"), str(uuid.uuid4()), Barrier(AT_ONCE)

    def send(_: int) -> Any:
        start.wait()
        try:
            return agent.post(AUDIT, REPORT, **{"Idempotency-Key": key})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(send, range(AT_ONCE)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 201, [answer.content for answer in answers]
    assert set(statuses) <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert Entry.objects.filter(action="agent.reported").count() == 1
    assert agent.post(AUDIT, REPORT, **{"Idempotency-Key": key})["Idempotency-Replayed"] == "true"


@pytest.fixture
def admin() -> Client:
    """A browser with a session, whose forged requests would carry the cookie too."""
    actor = services.of_command("test")
    person = services.create_person("cara", "a long enough phrase", actor)
    services.give(person, Role.objects.get(name="admin"), Scope(), actor)
    client = Client(enforce_csrf_checks=True)
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.django_db
def test_session_without_csrf_token__refused_with_a_problem(admin: Client) -> None:
    answer = admin.post(AUDIT, REPORT, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert not Entry.objects.filter(action="agent.reported").exists()


@pytest.mark.django_db
def test_session_with_csrf_token__accepted(admin: Client) -> None:
    admin.get("/audit")
    token = admin.cookies["postroom_csrf"].value
    answer = admin.post(AUDIT, REPORT, content_type="application/json", headers={"X-CSRFToken": token})
    assert answer.status_code == 201
    assert Entry.objects.get(action="agent.reported").by_name == "cara"
