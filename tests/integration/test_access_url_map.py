"""No route without a permission: the whole URL map, HTTP and websocket."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import path

from core.access import routes, url_map
from core.access.api import Permission
from dashboard.live.routing import websocket_routes
from tests.support import access_urls
from tests.support.accounts import bearer, machine, person, signed_in, token


def whole_map() -> list[url_map.Route]:
    return url_map.http_routes() + url_map.websocket_routes(websocket_routes)


def test_every_route_declares_what_it_needs() -> None:
    bare = [route.path for route in whole_map() if route.bare]
    assert not bare, f"declare a permission on these: {bare}"


def test_the_map_is_the_whole_map() -> None:
    paths = {route.path for route in whole_map()}
    assert {
        "/",
        "/sign-in",
        "/healthz",
        "/api/v1/me",
        "/api/v1/tokens",
        "/admin/access/role/",
        "/ws/live",
    } <= paths


def test_what_is_open_is_on_the_list_and_nowhere_else() -> None:
    names = {route.name for route in whole_map() if route.needs == url_map.OPEN}
    assert names <= routes.OPEN_ROUTES
    assert {"sign-in", "oidc-start", "oidc-return", "healthz", "readyz", "jwks"} == routes.OPEN_ROUTES
    assert {
        "sign-out",
        "me",
        "my-permissions",
        "change-password",
        "approvals",
        "approvals-withdraw",
    } == routes.SIGNED_IN_ROUTES


def test_a_bare_route_is_found() -> None:
    assert [route.path for route in url_map.http_routes("tests.support.access_urls") if route.bare] == [
        "/api/v1/test/bare"
    ]


def test_a_bare_route_added_to_the_real_map_is_found(settings: object) -> None:
    class WithABareRoute:
        from core.urls import urlpatterns as real

        urlpatterns = [*real, path("new-page", access_urls.bare, name="new-page")]

    found = url_map.http_routes(WithABareRoute)  # type: ignore[arg-type]
    assert [route.path for route in found if route.bare] == ["/new-page"]


def test_a_bare_websocket_route_is_found() -> None:
    bare = replace(websocket_routes[0], path="ws/new", permission=None)
    assert [route.path for route in url_map.websocket_routes([bare]) if route.bare] == ["/ws/new"]


@pytest.mark.django_db
@pytest.mark.urls("tests.support.access_urls")
def test_a_bare_route_answers_nobody() -> None:
    admin = signed_in(person("ana", "admin"))
    assert admin.get("/api/v1/test/bare").status_code == 403
    assert Client().get("/api/v1/test/bare").status_code == 401
    with_token = Client(headers=bearer(token(machine("robot", "admin"))))
    assert with_token.get("/api/v1/test/bare").status_code == 403


@pytest.mark.django_db
def test_every_route_turns_a_stranger_away() -> None:
    """Asked for real, whatever the map says: 401, or the way to sign-in."""
    for route in url_map.http_routes():
        if route.needs == url_map.OPEN or "<" in route.path or "(" in route.path:
            continue
        response = Client().get(route.path)
        turned_away = response.status_code == 401 or response.headers.get("Location", "").startswith(
            "/sign-in"
        )
        assert turned_away, (route.path, response.status_code)


@pytest.mark.django_db
def test_every_page_turns_somebody_with_no_role_away() -> None:
    client = signed_in(person("ana"))
    closed = [
        route for route in url_map.http_routes() if route.needs not in {url_map.OPEN, url_map.SIGNED_IN}
    ]
    plain = [route.path for route in closed if "<" not in route.path and "(" not in route.path]
    assert {client.get(path).status_code for path in plain} == {403}


def test_the_command_lists_every_route_with_its_permission() -> None:
    out = StringIO()
    call_command("routes", stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == len(whole_map())
    assert any(line.split() == ["websocket", "/ws/live", str(Permission.SEE)] for line in lines)
