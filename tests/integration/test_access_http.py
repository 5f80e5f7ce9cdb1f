"""What stands between the network and a view: proxies, forged forms, headers, cookies, sockets."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.access import addresses, bearer, grants, refused, services, stamp, subjects
from core.access.api import ANONYMOUS, Kind, Scope
from core.access.audit.models import Entry
from core.access.credentials import CredentialRefusedError, Why
from core.access.models import Token
from tests.support.accounts import ACTOR, BACKEND, PASSWORD, machine, person, signed_in, token
from tests.support.accounts import bearer as header

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]
committed = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh() -> Any:
    bearer.CACHE.forget()
    refused.LOG = refused.RefusalLog(refused._record)
    yield
    addresses.trusted.cache_clear()


# ---- Proxies --------------------------------------------------------------------------------------------------
def behind(settings: Any, *proxies: str) -> None:
    settings.POSTROOM = replace(settings.POSTROOM, trusted_proxies=proxies)
    addresses.trusted.cache_clear()


def source_of_a_refusal(**headers: str) -> str:
    Client(headers=header("prm_nothing") | headers).get("/api/v1/me")
    return Entry.objects.latest("sequence").source


def test_a_stranger_cannot_say_who_it_is(settings: Any) -> None:
    behind(settings)
    assert source_of_a_refusal(**{"X-Forwarded-For": "203.0.113.9"}) == "127.0.0.1"


def test_a_trusted_proxy_says_who_it_is(settings: Any) -> None:
    behind(settings, "127.0.0.0/8")
    assert source_of_a_refusal(**{"X-Forwarded-For": "203.0.113.9"}) == "203.0.113.9"


def test_a_stranger_cannot_pretend_https(settings: Any) -> None:
    behind(settings)
    response = Client(headers={"X-Forwarded-Proto": "https"}).get("/sign-in")
    assert not response.wsgi_request.is_secure()
    behind(settings, "127.0.0.1")
    response = Client(headers={"X-Forwarded-Proto": "https"}).get("/sign-in")
    assert response.wsgi_request.is_secure()


# ---- Forged forms ---------------------------------------------------------------------------------------------
BODY = {"name": "auditor", "permissions": ["see"]}


def test_a_form_without_its_token__refused() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("ana", "admin"), BACKEND)
    assert client.post("/sign-out").status_code == 403


def test_the_api_by_session_without_the_forms_token__refused() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("ana", "admin"), BACKEND)
    response = client.post("/api/v1/roles", BODY, content_type="application/json")
    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"
    client.get("/my-permissions")
    sent = {"X-CSRFToken": client.cookies["postroom_csrf"].value}
    answer = client.post("/api/v1/roles", BODY, content_type="application/json", headers=sent)
    assert answer.status_code == 201


def test_the_api_by_token_needs_no_forms_token() -> None:
    client = Client(enforce_csrf_checks=True, headers=header(token(machine("robot", "admin"))))
    assert client.post("/api/v1/roles", BODY, content_type="application/json").status_code == 201


def test_beside_a_header_no_cookie_counts() -> None:
    """A page elsewhere that makes a browser send a worthless header must not get the cookie's rights without CSRF."""
    client = Client(enforce_csrf_checks=True, headers=header("prm_nothing"))
    client.force_login(person("ana", "admin"), BACKEND)
    assert client.post("/api/v1/roles", BODY, content_type="application/json").status_code == 401


