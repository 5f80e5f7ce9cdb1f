"""The Topology page: what it shows without a script, its address, and who may see what."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.test import Client

from agents.registry.models import Agent, Instance
from core import clock
from core.access.api import Scope
from core.databases import DEFAULT, TELEMETRY
from tests.support.accounts import person, signed_in
from tests.support.topology_rows import begin, shop, write

pytestmark = [pytest.mark.django_db(databases=[DEFAULT, TELEMETRY]), pytest.mark.both_databases]

EXTRACT, QUEUE = "agent:production/extract", "queue:production/extract.q"


@pytest.fixture
def vera() -> Client:
    return signed_in(person("vera", "viewer"))


@pytest.fixture
def traffic() -> None:
    write(shop(begin(clock.unix()) - 5 * 60_000))


def text(client: Client, path: str = "/topology", **query: str) -> str:
    answer = client.get(path, query_params=query)
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def names(page: str) -> list[str]:
    """The nodes of the table, from the top."""
    return re.findall(r'class="row-link" href="[^"]*">([^<]+)</a>', page.partition("<h2>Edges</h2>")[0])


def test_empty__the_two_lines_to_begin_with(vera: Client) -> None:
    page = text(vera)
    assert "No spans yet" in page
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in page
    table = text(vera, view="table")
    assert "No spans yet" in table
    assert "No agent that you may see" not in table


def test_table_says_what_hurts_first(vera: Client, traffic: None) -> None:
    page = text(vera, view="table")
    assert names(page)[:2] == ["extract", "archive.q"]
    for words in ("not received", "bad", "unknown", "claude-haiku", "598 ms"):
        assert words in page.lower()


@pytest.mark.parametrize(
    ("sort", "first"), [("name", "archive.q"), ("-name", "web"), ("-wait_p95_ms", "extract.q")]
)
def test_table_sorts_by_a_click(vera: Client, traffic: None, sort: str, first: str) -> None:
    page = text(vera, view="table", sort=sort)
    assert names(page)[0] == first
    assert page.count('aria-sort="ascending"') + page.count('aria-sort="descending"') == 1


def test_table_filters(vera: Client, traffic: None) -> None:
    assert names(text(vera, view="table", q="EXTR")) == ["extract", "extract.q"]
    assert "intake.q" not in names(text(vera, view="table", queues="off"))
    assert "Nothing by that name" in text(vera, view="table", q="nobody")
    later = clock.rfc3339(clock.now() + timedelta(hours=3))
    assert len(names(text(vera, view="table", at=later))) == 8
    assert "Nothing was seen then" in text(vera, view="table", at=later, idle="hide")


def test_a_moment_that_is_none__said_and_now_is_shown(vera: Client, traffic: None) -> None:
    page = text(vera, view="table", at="yesterday")
    assert "is not a time" in page
    assert "extract" in names(page)


def test_panel_shows_figures_minutes_and_neighbours(vera: Client, traffic: None) -> None:
    page = text(vera, "/topology/node", node=EXTRACT)
    figure = json.loads(re.search(r'id="topology-figure"[^>]*>(.*?)</script>', page)[1])  # type: ignore[index]
    drawn = {trace["name"]: trace["y"] for trace in figure["data"]}
    assert set(drawn) == {"rate", "errors", "p95", "queue wait p95"}
    assert sum(drawn["rate"]) == 30
    for name in ("extract.q", "archive.q", "ocr"):
        assert f">{name}</a>" in page
    assert "/traces?q=agent%3A%22extract%22" in page
    assert "not received" in text(vera, "/topology/node", node=QUEUE)


def test_panel_stands_in_the_table_without_a_script(vera: Client, traffic: None) -> None:
    assert "Comes from" in text(vera, view="table", node=EXTRACT)


def test_panel_shows_instances_as_the_clock_says(vera: Client, traffic: None) -> None:
    now = clock.now()
    agent = Agent.objects.create(
        environment="production", agent_id="extract", owner="docs", first_seen=now, last_seen=now
    )
    for name, silent in (("extract-0", 1), ("extract-1", 7200)):
        beat = now - timedelta(seconds=silent)
        Instance.objects.create(
            agent=agent, instance_id=name, state="up", since=beat, last_beat=beat, last_seen=beat
        )
    page = text(vera, "/topology/node", node=EXTRACT)
    assert re.search(r"up</span>\s*<span[^>]*>extract-0", page)
    assert re.search(r"down</span>\s*<span[^>]*>extract-1", page)
    assert '"agent:production/extract": "docs"' in text(vera)


@pytest.mark.parametrize("node", ["nonsense", "agent:production/nobody", "agent:", ""])
def test_panel_of_nobody__not_there(vera: Client, traffic: None, node: str) -> None:
    answer = vera.get("/topology/node", {"node": node})
    assert answer.status_code == 404
    assert "Not there" in answer.content.decode()


def test_names_from_spans_are_text_and_nothing_else(vera: Client) -> None:
    evil = "</script><script>alert(1)</script>"
    now = clock.now()
    Agent.objects.create(environment="production", agent_id=evil, owner=evil, first_seen=now, last_seen=now)
    assert "<script>alert" not in text(vera)


def test_a_narrow_scope_sees_its_own_and_whom_they_talk_to(traffic: None) -> None:
    narrow = signed_in(person("wil", "viewer", scope=Scope(agent="web")))
    assert set(names(text(narrow, view="table"))) == {"web", "intake.q", "classify"}
    assert narrow.get("/topology/node", {"node": EXTRACT}).status_code == 404


def test_without_the_right__refused() -> None:
    nobody = signed_in(person("max"))
    assert nobody.get("/topology").status_code == 403
    assert nobody.get("/topology/node", {"node": EXTRACT}).status_code == 403
