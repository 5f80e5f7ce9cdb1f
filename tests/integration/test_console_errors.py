"""Error pages: styled for people, and drawn without the database."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from dashboard.pages import errors
from tests.support import accounts


@pytest.fixture
def ana(db: None) -> Client:
    return accounts.signed_in(accounts.person("ana", "admin"))


def test_nothing_here(ana: Client) -> None:
    answer = ana.get("/nowhere")
    assert answer.status_code == 404
    assert "Nothing is here" in answer.text


def test_a_wrong_method__names_the_right_ones(ana: Client) -> None:
    answer = ana.post("/")
    assert answer.status_code == 405
    assert "GET" in answer["Allow"]
    assert "This address does not take that" in answer.text


def test_a_form_without_its_mark__is_refused_with_a_page(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in", {"username": "ana", "password": "x"})
    assert answer.status_code == 403
    assert "This form is out of date" in answer.text


def test_a_host_that_is_not_ours__is_a_bad_request(ana: Client) -> None:
    answer = ana.get("/", headers={"host": "elsewhere.example"})
    assert answer.status_code == 400
    assert "makes no sense here" in answer.text


# No `db` fixture: a query would fail the test.
def test_a_mistake_of_ours__draws_its_page_without_the_database() -> None:
    request = RequestFactory().get("/audit?q=x")
    try:
        raise ValueError("broken")
    except ValueError:
        answer = errors.server_error(request)
    assert answer.status_code == 500
    assert 'href="/audit?q=x"' in answer.text


def test_a_database_that_is_gone__is_said_and_may_be_tried_again() -> None:
    request = RequestFactory().get("/")
    try:
        raise OperationalError("no route to host")
    except OperationalError:
        answer = errors.server_error(request)
    assert answer.status_code == 503
    assert answer["Retry-After"] == errors.RETRY_AFTER_SECONDS
    assert "The database cannot be reached" in answer.text