# ---- Headers and cookies --------------------------------------------------------------------------------------
def test_a_page_says_what_it_may_load() -> None:
    policy = signed_in(person("ana", "viewer")).get("/my-permissions")["Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == "'none'"
    assert "unsafe" not in policy
    assert parts["frame-ancestors"] == "'none'"
    assert parts["form-action"] == "'self'"


def test_the_usual_headers() -> None:
    response = Client().get("/sign-in")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "no-store" in response["Cache-Control"]


def test_the_sessions_cookie_is_out_of_reach_of_scripts() -> None:
    person("ana", "viewer", password=PASSWORD)
    client = Client()
    client.post("/sign-in", {"username": "ana", "password": PASSWORD})
    cookie = client.cookies["postroom_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_check_deploy_is_clean_with_https(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("POSTROOM_")}
    environ |= {"POSTROOM_DATA_DIR": str(tmp_path), "POSTROOM_HTTPS": "on"}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# ---- Passwords ------------------------------------------------------------------------------------------------
def test_changing_ones_own_password_ends_every_session() -> None:
    ana = person("ana", "viewer", password=PASSWORD)
    here, elsewhere = signed_in(ana), signed_in(ana)
    form = {"old_password": PASSWORD, "new_password1": "quite another phrase"}
    response = here.post("/password", form | {"new_password2": "quite another phrase"})
    assert response["Location"] == "/sign-in"
    assert here.get("/api/v1/me").status_code == elsewhere.get("/api/v1/me").status_code == 401
    ana.refresh_from_db()
    assert ana.check_password("quite another phrase")
    assert Entry.objects.filter(action="access.password_changed", by_name="ana").exists()


def test_a_short_password__refused() -> None:
    ana = person("ana", "viewer", password=PASSWORD)
    form = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    assert "at least 12 characters" in signed_in(ana).post("/password", form).content.decode()
    ana.refresh_from_db()
    assert ana.check_password(PASSWORD)


def test_a_token_changes_no_password() -> None:
    ana = person("ana", "admin", password=PASSWORD)
    secret = services.create_token(ana, Scope(), services.Actor(grants.subject_of(ana))).secret
    client = Client(headers=header(secret))
    assert client.get("/password")["Location"] == "/sign-in"
    assert client.get("/admin/").status_code == 403


# ---- Websockets -----------------------------------------------------------------------------------------------
def scope(**headers: str) -> dict[str, Any]:
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {"type": "websocket", "client": ("192.0.2.5", 4711), "headers": pairs}


def test_a_socket_by_session() -> None:
    client = signed_in(person("ana", "viewer"))
    cookie = f"postroom_session={client.session.session_key}"
    subject = subjects.of_scope(scope(cookie=cookie))
    assert (subject.kind, subject.name, subject.via) == (Kind.PERSON, "ana", "session")


def test_a_socket_by_token() -> None:
    subject = subjects.of_scope(scope(**header(token(machine("robot", "viewer")))))
    assert (subject.kind, subject.name) == (Kind.SERVICE, "robot")


@pytest.mark.parametrize("cookie", ["", "postroom_session=made-up", "a=b; c"])
def test_a_socket_of_nobody(cookie: str) -> None:
    assert subjects.of_scope(scope(cookie=cookie)) == ANONYMOUS


def test_a_socket_with_a_bad_token__refused_and_written_with_its_address() -> None:
    with pytest.raises(CredentialRefusedError):
        subjects.of_scope(scope(**header("prm_nothing")))
    entry = Entry.objects.latest("sequence")
    assert (entry.why, entry.source) == (Why.UNKNOWN, "192.0.2.5")


@committed
def test_an_open_socket_whose_token_is_revoked_must_close() -> None:
    opened = scope(**header(token(machine("robot", "viewer"))))
    subject = subjects.of_scope(opened)
    assert subjects.still(subject, opened) is subject
    services.revoke_token(Token.objects.get(), ACTOR)
    assert subjects.still(subject, opened) is None


@committed
def test_an_open_socket_learns_of_a_new_grant() -> None:
    robot = machine("robot", "viewer")
    opened = scope(**header(token(robot)))
    subject = subjects.of_scope(opened)
    services.take_away(robot.grants.get(), ACTOR)
    again = subjects.still(subject, opened)
    assert again is not None
    assert again.grants == ()


@committed
def test_an_open_socket_of_who_signs_out_must_close() -> None:
    client = signed_in(person("ana", "viewer"))
    opened = scope(cookie=f"postroom_session={client.session.session_key}")
    subject = subjects.of_scope(opened)
    client.post("/sign-out")
    again = subjects.still(subject, opened)
    assert again is None


# ---- The cache that intake lives on ---------------------------------------------------------------------------
@committed
def test_what_was_seen_a_moment_ago_asks_the_database_nothing(django_assert_num_queries: Any) -> None:
    secret = token(machine("robot", "ingest"))
    with asyncio.Runner() as loop:
        first = loop.run(subjects.aof_authorization(f"Bearer {secret}", ""))
        with django_assert_num_queries(0):
            for _ in range(100):
                assert loop.run(subjects.aof_authorization(f"Bearer {secret}", "")) is first


@committed
def test_what_another_process_changed_is_seen_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = token(machine("robot", "ingest"))
    assert subjects.of_token(secret) is not None
    # As another process does it: the row and the stamp, and no word to this one.
    monkeypatch.setattr(stamp, "_listeners", [])
    services.revoke_token(Token.objects.get(), ACTOR)
    assert subjects.of_token(secret) is not None
    later = clock.monotonic() + 1
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    assert subjects.of_token(secret) is None
