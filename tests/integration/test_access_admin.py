"""Django's admin: opened by our permissions, changed through the services, usable under the strict policy."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from core.access import subjects
from core.access.api import Permission, Scope
from core.access.audit.models import Entry
from core.access.models import ApprovalLimit, GrantRow, Role, ServiceAccount, Token, User
from tests.support.accounts import machine, person, role, signed_in, token

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture
def client() -> Client:
    return signed_in(person("ana", "admin"))


def page(client: Client, path: str) -> str:
    response = client.get(f"/admin/{path}")
    assert response.status_code == 200, (path, response.status_code)
    return response.content.decode()


def send(client: Client, path: str, **form: Any) -> str:
    """Post a form, and return what the page after it says."""
    response = client.post(f"/admin/{path}", form, follow=True)
    assert response.status_code == 200
    return response.content.decode()


MODELS = (
    "access/user",
    "access/serviceaccount",
    "auth/group",
    "access/role",
    "access/grantrow",
    "access/token",
    "access/approvallimit",
)


@pytest.mark.parametrize("model", MODELS)
def test_every_page_works_and_holds_nothing_that_the_policy_blocks(client: Client, model: str) -> None:
    machine("robot", "viewer")
    token(ServiceAccount.objects.get())
    for path in (f"{model}/", f"{model}/add/"):
        shown = page(client, path)
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*json)", shown)
        assert not re.search(r'\s(style|on\w+)="', shown)


def test_the_admin_is_closed_to_who_manages_nothing() -> None:
    assert signed_in(person("ben", "operator")).get("/admin/").status_code == 403


def test_the_admin_is_closed_to_djangos_superuser() -> None:
    person("ben")
    User.objects.update(is_superuser=True, is_staff=True)
    assert signed_in(User.objects.get()).get("/admin/access/user/").status_code == 403


def test_somebody_is_added_given_a_role_and_understood(client: Client) -> None:
    send(client, "access/user/add/", username="ben", is_active="on", password_now="quite a long phrase")
    ben = User.objects.get(username="ben")
    assert ben.check_password("quite a long phrase")
    send(client, "access/grantrow/add/", user=ben.pk, role=role("operator").pk, environment="prod-*")
    shown = page(client, f"access/user/{ben.pk}/change/")
    assert "What can this person do?" in shown
    assert "environment prod-*" in shown
    actions = ["access.account_created", "access.grant_given"]
    assert [Entry.objects.filter(action=each, by_name="ana").count() for each in actions] == [1, 1]


def test_a_role_shows_what_it_may_do_and_who_has_it(client: Client) -> None:
    person("ben", "operator", scope=Scope("prod"))
    shown = page(client, f"access/role/{role('operator').pk}/change/")
    assert "Send letters back to a queue." in shown
    assert "ben" in shown
    assert "environment prod" in shown


def test_a_built_in_role_can_be_copied_and_not_changed(client: Client) -> None:
    viewer = role("viewer")
    assert "cannot be changed" in page(client, f"access/role/{viewer.pk}/change/")
    form = {"name": "viewer", "permissions": ["purge"]}
    assert client.post(f"/admin/access/role/{viewer.pk}/change/", form).status_code == 403
    assert client.post(f"/admin/access/role/{viewer.pk}/delete/", {"post": "yes"}).status_code == 403
    assert role("viewer").allowed() == {Permission.SEE}
    assert "viewer-copy" in page(client, "access/role/add/?copy=viewer")


def test_a_custom_role_is_made_and_changed(client: Client) -> None:
    send(client, "access/role/add/", name="auditor", title="", permissions=["see"])
    auditor = role("auditor")
    send(client, f"access/role/{auditor.pk}/change/", title="Reads", permissions=["see", "read_audit"])
    assert role("auditor").allowed() == {Permission.SEE, Permission.READ_AUDIT}


def test_a_token_is_shown_once(client: Client) -> None:
    robot = machine("robot", "viewer")
    shown = send(client, "access/token/add/", service_account=robot.pk, environment="prod", expires_in="90d")
    secret = re.search(r"prm_[\w-]{43}", shown)
    assert secret is not None
    held = subjects.of_token(secret[0])
    assert held is not None
    assert held.bounds == Scope("prod")
    made = Token.objects.get()
    for path in (
        "access/token/",
        f"access/token/{made.pk}/change/",
        f"access/serviceaccount/{robot.pk}/change/",
    ):
        assert secret[0] not in page(client, path)
    send(client, f"access/token/{made.pk}/revoke/")
    assert Token.objects.get().state == "revoked"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"environment": "prod"}, "Choose the service account"),
        ({"expires_in": "soon"}, "It must be a number above 0"),
        ({"environment": "a,b"}, "no comma"),
    ],
)
def test_a_token_that_is_not_one__refused(client: Client, form: dict[str, str], says: str) -> None:
    account = {} if "Choose" in says else {"service_account": machine("robot", "viewer").pk}
    assert says in send(client, "access/token/add/", **(account | form))
    assert not Token.objects.exists()


def test_the_last_manager_stays_and_the_page_says_why(client: Client) -> None:
    grant = GrantRow.objects.get(user__username="ana")
    says = send(client, f"access/grantrow/{grant.pk}/delete/", post="yes")
    assert "Nobody would be left" in says
    assert GrantRow.objects.filter(pk=grant.pk).exists()


def test_a_manager_of_one_environment_gives_nothing_elsewhere_and_the_page_says_why() -> None:
    ben, cem = person("ben", "security", scope=Scope("staging")), person("cem")
    says = send(signed_in(ben), "access/grantrow/add/", user=cem.pk, role=role("viewer").pk)
    assert "may manage access only here: environment staging" in says
    assert not cem.grants.exists()


def test_a_limit_is_set(client: Client) -> None:
    send(client, "access/approvallimit/add/", action="purge", above=100)
    assert ApprovalLimit.objects.filter(action="purge", above=100).exists()
    assert Entry.objects.filter(action="access.limit_created").exists()


def test_history_leads_to_the_trail(client: Client) -> None:
    ben = person("ben")
    assert client.get(f"/admin/access/user/{ben.pk}/history/")["Location"] == "/audit?on=ben"


def test_a_role_in_use_is_not_deleted(client: Client) -> None:
    send(client, "access/role/add/", name="auditor", title="", permissions=["see"])
    person("ben", "auditor")
    send(client, f"access/role/{role('auditor').pk}/delete/", post="yes")
    assert Role.objects.filter(name="auditor").exists()
