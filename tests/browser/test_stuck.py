"""Stuck and where is it in a browser: both themes, a phone and a desk, the way from the overview to the cause."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.support import axe
from tests.support.console import LOOKS, Console

STORY = (("tests.support.stuck_writer", "outage"),)
PAGES = {
    "stuck": "/stuck",
    "stuck-filtered": "/stuck?verdict=deadlock",
    "stuck-empty": "/stuck?environment=staging",
    "where": "/where?id=inv-4711",
    "where-trace": f"/where?id={'ab' * 16}",
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
    visit.go("/stuck")
    visit.page.locator("[data-stuck] .row-link").first.click()
    visit.page.wait_for_selector("#evidence-title")
    visit.shoot(f"stuck-cause-{theme}-{width}")
    assert visit.overflow() <= 0
    assert not axe.SCRIPT.exists() or axe.serious(visit.page) == []
    assert visit.complaints == []


def test_from_the_overview_to_the_cause_in_two_clicks_or_one_paste(open_own: Open) -> None:
    visit = open_own("vera")
    visit.go("/")
    visit.page.get_by_role("link", name="Stuck").first.click()
    first = visit.page.locator("[data-stuck] tr").first
    expect(first).to_contain_text("nothing consumes the queue")
    expect(first.locator(".status")).to_have_text("no consumer")
    first.locator(".row-link").click()
    visit.page.wait_for_selector("h1:has-text('summarise')")
    expect(visit.page.locator("#stuck-cause")).to_contain_text("agent down")
    visit.page.keyboard.press("/")
    visit.page.keyboard.type("inv-4711")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector(".where-sentence")
    expect(visit.page.locator(".where-sentence")).to_contain_text("nothing consumes the queue")
    expect(visit.page.locator("[aria-current=true] .where-here")).to_contain_text("summarise")


def test_a_new_cause_waits_behind_a_button__and_old_looks_claim_nothing(
    open_own: Open, house: Console
) -> None:
    visit = open_own("ana")
    visit.go("/stuck")
    visit.live()
    house.run("-m", "tests.support.stuck_writer", "more")
    visit.page.get_by_role("button", name="1 new, show").click()
    expect(visit.page.locator("[data-stuck]")).to_contain_text("main has no queue mail")
    house.run("-m", "tests.support.stuck_writer", "deaf")
    expect(visit.page.locator("[data-stuck] .status").first).to_have_text("unknown")
    visit.go("/stuck")
    expect(visit.page.get_by_text("Nothing is claimed now")).to_be_visible()
    visit.shoot("stuck-deaf")
