"""The price table for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from agents.prices.models import ModelPrice
from core.access.api import Scope
from core.access.audit.models import Entry
from tests.support.accounts import bearer, machine, person, signed_in, token

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]
LARGE = {"model": "large-2", "valid_from": "2026-11-01", "input": "2.5", "output": "10"}


def ask(client: Client, method: str, path: str = "", body: Any = None) -> Any:
    data = json.dumps(body) if body is not None else ""
    return client.generic(method, f"/api/v1/prices{path}", data, content_type="application/json")


@pytest.fixture
def ana() -> Client:
    return signed_in(person("ana", "admin"))


def test_a_price_is_entered_corrected_and_deleted(ana: Client) -> None:
    made = ask(ana, "POST", body=LARGE)
    assert made.status_code == 201, made.json()
    path = f"/{made.json()['id']}"
    assert made.json()["currency"] == "USD"
    assert ask(ana, "PATCH", path, {"output": "9.75", "cached": "0.25"}).json()["output"] == "9.750000"
    assert ask(ana, "GET", path).json()["cached"] == "0.250000"
    assert ask(ana, "DELETE", path).status_code == 204
    assert ask(ana, "GET", path).status_code == 404
    said = Entry.objects.filter(action__startswith="price").order_by("sequence")
    assert [entry.action for entry in said] == ["price.entered", "price.changed", "price.deleted"]


def test_the_list_is_filtered_and_comes_page_by_page(ana: Client) -> None:
    for day in ("2026-10-01", "2026-11-01"):
        ask(ana, "POST", body=LARGE | {"valid_from": day})
    ask(ana, "POST", body=LARGE | {"model": "small-1"})
    first = ask(ana, "GET", "?model=large-2&limit=1").json()
    assert [row["valid_from"] for row in first["results"]] == ["2026-11-01"]
    second = ask(ana, "GET", f"?model=large-2&limit=1&cursor={first['next']}").json()
    assert [row["valid_from"] for row in second["results"]] == ["2026-10-01"]
    assert second["next"] is None


def test_the_same_model_and_day_twice__refused_by_name(ana: Client) -> None:
    ask(ana, "POST", body=LARGE)
    again = ask(ana, "POST", body=LARGE)
    assert again.status_code == 400
    assert again.json()["errors"][0]["field"] == "valid_from"
    assert ModelPrice.objects.count() == 1


@pytest.mark.parametrize("wrong", [{"input": "-1"}, {"currency": "dollar"}, {"valid_from": "soon"}])
def test_a_bad_value__refused_by_name(ana: Client, wrong: dict[str, str]) -> None:
    refused = ask(ana, "POST", body=LARGE | wrong)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == [*wrong]
    assert not ModelPrice.objects.exists()


def test_who_only_looks__reads_and_changes_nothing(ana: Client) -> None:
    made = ask(ana, "POST", body=LARGE).json()
    ben = signed_in(person("ben", "viewer"))
    assert ask(ben, "GET", f"/{made['id']}").status_code == 200
    for method, path in (("POST", ""), ("PATCH", f"/{made['id']}"), ("DELETE", f"/{made['id']}")):
        refused = ask(ben, method, path, LARGE)
        assert (refused.status_code, refused.json()["permission"]) == (403, "manage_prices")


def test_a_right_within_a_scope__does_not_reach_a_table_that_counts_everywhere() -> None:
    robot = Client(headers=bearer(token(machine("robot", "admin", scope=Scope("staging")))))
    assert ask(robot, "POST", body=LARGE).status_code == 403
    assert not ModelPrice.objects.exists()
