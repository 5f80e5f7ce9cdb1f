"""Messages in a browser: both themes, a phone and a desk, and what changes while they are open."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.support import axe
from tests.support.console import LOOKS, Console

STORY = (("tests.support.ledger_writer", "fleet"),)
PAGES = {
    "messages": "/messages",
    "message": "/messages/one/pay-1",
    "message-observed": "/messages/one/seen-1",
    "messages-nothing": "/messages?q=nothing-like-it",
    "messages-empty": "/messages?environment=staging",
}


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_pages_fit_and_nothing_complains(open_own: Open, theme: str, width: int) -> None:
    visit = open_own("ana", theme=theme, width=width)
    for name, path in PAGES.items():
        assert visit.go(path) == 200
        visit.live()
        visit.shoot(f"{name}-{theme}-{width}")
        assert visit.overflow() <= 0, name
        assert not axe.SCRIPT.exists() or axe.serious(visit.page) == [], name
    assert visit.complaints == []


def test_a_message_goes_on_in_its_place_and_new_ones_wait(open_own: Open, house: Console) -> None:
    visit = open_own("ana")
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
