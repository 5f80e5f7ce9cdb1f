"""The access API: all that the admin manages, for programs too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from core.access import grants, services, subjects
from core.access.api import Place, Scope
from core.access.models import ApprovalLimit, Token
from core.access.services import approvals
from core.access.services.actor import Actor
from tests.support.accounts import ACTOR, bearer, machine, person, signed_in, token

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]
SEAL = "9f" * 32


class Api:
    """JSON in, JSON out, by session."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = json.dumps(body) if body is not None else ""
        return self.client.generic(method, f"/api/v1{path}", data, content_type="application/json")


@pytest.fixture
def ana() -> Api:
    return Api(signed_in(person("ana", "admin")))


def test_me_says_who_what_where_and_why() -> None:
    robot = machine("robot", "operator", scope=Scope("prod-*"))
    client = Client(headers=bearer(token(robot, bounds=Scope("prod-eu"))))
    me = client.get("/api/v1/me").json()
    assert (me["kind"], me["name"], me["via"]) == ("service", "robot", "token:robot")
    assert me["bound_to"] == {"environment": "prod-eu", "queue": "*", "agent": "*"}
    rights = {right["permission"]: right for right in me["permissions"]}
    assert rights["purge"]["where"] == [
        {"role": "operator", "group": "", "environment": "prod-*", "queue": "*", "agent": "*"}
    ]
    assert not rights["manage_access"]["held"]


def test_a_role_is_made_changed_and_deleted(ana: Api) -> None:
    made = ana.ask("POST", "/roles", {"name": "auditor", "permissions": ["read_audit"]})
    assert made.status_code == 201
    assert not made.json()["built_in"]
    changed = ana.ask("PATCH", "/roles/auditor", {"permissions": ["read_audit", "see"]})
    assert changed.json()["permissions"] == ["read_audit", "see"]
    assert ana.ask("DELETE", "/roles/auditor").status_code == 204
    assert ana.ask("GET", "/roles/auditor").status_code == 404


def test_a_built_in_role__refused(ana: Api) -> None:
    refused = ana.ask("DELETE", "/roles/viewer")
    assert refused.status_code == 409
    assert "Copy the role" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "a b", "permissions": ["see"]}, "name"),
        ({"name": "a", "permissions": ["fly"]}, "permissions"),
        ({"name": "a", "permissions": []}, "permissions"),
        ({"permissions": ["see"]}, "name"),
    ],
)
def test_a_role_that_is_not_one__refused(ana: Api, body: dict[str, Any], field: str) -> None:
    refused = ana.ask("POST", "/roles", body)
    assert refused.status_code == 400
    assert field in refused.json()["errors"][0]["field"]


def test_a_grant_is_given_found_and_taken_away(ana: Api) -> None:
    person("ben")
    body = {"user": "ben", "role": "viewer", "environment": "prod-*"}
    made = ana.ask("POST", "/grants", body)
    assert made.status_code == 201
    found = ana.ask("GET", "/grants?user=ben").json()["results"]
    assert [(each["role"], each["environment"]) for each in found] == [("viewer", "prod-*")]
    assert ana.ask("DELETE", f"/grants/{made.json()['id']}").status_code == 204
    assert ana.ask("GET", "/grants?user=ben").json()["results"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"user": "nobody", "role": "viewer"},
        {"user": "ana", "role": "king"},
        {"user": "ana", "group": "night", "role": "viewer"},
        {"role": "viewer"},
        {"user": "ana", "role": "viewer", "environment": "a,b"},
    ],
)
def test_a_grant_that_is_not_one__refused(ana: Api, body: dict[str, Any]) -> None:
    assert ana.ask("POST", "/grants", body).status_code == 400


def test_a_manager_of_one_environment_gives_nothing_elsewhere() -> None:
    person("cem")
    ben = Api(signed_in(person("ben", "security", scope=Scope("staging"))))
    assert ben.ask("POST", "/grants", {"user": "cem", "role": "viewer"}).status_code == 403
    in_staging = {"user": "cem", "role": "viewer", "environment": "staging"}
    assert ben.ask("POST", "/grants", in_staging).status_code == 201


def test_a_token_is_shown_once_and_works_until_it_is_revoked(ana: Api) -> None:
    body = {"name": "ci", "role": "viewer", "scope": {"environment": "prod"}, "expires_in": "90d"}
    made = ana.ask("POST", "/tokens", body)
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    secret = made.json()["token"]
    assert subjects.of_token(secret) is not None
    listed = ana.ask("GET", "/tokens?name=ci")
    assert secret not in listed.content.decode()
    assert listed.json()["results"][0]["state"] == "live"
    assert ana.ask("DELETE", f"/tokens/{made.json()['id']}").status_code == 204
    assert Token.objects.get().state == "revoked"
    assert ana.ask("DELETE", f"/tokens/{made.json()['id']}").status_code == 409


