"""The pages of agents in a browser: both themes, a phone and a desk, and what changes while they are open."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Open, _cookies, _opener
from tests.support import axe
from tests.support.console import PHONE, WIDE, Console, Visit


@pytest.fixture(scope="module")
def house(chromium: str, redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    made = Console(tmp_path_factory.mktemp("agents"), redis_server)
    made.run("-m", "tests.support.topology_writer", "shop")
    made.run("-m", "tests.support.agents_writer", "fleet")
    with made.web():
        yield made


@pytest.fixture(scope="module")
def people(house: Console) -> dict[str, str]:
    return _cookies(house)


@pytest.fixture
def open_as(browser: Browser, house: Console, people: dict[str, str]) -> Iterator[Open]:
    yield from _opener(browser, house, people)


def agent_page(visit: Visit, name: str) -> None:
    visit.go("/agents")
    visit.page.get_by_role("link", name=name, exact=True).click()
    visit.page.wait_for_selector(f"h1:has-text('{name}')")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_the_pages_fit_and_nothing_complains(open_as: Open, theme: str, width: int) -> None:
    visit = open_as("ana", theme=theme, width=width)
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


def test_a_state_changes_in_its_place_and_new_agents_wait(open_as: Open, house: Console) -> None:
    visit = open_as("ana")
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


def test_a_version_is_drained_by_its_button(open_as: Open) -> None:
    visit = open_as("ana")
    agent_page(visit, "classify")
    visit.page.get_by_role("button", name="Drain", exact=True).click()
    expect(visit.page.get_by_role("button", name="Open", exact=True)).to_be_visible()
    visit.page.get_by_role("button", name="Open", exact=True).click()
    expect(visit.page.get_by_role("button", name="Drain", exact=True)).to_be_visible()


def test_without_the_right_the_button_says_why(open_as: Open) -> None:
    visit = open_as("vera")
    agent_page(visit, "classify")
    drain = visit.page.get_by_role("button", name="Drain")
    expect(drain).to_have_attribute("aria-disabled", "true")
    assert "right to manage agents" in str(drain.get_attribute("title"))
