"""The pages of stuck messages and of where one is, as the server draws them."""

from __future__ import annotations

import pytest
from django.test import Client

from agents.queues.stuck.models import CauseRow
from core.access.api import Scope
from core.databases import DEFAULT, TELEMETRY
from tests.support.accounts import person, signed_in
from tests.support.stuck_writer import deaf, outage

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]


@pytest.fixture
def ana() -> Client:
    outage()
    return signed_in(person("ana", "viewer"))


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content[:2000]
    return " ".join(answer.content.decode().split())


def test_the_list__the_greatest_cause_first_and_what_follows_below_it(ana: Client) -> None:
    page = text(ana, "/stuck")
    assert "nothing consumes the queue" in page
    assert page.index("follows from summarise") > page.index("nothing consumes the queue")
    assert "attempt 4 failed" not in text(ana, "/stuck?verdict=running_long")
    assert "No cause fits" in text(ana, "/stuck?verdict=deadlock")


def test_the_overview__names_who_and_says_what_helps(ana: Client) -> None:
    page = text(ana, "/")
    assert "summarise: nothing consumes the queue" in page
    assert "Start an agent that takes from the queue" in page


def test_one_cause__evidence_rule_outs_messages_and_history(ana: Client) -> None:
    row = CauseRow.objects.get(verdict="no_consumer")
    page = text(ana, f"/stuck/{row.pk}")
    for expected in (
        "agent down",
        "inv-4711",
        "consumers 0",
        "What waits behind it",
        "Queue summarise",
        "found",
    ):
        assert expected in page, expected
    assert ana.get("/stuck/00000000-0000-7000-8000-000000000000").status_code == 404


def test_nobody_looks__nothing_is_claimed(ana: Client) -> None:
    deaf()
    page = text(ana, "/stuck")
    assert "Nothing is claimed now" in page
    assert "no consumer</span>" not in page


def test_out_of_scope__as_if_it_were_not_there(ana: Client) -> None:
    other = signed_in(person("eve", "viewer", scope=Scope(environment="staging")))
    row = CauseRow.objects.first()
    assert row is not None
    assert other.get(f"/stuck/{row.pk}").status_code == 404
    assert "Nothing is stuck" in text(other, "/stuck")
    assert "Nothing by that name" in text(other, "/where?id=inv-4711")


def test_where__the_sentence_the_run_and_what_else_the_id_means(ana: Client) -> None:
    page = text(ana, "/where?id=" + "ab" * 16)
    assert "Message inv-4711 has been waiting in" in page
    assert "It may also mean" in page
    assert "where-here" in text(ana, "/where?id=inv-4711")
