"""What stands around a page comes from its address, and goes with the reader."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from core.access.api import Grant, Kind, Permission, Scope, Subject
from core.access.permissions import Permission as P
from dashboard.pages import environments, frame, navigation, refusals, status_words
from dashboard.templatetags.console import curl_line


def _subject(*permissions: Permission, scope: Scope = Scope()) -> Subject:  # noqa: B008 - frozen
    return Subject(Kind.PERSON, "1", "vera", (Grant("test", frozenset(permissions), scope),))


def test_environment_and_range_go_along() -> None:
    request = RequestFactory().get("/audit?environment=prod&range=6h&q=x")
    assert frame.carry(request, "/approvals") == "/approvals?environment=prod&range=6h"
    assert frame.carry(request, "/where?id=1") == "/where?id=1&environment=prod&range=6h"


def test_a_change_keeps_the_other_filters_and_drops_the_cursor() -> None:
    request = RequestFactory().get("/audit?q=x&cursor=abc&range=6h")
    assert frame.changed(request, range="24h") == "/audit?q=x&range=24h"
    assert frame.changed(request, range="", q="") == "/audit"


def test_a_range_nobody_knows__is_the_default() -> None:
    assert frame.range_of(RequestFactory().get("/?range=9y")) == frame.DEFAULT_RANGE


@pytest.mark.parametrize(
    ("cookie", "theme"), [("dark", "dark"), ("light", "light"), ('"><script>', ""), ("", "")]
)
def test_a_theme_is_one_of_two_or_the_systems_own(cookie: str, theme: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES[frame.THEME_COOKIE] = cookie
    assert frame.theme_of(request) == theme


def test_every_page_of_the_rail_stands_and_has_a_key_of_its_own() -> None:
    entries = navigation.entries(_subject(*P))
    assert [entry.page for entry in entries] == list(navigation.PAGES)
    assert len({page.key for page in navigation.PAGES}) == len(navigation.PAGES)


def test_a_denied_page_keeps_its_place_with_the_reason() -> None:
    denied = {
        entry.page.route: entry.decision.reason
        for entry in navigation.entries(_subject(P.SEE))
        if not entry.decision
    }
    assert denied["audit"] == "vera has no role with the right to read the audit trail."


def test_a_detail_lights_up_its_page() -> None:
    current = [
        entry.page.route for entry in navigation.entries(_subject(P.SEE), "audit-entry") if entry.current
    ]
    assert current == ["audit"]


@pytest.mark.django_db
def test_the_environment_switch_offers_only_what_may_be_seen() -> None:
    assert environments.known(_subject(P.SEE)) == ["default"]
    assert environments.known(_subject(P.SEE, scope=Scope(environment="prod*"))) == []


def test_a_state_that_nobody_declared_looks_unknown() -> None:
    assert status_words.shape("restarting") == "warn"
    assert status_words.shape("flabbergasted") == "unknown"
    assert set(status_words.table().values()) <= set(status_words.SHAPES)
    assert set(status_words.URGENCY) == set(status_words.SHAPES)


@pytest.mark.parametrize(
    ("names", "said"),
    [(["ana"], "ana"), (["ana", "ben"], "ana or ben"), (["a", "b", "c", "d", "e"], "a, b, c or 2 more")],
)
def test_who_can_give_a_right_is_named(names: list[str], said: str) -> None:
    assert refusals.listed(names) == said


def test_a_curl_line_can_be_pasted_whatever_the_body_holds() -> None:
    line = curl_line("http://127.0.0.1/api/v1/plans?a=1&b=2", "POST", {"reason": "it's repaired"})
    assert line == (
        "curl -X POST -H \"Authorization: Bearer $POSTROOM_TOKEN\" -H 'Content-Type: application/json' "
        """-d '{"reason": "it'"'"'s repaired"}' 'http://127.0.0.1/api/v1/plans?a=1&b=2'"""
    )
