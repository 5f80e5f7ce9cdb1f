"""Signing in at an OpenID provider, by a real flow against a small provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from core.access import oidc, refused, services
from core.access.audit.models import Entry
from core.access.models import User
from tests.support.accounts import ACTOR, person
from tests.support.oidc_provider import CLIENT, SECRET, Provider, provider

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture
def at(settings: Any) -> Iterator[Provider]:
    oidc._app.cache_clear()
    refused.LOG = refused.RefusalLog(refused._record)
    with provider() as made:
        settings.POSTROOM = replace(
            settings.POSTROOM,
            oidc_issuer=made.url,
            oidc_client_id=CLIENT,
            oidc_client_secret=SECRET,
            oidc_name="the office",
        )
        yield made


def go(at: Provider, client: Client | None = None, next: str = "") -> Any:
    """The whole way: there, agree, and back."""
    client = client or Client()
    there = client.get("/sign-in/provider", {"next": next})
    return client.get("/sign-in/return", at.authorize(there["Location"]))


def turned_down(response: Any) -> None:
    assert response["Location"] == "/sign-in"
    assert "_auth_user_id" not in response.wsgi_request.session
    assert Entry.objects.filter(action="access.sign_in_refused").exists()


def test_off_unless_set() -> None:
    assert Client().get("/sign-in/provider")["Location"] == "/sign-in"
    assert Client().get("/sign-in/return")["Location"] == "/sign-in"
    assert "/sign-in/provider" not in Client().get("/sign-in").content.decode()


def test_the_sign_in_page_offers_it(at: Provider) -> None:
    assert "Sign in with the office" in Client().get("/sign-in").content.decode()


def test_it_asks_with_state_nonce_and_pkce(at: Provider) -> None:
    address = Client().get("/sign-in/provider")["Location"]
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert asked["redirect_uri"] == ["http://testserver/sign-in/return"]
    assert asked["state"]
    assert asked["nonce"]
    assert asked["code_challenge"]


def test_somebody_new_gets_an_account_with_no_rights(at: Provider) -> None:
    response = go(at)
    assert response["Location"] == "/"
    ana = User.objects.get()
    assert (ana.username, ana.oidc_subject, ana.grants.count()) == ("ana", "u-1", 0)
    assert not ana.has_usable_password()
    assert Entry.objects.filter(action="access.signed_in", by_name="ana").exists()


def test_the_same_person_comes_back_to_the_same_account(at: Provider) -> None:
    go(at)
    at.person["preferred_username"] = "ana-married"
    go(at)
    assert User.objects.get().username == "ana"


def test_an_account_that_was_here_is_not_taken_over_by_its_name(at: Provider) -> None:
    person("ana", "admin")
    go(at)
    came = User.objects.get(oidc_subject="u-1")
    assert came.username.startswith("ana-")
    assert not came.grants.exists()


def test_it_leads_back_to_where_one_wanted_to_go(at: Provider) -> None:
    assert go(at, next="/approvals")["Location"] == "/approvals"


def test_it_leads_nowhere_else(at: Provider) -> None:
    assert go(at, next="https://elsewhere.example/")["Location"] == "/"


def test_the_session_gets_a_new_key(at: Provider) -> None:
    client = Client()
    client.get("/sign-in/provider")
    before = client.session.session_key
    go(at, client)
    assert client.session.session_key != before


@pytest.mark.parametrize(
    "bend",
    [
        {"nonce": "another"},
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"exp": 1},
        {"sub": ""},
    ],
    ids=lambda bend: next(iter(bend)),
)
def test_an_id_token_with_a_wrong_claim__refused(at: Provider, bend: dict[str, Any]) -> None:
    at.bend = bend
    turned_down(go(at))
    assert not User.objects.exists()


def test_an_id_token_of_another_key__refused(at: Provider) -> None:
    at.key = "somebody else"
    turned_down(go(at))


def test_a_provider_that_signs_with_a_shared_secret__refused(at: Provider) -> None:
    at.algorithms = ("HS256",)
    turned_down(Client().get("/sign-in/provider"))


def test_another_state_than_the_one_sent__refused(at: Provider) -> None:
    client = Client()
    back = at.authorize(client.get("/sign-in/provider")["Location"])
    turned_down(client.get("/sign-in/return", back | {"state": "made up"}))


def test_coming_back_with_somebody_elses_code__refused(at: Provider) -> None:
    """The code of one browser is worth nothing in another: state and PKCE belong to the session."""
    stolen = at.authorize(Client().get("/sign-in/provider")["Location"])
    victim = Client()
    victim.get("/sign-in/provider")
    turned_down(victim.get("/sign-in/return", stolen))


def test_a_code_is_good_once(at: Provider) -> None:
    client = Client()
    back = at.authorize(client.get("/sign-in/provider")["Location"])
    assert client.get("/sign-in/return", back)["Location"] == "/"
    turned_down(Client().get("/sign-in/return", back))


def test_somebody_switched_off__refused(at: Provider) -> None:
    go(at)
    services.change_account(User.objects.get(), ACTOR, is_active=False)
    turned_down(go(at))


def test_a_provider_that_is_down__refused_with_a_sentence(at: Provider, settings: Any) -> None:
    settings.POSTROOM = replace(settings.POSTROOM, oidc_issuer="http://127.0.0.1:9")
    response = Client().get("/sign-in/provider", follow=True)
    assert "did not vouch for you" in response.content.decode()
