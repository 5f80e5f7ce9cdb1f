"""Redrive policies for programs: made, changed and deleted within what one may do oneself, each in the trail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from agents.operations.models import RedrivePolicy
from core.access.api import Scope
from core.access.audit.models import Entry
from tests.support.accounts import bearer, machine, person, signed_in, token

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]
PATH = "/api/v1/policies"


def ask(client: Client, method: str, path: str, body: Any = None, **headers: str) -> Any:
    data = json.dumps(body) if body is not None else ""
    return client.generic(method, path, data, content_type="application/json", headers=headers)


@pytest.fixture
def admin() -> Client:
    return signed_in(person("ana", "admin"))


def scoped(queue: str, *roles: str) -> Client:
    robot = machine("robot", *roles, scope=Scope(queue=queue))
    return Client(headers=bearer(token(robot)))


def test_made__off_until_switched_on__and_in_the_trail(admin: Client) -> None:
    made = ask(admin, "POST", PATH, {"name": "gateways", "queue": "book*", "delay_s": 60})
    assert made.status_code == 201, made.json()
    policy = made.json()
    assert (policy["enabled"], policy["environment"], policy["queue"]) == (False, "*", "book*")
    assert made["Location"] == f"{PATH}/{policy['id']}"
    on = ask(admin, "PATCH", made["Location"], {"enabled": True, "rate": 5})
    assert (on.status_code, on.json()["enabled"], on.json()["rate"]) == (200, True, 5.0)
    assert ask(admin, "GET", f"{PATH}?enabled=true").json()["results"] == [on.json()]
    assert ask(admin, "DELETE", made["Location"]).status_code == 204
    assert not RedrivePolicy.objects.exists()
    trail = Entry.objects.filter(action__startswith="redrive_policy").order_by("sequence")
    assert [entry.action.partition(".")[2] for entry in trail] == ["created", "changed", "deleted"]


def test_asked_twice_with_one_key__one_policy(admin: Client) -> None:
    body, key = {"name": "gateways"}, {"Idempotency-Key": "one"}
    first = ask(admin, "POST", PATH, body, **key).json()
    assert ask(admin, "POST", PATH, body, **key).json() == first
    assert RedrivePolicy.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "name"), ({"name": "x", "delay_s": 0}, "delay_s"), ({"name": "x", "budget": 2_000_000}, "budget")],
)
def test_what_does_not_go__refused_by_name(admin: Client, body: Any, field: str) -> None:
    refused = ask(admin, "POST", PATH, body)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == [field]


def test_a_name_that_is_taken__refused(admin: Client) -> None:
    ask(admin, "POST", PATH, {"name": "gateways"})
    refused = ask(admin, "POST", PATH, {"name": "gateways"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "name")


@pytest.mark.parametrize("role", ["viewer", "operator", "approver", "security"])
def test_who_does_not_manage_letters__refused(role: str) -> None:
    client = signed_in(person("ben", role))
    assert ask(client, "GET", PATH).status_code == 403
    assert ask(client, "POST", PATH, {"name": "x"}).status_code == 403


def test_beyond_ones_own_scope__refused__within_it_made(admin: Client) -> None:
    ask(admin, "POST", PATH, {"name": "everywhere"})
    robot = scoped("book-*", "admin")
    assert ask(robot, "GET", PATH).json()["results"] == []
    assert ask(robot, "POST", PATH, {"name": "all"}).status_code == 403
    made = ask(robot, "POST", PATH, {"name": "mine", "queue": "book-flights"})
    assert made.status_code == 201, made.json()
    wider = ask(robot, "PATCH", made["Location"], {"queue": "*"})
    assert wider.status_code == 403
    assert RedrivePolicy.objects.get(name="mine").queue == "book-flights"


def test_not_there__404_with_where_to_look(admin: Client) -> None:
    missing = ask(admin, "GET", f"{PATH}/99")
    assert missing.status_code == 404
    assert missing.json()["remedy"]
