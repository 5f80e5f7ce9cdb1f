"""What must be refused is refused, with the reason, and stands in the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.access import bearer as bearer_module
from core.access import jwts, refused, services, sign_in
from core.access.api import Scope
from core.access.audit.models import Entry
from core.access.credentials import CredentialRefusedError, Why
from core.access.models import ServiceAccount, Token
from tests.support import jwt_issuer
from tests.support.accounts import ACTOR, PASSWORD, bearer, machine, person, signed_in, token
from tests.support.jwt_issuer import (
    AUDIENCE,
    ISSUER,
    confused,
    jwk,
    pem,
    published,
    rsa_key,
    signed,
    unsigned,
)

ME = "/api/v1/me"

# A process forgets what it remembers of access when the change is committed; within a test's transaction it never is.
committed = pytest.mark.django_db(transaction=True)
pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No test inherits what another one refused."""
    bearer_module.CACHE.forget()
    refused.LOG = refused.RefusalLog(refused._record)
    jwts._source.cache_clear()


def ask(raw: str, **headers: str) -> Any:
    return Client(headers=bearer(raw) | headers).get(ME)


def refused_with(response: Any, why: Why) -> None:
    """401 with a problem document, and one entry in the trail that says why and from where."""
    assert response.status_code == 401, response.content
    assert response["Content-Type"] == "application/problem+json"
    entry = Entry.objects.filter(action="access.credential_refused").latest("sequence")
    assert (entry.why, entry.source) == (why, "127.0.0.1")


# ---- Tokens ---------------------------------------------------------------------------------------------------
def test_a_live_token__accepted() -> None:
    response = ask(token(machine("robot", "viewer")))
    assert response.status_code == 200
    assert response.json()["name"] == "robot"
    assert not Entry.objects.filter(action="access.credential_refused").exists()


@committed
def test_a_revoked_token__refused() -> None:
    raw = token(machine("robot", "viewer"))
    assert ask(raw).status_code == 200
    services.revoke_token(Token.objects.get(), ACTOR)
    refused_with(ask(raw), Why.REVOKED)


def test_an_expired_token__refused() -> None:
    made = services.create_token(machine("robot", "viewer"), Scope(), ACTOR, expires_in=timedelta(hours=1))
    assert ask(made.secret).status_code == 200
    with clock.held(clock.now() + timedelta(hours=1, seconds=1)):
        refused_with(ask(made.secret), Why.EXPIRED)


def test_a_token_that_was_never_made__refused() -> None:
    refused_with(ask("prm_" + "x" * 43), Why.UNKNOWN)


@committed
def test_a_token_of_an_account_that_is_off__refused() -> None:
    account = machine("robot", "viewer")
    raw = token(account)
    services.change_account(account, ACTOR, active=False)
    refused_with(ask(raw), Why.INACTIVE)


@committed
def test_a_token_that_lost_its_grant_at_once_loses_the_right() -> None:
    account = machine("robot", "viewer")
    raw = token(account)
    assert Client(headers=bearer(raw)).get("/api/v1/approvals").status_code == 200
    services.take_away(account.grants.get(), ACTOR)
    assert Client(headers=bearer(raw)).get("/api/v1/approvals").status_code == 403


@pytest.mark.parametrize("header", ["Bearer", "Basic dXNlcjpwYXNz", "Bearer " + "x" * 9000])
def test_a_header_that_is_no_bearer_token__refused(header: str) -> None:
    refused_with(Client(headers={"Authorization": header}).get(ME), Why.MALFORMED)


def test_the_trail_never_holds_a_secret() -> None:
    raw = token(machine("robot", "viewer"))
    ask(raw + "x")
    for entry in Entry.objects.all():
        assert raw not in str(vars(entry))
        assert raw[12:] not in str(vars(entry))


def test_the_database_never_holds_a_secret() -> None:
    raw = token(machine("robot", "viewer"))
    assert raw not in str(Token.objects.values_list().get())


def test_a_flood_of_bad_tokens_makes_a_few_entries() -> None:
    for number in range(300):
        ask(f"prm_{number:08}")
    written = Entry.objects.filter(action="access.credential_refused").count()
    assert written == refused.MOST_KINDS + 1
    refused.LOG.flush(everything=True)
    last = Entry.objects.filter(action="access.credential_refused").latest("sequence")
    assert last.after == '{"times":249}'


# ---- JWTs -----------------------------------------------------------------------------------------------------
@pytest.fixture
def issuer(settings: Any) -> Iterator[jwt_issuer.Published]:
    """JWTs of one issuer are accepted; its key list is served over HTTP."""
    with published(jwk(rsa_key("good"), "one")) as keys:
        settings.POSTROOM = replace(
            settings.POSTROOM, jwt_jwks_url=keys.url, jwt_issuer=ISSUER, jwt_audience=AUDIENCE
        )
        yield keys