def test_lists_go_page_by_page(ana: Api) -> None:
    for number in range(5):
        machine(f"robot-{number}", "viewer")
    first = ana.ask("GET", "/grants?limit=4").json()
    rest = ana.ask("GET", f"/grants?limit=4&cursor={first['next']}").json()
    ids = [each["id"] for each in first["results"] + rest["results"]]
    assert len(ids) == len(set(ids)) == 6
    assert rest["next"] is None


def test_an_approval_limit_is_set_and_taken_away(ana: Api) -> None:
    made = ana.ask("POST", "/approval-limits", {"action": "purge", "above": 100, "role": "operator"})
    assert made.status_code == 201
    listed = ana.ask("GET", "/approval-limits").json()["results"]
    assert {"purge": 100} in [{each["action"]: each["above"]} for each in listed]
    assert ana.ask("DELETE", f"/approval-limits/{made.json()['id']}").status_code == 204
    assert not ApprovalLimit.objects.filter(above=100).exists()


@pytest.mark.parametrize("path", ["/roles", "/grants", "/tokens", "/approval-limits"])
def test_without_manage_access__refused(path: str) -> None:
    ben = Api(signed_in(person("ben", "operator")))
    for method in ("GET", "POST"):
        refused = ben.ask(method, path, {})
        assert refused.status_code == 403
        assert refused.json()["permission"] == "manage_access"


# ---- Approvals ------------------------------------------------------------------------------------------------
@pytest.fixture
def waiting() -> str:
    asker = grants.subject_of(person("olaf", "operator"), via="session")
    request = approvals.Request(
        "purge", "01930000-0000-7000-8000-00000000000a", SEAL, 60, Place("prod"), "gateway repaired"
    )
    return str(approvals.ask(request, Actor(asker)).pk)


def approver(name: str = "ben", scope: Scope | None = None) -> Api:
    return Api(signed_in(person(name, "approver", scope=scope)))


def test_an_approver_approves_what_was_shown(waiting: str) -> None:
    ben = approver()
    shown = ben.ask("GET", "/approvals?state=waiting").json()["results"][0]
    assert shown["yours_to_decide"]
    done = ben.ask("POST", f"/approvals/{waiting}/approve", {"sha256": shown["sha256"], "reason": "fine"})
    assert (done.status_code, done.json()["state"]) == (200, "approved")
    assert done.json()["decided_by"] == "ben"
    again = ben.ask("POST", f"/approvals/{waiting}/reject", {})
    assert again.status_code == 409


def test_an_approver_with_another_hash__refused(waiting: str) -> None:
    refused = approver().ask("POST", f"/approvals/{waiting}/approve", {"sha256": "00" * 32})
    assert refused.status_code == 409


def test_who_asked__refused(waiting: str) -> None:
    from core.access.models import Role, User

    olaf = User.objects.get(username="olaf")
    services.give(olaf, Role.objects.get(name="approver"), Scope(), ACTOR)
    api = Api(signed_in(olaf))
    assert api.ask("POST", f"/approvals/{waiting}/approve", {"sha256": SEAL}).status_code == 403
    assert api.ask("POST", f"/approvals/{waiting}/withdraw").json()["state"] == "withdrawn"


def test_an_approver_elsewhere_does_not_even_see_it(waiting: str) -> None:
    cem = approver("cem", Scope("staging"))
    assert cem.ask("GET", "/approvals").json()["results"] == []
    assert cem.ask("POST", f"/approvals/{waiting}/approve", {"sha256": SEAL}).status_code == 404


def test_the_inbox_approves_by_a_form(waiting: str) -> None:
    client = signed_in(person("ben", "approver"))
    page = client.get("/approvals").content.decode()
    assert "gateway repaired" in page
    assert SEAL in page
    client.post(f"/approvals/{waiting}/approve", {"sha256": SEAL, "reason": "fine"})
    assert "Nothing waits for you" in client.get("/approvals").content.decode()


def test_the_inbox_of_somebody_who_may_not_approve_says_so(waiting: str) -> None:
    client = signed_in(person("vera", "viewer"))
    assert "no role with the right to approve" in client.get("/approvals").content.decode()
    assert client.post(f"/approvals/{waiting}/approve", {"sha256": SEAL}).status_code == 403


def test_my_permissions_shows_where_and_why() -> None:
    client = signed_in(person("ana", "operator", scope=Scope("prod-*")))
    page = client.get("/my-permissions").content.decode()
    assert "environment prod-*" in page
    assert "role operator" in page
    assert "You may not" in page
