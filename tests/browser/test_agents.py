"""The pages of agents in a browser: both themes, a phone and a desk, and what changes while they are open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.support import axe
from tests.support.console import LOOKS, Console, Visit

STORY = (("tests.support.topology_writer", "shop"), ("tests.support.agents_writer", "fleet"))


def agent_page(visit: Visit, name: str) -> None:
    visit.go("/agents")
    visit.page.get_by_role("link", name=name, exact=True).click()
    visit.page.wait_for_selector(f"h1:has-text('{name}')")


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_pages_fit_and_nothing_complains(open_own: Open, theme: str, width: int) -> None:
    visit = open_own("ana", theme=theme, width=width)
    pages: dict[str, Callable[[], object]] = {
        "agents": lambda: visit.go("/agents"),
        "agent": lambda: agent_page(visit, "extract"),
        "agents-nothing": lambda: visit.go("/agents?environment=staging"),
    }
    for name, open_ in pages.items():
        open_()
        visit.live()
        visit.shoot(f"{name}-{theme}-{width}")
        assert visit.overflow() <= 0, name
        assert not axe.SCRIPT.exists() or axe.serious(visit.page) == [], name
    assert visit.complaints == []


def test_a_state_changes_in_its_place_and_new_agents_wait(open_own: Open, house: Console) -> None:
    visit = open_own("ana")
    visit.go("/agents")
    visit.live()
    row = visit.page.locator("tr", has=visit.page.get_by_role("link", name="extract", exact=True))
    expect(row.locator(".status")).to_have_text("up")
    house.run("-m", "tests.support.agents_writer", "stops")
    expect(row.locator(".status")).to_have_text("down")
    house.run("-m", "tests.support.agents_writer", "joins")
    newer = visit.page.get_by_role("button", name="1 new, show")
    expect(newer).to_be_visible()
    newer.click()
    expect(visit.page.get_by_role("link", name="translate", exact=True)).to_be_visible()


def test_a_version_is_drained_by_its_button(open_own: Open) -> None:
    visit = open_own("ana")
    agent_page(visit, "classify")
    visit.page.get_by_role("button", name="Drain", exact=True).click()
    expect(visit.page.get_by_role("button", name="Open", exact=True)).to_be_visible()
    visit.page.get_by_role("button", name="Open", exact=True).click()
    expect(visit.page.get_by_role("button", name="Drain", exact=True)).to_be_visible()


def test_without_the_right_the_button_says_why(open_own: Open) -> None:
    visit = open_own("vera")
    agent_page(visit, "classify")
    drain = visit.page.get_by_role("button", name="Drain")
    expect(drain).to_have_attribute("aria-disabled", "true")
    assert "right to manage agents" in str(drain.get_attribute("title"))