@pytest.fixture
def robot() -> ServiceAccount:
    return machine("robot", "viewer", jwt_subject="robot")


def test_a_good_jwt__accepted(issuer: jwt_issuer.Published, robot: ServiceAccount) -> None:
    response = ask(signed(rsa_key("good")))
    assert response.status_code == 200
    assert response.json()["via"] == f"jwt:{ISSUER}"


def test_a_jwt_by_a_key_file__accepted(settings: Any, robot: ServiceAccount, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem(rsa_key("good")))
    settings.POSTROOM = replace(settings.POSTROOM, jwt_key_file=file, jwt_issuer=ISSUER)
    assert ask(signed(rsa_key("good"), kid=None)).status_code == 200
    refused_with(ask(signed(rsa_key("bad"), kid=None)), Why.SIGNATURE)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": "https://elsewhere.example"}, Why.ISSUER),
        ({"aud": "another"}, Why.AUDIENCE),
        ({"exp": 1}, Why.EXPIRED),
        ({"nbf": 9_999_999_999}, Why.NOT_YET),
        ({"exp": None}, Why.CLAIMS),
        ({"sub": None}, Why.CLAIMS),
        ({"aud": None}, Why.CLAIMS),
        ({"iss": None}, Why.CLAIMS),
        ({"sub": "somebody else"}, Why.NO_ACCOUNT),
    ],
)
def test_a_jwt_with_a_wrong_claim__refused(
    issuer: jwt_issuer.Published, robot: ServiceAccount, changes: dict[str, Any], why: Why
) -> None:
    refused_with(ask(signed(rsa_key("good"), **changes)), why)


def test_a_jwt_of_the_wrong_key__refused(issuer: jwt_issuer.Published, robot: ServiceAccount) -> None:
    refused_with(ask(signed(rsa_key("bad"))), Why.SIGNATURE)


def test_a_jwt_with_no_algorithm__refused(issuer: jwt_issuer.Published, robot: ServiceAccount) -> None:
    refused_with(ask(unsigned()), Why.ALGORITHM)


def test_a_jwt_that_takes_the_public_key_for_a_secret__refused(
    issuer: jwt_issuer.Published, robot: ServiceAccount
) -> None:
    refused_with(ask(confused(pem(rsa_key("good")))), Why.ALGORITHM)


def test_a_jwt_that_takes_the_key_file_for_a_secret__refused(
    settings: Any, robot: ServiceAccount, tmp_path: Path
) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem(rsa_key("good")))
    settings.POSTROOM = replace(settings.POSTROOM, jwt_key_file=file, jwt_issuer=ISSUER)
    refused_with(ask(confused(file.read_text())), Why.ALGORITHM)


def test_hs256_is_refused_even_when_the_rules_were_made_to_allow_it(issuer: jwt_issuer.Published) -> None:
    rules = jwts.Rules(ISSUER, AUDIENCE, ("HS256", "none", "RS256"), 30)
    for raw in (confused(pem(rsa_key("good"))), unsigned()):
        with pytest.raises(CredentialRefusedError) as problem:
            jwts.verify(raw, rules, jwts._source(issuer.url, None))
        assert problem.value.why is Why.ALGORITHM


def test_an_algorithm_that_is_not_on_the_list__refused(
    issuer: jwt_issuer.Published, robot: ServiceAccount
) -> None:
    refused_with(ask(signed(rsa_key("good"), algorithm="PS512")), Why.ALGORITHM)


def test_a_key_of_another_family_is_not_tried(issuer: jwt_issuer.Published, robot: ServiceAccount) -> None:
    refused_with(ask(signed(jwt_issuer.ec_key("good"), algorithm="ES256")), Why.SIGNATURE)


@committed
def test_a_jwt_of_an_account_that_is_off__refused(
    issuer: jwt_issuer.Published, robot: ServiceAccount
) -> None:
    services.change_account(robot, ACTOR, active=False)
    refused_with(ask(signed(rsa_key("good"))), Why.INACTIVE)


def test_a_jwt_when_none_are_configured__refused(robot: ServiceAccount) -> None:
    refused_with(ask(signed(rsa_key("good"))), Why.NOT_CONFIGURED)


def test_a_jwt_a_little_late_is_within_the_leeway__accepted(
    issuer: jwt_issuer.Published, robot: ServiceAccount
) -> None:
    assert ask(signed(rsa_key("good"), exp=int(clock.unix()) - 10)).status_code == 200


