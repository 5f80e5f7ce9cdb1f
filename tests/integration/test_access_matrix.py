"""Every built-in role × every permission × in scope and out of scope: by `may`, and by a real request."""

from __future__ import annotations

import pytest
from django.test import Client

from core.access import grants
from core.access.api import Permission, Place, Scope, may
from core.access.built_in_roles import BUILT_IN_ROLES
from tests.support.accounts import bearer, machine, person, signed_in, token

IN, OUT = "prod-eu", "staging"
SCOPE = Scope(environment="prod-*")

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db,
    pytest.mark.urls("tests.support.access_urls"),
]


def expected(name: str, permission: Permission, environment: str) -> bool:
    return permission in BUILT_IN_ROLES[name].permissions and environment == IN


CASES = [(permission, environment) for permission in Permission for environment in (IN, OUT)]


@pytest.mark.parametrize("name", BUILT_IN_ROLES)
def test_may(name: str) -> None:
    subject = grants.subject_of(person("ana", name, scope=SCOPE))
    for permission, environment in CASES:
        decision = may(subject, permission, Place(environment))
        assert decision.allowed == expected(name, permission, environment), (permission, environment)


@pytest.mark.parametrize("name", BUILT_IN_ROLES)
def test_request_with_a_token(name: str) -> None:
    client = Client(headers=bearer(token(machine("robot", name, scope=SCOPE))))
    check(client, name)


@pytest.mark.parametrize("name", BUILT_IN_ROLES)
def test_request_with_a_session(name: str) -> None:
    check(signed_in(person("ana", name, scope=SCOPE)), name)


@pytest.mark.parametrize("name", BUILT_IN_ROLES)
def test_request_of_a_role_that_reaches_everywhere_by_a_token_that_does_not(name: str) -> None:
    client = Client(headers=bearer(token(machine("robot", name), bounds=SCOPE)))
    check(client, name)


def check(client: Client, name: str) -> None:
    for permission, environment in CASES:
        response = client.get(f"/api/v1/test/{permission}/{environment}")
        status = 200 if expected(name, permission, environment) else 403
        assert response.status_code == status, (permission, environment, response.content)
        if status == 403:
            problem = response.json()
            assert response["Content-Type"] == "application/problem+json"
            assert problem["permission"] == permission
            assert problem["detail"]


def test_request_of_nobody() -> None:
    for permission in Permission:
        response = Client().get(f"/api/v1/test/{permission}/{IN}")
        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith("Bearer")


def test_request_of_somebody_with_no_role() -> None:
    client = signed_in(person("ana"))
    for permission in Permission:
        assert client.get(f"/api/v1/test/{permission}/{IN}").status_code == 403


def test_a_superuser_of_django_has_no_way_round() -> None:
    ana = person("ana")
    type(ana).objects.filter(pk=ana.pk).update(is_superuser=True, is_staff=True)
    client = signed_in(ana)
    for permission in Permission:
        assert client.get(f"/api/v1/test/{permission}/{IN}").status_code == 403
