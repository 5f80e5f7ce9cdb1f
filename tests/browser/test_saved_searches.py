"""Searches that are kept, by keyboard, the same on every list."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.support.console import PHONE

STORY = (
    ("tests.support.letters_writer", "way"),
    ("tests.support.ledger_writer", "fleet"),
    ("tests.support.telemetry_writer", "demo"),
)
# The list, how it is narrowed, and what the address says then.
LISTS = [
    ("/letters?view=letters", "queue=pay"),
    ("/letters?view=groups", "queue=pay"),
    ("/messages?", "state=running"),
    ("/traces?", "q=status%3Aerror"),
    ("/logs?", "severity=error"),
]


@pytest.mark.parametrize(("page_", "narrowed"), LISTS, ids=[path for path, _ in LISTS])
def test_a_search_is_kept_picked_and_removed(open_own: Open, page_: str, narrowed: str) -> None:
    visit = open_own("ana")
    page = visit.page
    visit.go(f"{page_}&{narrowed}")
    page.keyboard.press("s")
    expect(page.get_by_label("Save this search as")).to_be_focused()
    page.keyboard.type("mine")
    page.keyboard.press("Enter")
    expect(page.get_by_text("mine is kept.")).to_be_visible()
    visit.go(page_)
    page.keyboard.press("s")
    expect(page.locator(".saved-search a")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{narrowed}")
    page.keyboard.press("s")
    page.get_by_role("button", name="Remove mine").click()
    expect(page.get_by_text("mine is not kept any more.")).to_be_visible()
    assert narrowed in page.url
    assert visit.complaints == []


@pytest.mark.parametrize("page_", [path for path, _ in LISTS])
def test_on_a_phone_the_list_of_searches_fits(open_own: Open, page_: str) -> None:
    visit = open_own("ana", width=PHONE)
    visit.go(page_)
    visit.page.get_by_text("Saved searches").click()
    expect(visit.page.get_by_label("Save this search as")).to_be_visible()
    box = visit.page.locator(".saved-searches .menu-list").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE
    assert visit.overflow() <= 0
