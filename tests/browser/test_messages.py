"""Messages in a browser: both themes, a phone and a desk, and what changes while they are open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Open, _cookies, _opener
from tests.support import axe
from tests.support.console import PHONE, WIDE, Console

PAGES = {
    "messages": "/messages",
    "message": "/messages/one/pay-1",
    "message-observed": "/messages/one/seen-1",
    "messages-nothing": "/messages?q=nothing-like-it",
    "messages-empty": "/messages?environment=staging",
}


@pytest.fixture(scope="module")
def house(chromium: str, redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    made = Console(tmp_path_factory.mktemp("messages"), redis_server)
    made.run("-m", "tests.support.ledger_writer", "fleet")
    with made.web():
        yield made


@pytest.fixture(scope="module")
def people(house: Console) -> dict[str, str]:
    return _cookies(house)


@pytest.fixture
def open_as(browser: Browser, house: Console, people: dict[str, str]) -> Iterator[Open]:
    yield from _opener(browser, house, people)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_the_pages_fit_and_nothing_complains(open_as: Open, theme: str, width: int) -> None:
    visit = open_as("ana", theme=theme, width=width)
    for name, path in PAGES.items():
        assert visit.go(path) == 200
        visit.live()
        visit.shoot(f"{name}-{theme}-{width}")
        assert visit.overflow() <= 0, name
        assert not axe.SCRIPT.exists() or axe.serious(visit.page) == [], name
    assert visit.complaints == []


def test_a_message_goes_on_in_its_place_and_new_ones_wait(open_as: Open, house: Console) -> None:
    visit = open_as("ana")
    visit.go("/")
    visit.page.keyboard.press("g")
    visit.page.keyboard.press("m")
    visit.page.wait_for_url("**/messages")
    visit.live()
    row = visit.page.locator("tr", has=visit.page.get_by_role("link", name="mail-1", exact=True))
    expect(row.locator(".status")).to_have_text("sent")
    house.run("-m", "tests.support.ledger_writer", "goes_on")
    expect(row.locator(".status")).to_have_text("running")
    expect(row).to_contain_text("mailer-0")
    expect(visit.page.get_by_role("button", name="1 new, show")).to_be_visible()
    visit.page.fill("[data-where]", "mail-1")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector("h1:has-text('mail-1')")
