"""What the guides show is what works: the code is read from the pages and run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from postroom import Agent
from tests.support import servers
from tests.support.commands import ROOT
from tests.support.library_process import running
from tests.support.library_told import Told
from tests.support.server_fixtures import find


@pytest.fixture
def broker() -> Iterator[str]:
    """By its port, as the pages have it."""
    find("redis", servers.redis_program)
    port = servers.free_port()
    with servers.redis_server("--port", str(port)):
        yield f"redis://127.0.0.1:{port}/0"


def code(page: str, broker: str) -> list[str]:
    """The blocks of Python on a page, with this test's broker in place of the usual one."""
    text = (ROOT / "docs" / "guides" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    return [block.replace("redis://127.0.0.1:6379/0", broker) for block in blocks]


def test_the_first_agent_has_a_dozen_lines_and_handles_what_is_sent_to_it(
    broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, send, errors = code("library.md", broker)
    assert len([line for line in agent.splitlines() if line.strip()]) <= 12
    (tmp_path / "shop_of_the_guide.py").write_text(agent)
    monkeypatch.setenv("POSTROOM_BROKER_URL", broker)
    exec(compile(errors, "library.md", "exec"), {})  # noqa: S102 - it is our own page
    settings = {"POSTROOM_BROKER_URL": broker, "EXTRA_PATH": str(tmp_path)}
    with running(tmp_path, "postroom", "worker", "shop_of_the_guide:agent", "-P", "threads", **settings):
        exec(compile(send, "library.md", "exec"), {})  # noqa: S102
        told = Told(broker)
        (message,) = {event["message_id"] for event in told.all_events()}
        event = told.await_kind(message, "succeeded")
        assert (event["agent"], event["sender"], event["workflow"]) == ("extract", "web", "invoices")
        empty = Agent("web", broker_url=broker).send_message("extract", {})
        assert told.await_letter(empty)["failure"]["message"] == "an empty document"


def test_one_line_joins_a_celery_application(broker: str, tmp_path: Path) -> None:
    (application,) = code("celery.md", broker)
    (tmp_path / "shop_of_celery.py").write_text(application)
    assert application.count("instrument(") == 1
    settings = {"EXTRA_PATH": str(tmp_path)}
    with running(tmp_path, "celery", "-A", "shop_of_celery", "worker", "-lINFO", "-c1", **settings):
        outside = Celery("outside", broker=broker)
        good = outside.send_task("shop_of_celery.book", args=[{"lines": [1]}]).id
        bad = outside.send_task("shop_of_celery.book", args=[{"lines": [], "of": "Ada"}]).id
        told = Told(broker)
        assert told.await_kind(good, "succeeded")["agent"] == "shop"
        letter = told.await_letter(bad)
        assert letter["failure"]["message"] == "an order without lines"
        assert letter["body_size"] > 0
