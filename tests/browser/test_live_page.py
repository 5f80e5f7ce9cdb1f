"""A page that stays open: figures change in their place, and a lost connection is said and seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser, expect

from core import clock, processes
from tests.support.console import Console, visit

STALE = "html[data-connection=stale]"


@pytest.fixture
def own_console(chromium: str, redis_url: str, tmp_path: Path) -> Console:
    """A console that may be killed."""
    return Console(tmp_path / "data", redis_url)


def _beat(redis_url: str, state: str) -> None:
    """What a supervisor says of a worker."""
    now = clock.unix()
    record = {"kind": "worker", "name": "one", "state": state, "since": now, "at": now, "restarts": 3}
    with redis.Redis.from_url(redis_url) as client:
        client.hset(processes.REPORTS, "worker/one", json.dumps(record))


def test_a_process_that_restarts_shows_without_a_reload(
    browser: Browser, own_console: Console, redis_url: str
) -> None:
    (cookie,) = own_console.people(("sign-in", "ana", "admin"))
    with own_console.web():
        seen = visit(browser, own_console.origin, cookie=cookie)
        seen.go("/")
        seen.live()
        _beat(redis_url, "restarting")
        row = seen.page.locator('[data-row="worker/one"]')
        expect(row.locator('.status[data-status="warn"]')).to_have_text("restarting")
        # What follows from the figures follows as well: the sentence at the top.
        expect(seen.page.locator(".verdict")).to_contain_text("worker one is restarting")
        seen.context.close()


def test_a_lost_connection_is_said_and_seen_until_it_is_back(browser: Browser, own_console: Console) -> None:
    (cookie,) = own_console.people(("sign-in", "ana", "admin"))
    with own_console.web():
        seen = visit(browser, own_console.origin, cookie=cookie)
        seen.go("/")
        seen.live()
        expect(seen.page.locator("[data-connection-pill]")).to_have_text("live")
        fresh = seen.page.locator("table[data-live]").evaluate("e => getComputedStyle(e).filter")
    seen.page.wait_for_selector(STALE)
    expect(seen.page.locator("[data-connection-pill]")).to_have_text("reconnecting")
    grey = seen.page.locator("table[data-live]").evaluate("e => getComputedStyle(e).filter")
    assert (fresh, grey) == ("none", "grayscale(1)")
    seen.shoot("overview-stale-light-1440")
    with own_console.web():
        seen.live()
        expect(seen.page.locator("[data-connection-pill]")).to_have_text("live")
    seen.context.close()