def test_a_new_key_is_fetched_when_it_is_first_seen(
    issuer: jwt_issuer.Published, robot: ServiceAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(signed(rsa_key("good"))).status_code == 200
    issuer.keys = [jwk(rsa_key("next"), "two")]
    later = clock.monotonic() + 31
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    assert ask(signed(rsa_key("next"), kid="two")).status_code == 200
    assert issuer.fetched == 2
    refused_with(ask(signed(rsa_key("good"), jti="another")), Why.SIGNATURE)


def test_made_up_key_ids_do_not_make_a_flood_of_fetches(
    issuer: jwt_issuer.Published, robot: ServiceAccount
) -> None:
    for number in range(20):
        refused_with(ask(signed(rsa_key("bad"), kid=f"made-up-{number}")), Why.SIGNATURE)
    assert issuer.fetched == 1


def test_while_the_keys_cannot_be_fetched__refused(
    issuer: jwt_issuer.Published, robot: ServiceAccount
) -> None:
    issuer.broken = True
    refused_with(ask(signed(rsa_key("good"))), Why.KEYS)


# ---- Sessions -------------------------------------------------------------------------------------------------
def test_a_session_after_a_password_change__refused() -> None:
    ana = person("ana", "viewer")
    client, elsewhere = signed_in(ana), signed_in(ana)
    assert elsewhere.get(ME).status_code == 200
    services.change_password(ana, PASSWORD, ACTOR)
    for each in (client, elsewhere):
        refused_with(each.get(ME), Why.SESSION_ENDED)
    entry = Entry.objects.filter(action="access.credential_refused").latest("sequence")
    assert (entry.on_kind, entry.on_name) == ("session", "ana")


def test_a_page_after_a_password_change_leads_to_sign_in_and_says_why() -> None:
    ana = person("ana", "viewer")
    client = signed_in(ana)
    services.change_password(ana, PASSWORD, ACTOR)
    response = client.get("/my-permissions", follow=True)
    assert response.redirect_chain == [("/sign-in?next=%2Fmy-permissions", 302)]
    assert "This session has ended" in response.content.decode()


def test_a_session_of_somebody_switched_off__refused() -> None:
    ana = person("ana", "viewer")
    client = signed_in(ana)
    services.change_account(ana, ACTOR, is_active=False)
    refused_with(client.get(ME), Why.SESSION_ENDED)


def test_an_idle_session__refused(settings: Any) -> None:
    client = signed_in(person("ana", "viewer"))
    with clock.held(clock.now() + timedelta(seconds=settings.SESSION_IDLE_SECONDS + 1)):
        refused_with(client.get(ME), Why.SESSION_IDLE)


def test_a_session_in_use_ends_after_a_working_day(settings: Any) -> None:
    client, start = signed_in(person("ana", "viewer")), clock.now()
    for hours in range(1, 12):
        with clock.held(start + timedelta(hours=hours)):
            assert client.get(ME).status_code == 200
    with clock.held(start + timedelta(seconds=settings.SESSION_COOKIE_AGE + 1)):
        refused_with(client.get(ME), Why.SESSION_OLD)


def test_signing_in_gives_the_session_a_new_key() -> None:
    person("ana", "viewer", password=PASSWORD)
    client = Client()
    client.session["before"] = "sign-in"
    client.session.save()
    before = client.session.session_key
    response = client.post("/sign-in", {"username": "ana", "password": PASSWORD})
    assert response.status_code == 302
    assert client.session.session_key != before


# ---- Signing in -----------------------------------------------------------------------------------------------
def test_a_wrong_password__refused_and_written() -> None:
    person("ana", "viewer", password=PASSWORD)
    response = Client().post("/sign-in", {"username": "ana", "password": "guess"})
    assert response.status_code == 200
    entry = Entry.objects.filter(action="access.sign_in_refused").get()
    assert (entry.on_name, entry.why) == ("ana", Why.PASSWORD)


def test_a_password_typed_as_a_name_is_not_written() -> None:
    Client().post("/sign-in", {"username": "my secret phrase", "password": "x"})
    assert "my secret phrase" not in str(list(Entry.objects.values_list()))


def test_guessing_is_slowed_down_and_others_are_not_locked_out(settings: Any) -> None:
    person("ana", "viewer", password=PASSWORD)
    client = Client()
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert client.post("/sign-in", {"username": "ana", "password": "guess"}).status_code == 200
    locked = client.post("/sign-in", {"username": "ana", "password": "guess"})
    assert locked.status_code == 429
    assert int(locked["Retry-After"]) == 900
    right = {"username": "ana", "password": PASSWORD}
    assert client.post("/sign-in", right).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.44").post("/sign-in", right).status_code == 302
    sign_in.unlock("ana")
    assert client.post("/sign-in", right).status_code == 302


def test_sign_in_leads_nowhere_else() -> None:
    person("ana", "viewer", password=PASSWORD)
    form = {"username": "ana", "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert Client().post("/sign-in", form)["Location"] == "/"


def test_signing_out_is_written_and_ends_the_session() -> None:
    client = signed_in(person("ana", "viewer"))
    key = client.session.session_key or ""
    client.post("/sign-out")
    assert Entry.objects.filter(action="access.signed_out", by_name="ana").exists()
    client.cookies["postroom_session"] = key
    assert client.get(ME).status_code == 401
