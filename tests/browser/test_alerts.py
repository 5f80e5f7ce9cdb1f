"""The pages of alerts in a browser: both themes, a phone and a desk, what changes while they are open, what is said
once and never again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.support import axe
from tests.support.console import LOOKS, Console, Visit

STORY = (("tests.support.alerts_writer", "outage"),)


def open_link(visit: Visit, where: str, name: str) -> None:
    visit.go(where)
    visit.page.get_by_role("link", name=name).first.click()
    visit.page.wait_for_load_state()


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_pages_fit_and_nothing_complains(open_own: Open, theme: str, width: int) -> None:
    visit = open_own("ana", theme=theme, width=width)
    pages: dict[str, Callable[[], object]] = {
        "alerts": lambda: visit.go("/alerts"),
        "alerts-alert": lambda: open_link(visit, "/alerts", "orders.q: many messages wait"),
        "alerts-raised": lambda: open_link(visit, "/alerts", "An error nobody classified"),
        "alerts-nothing": lambda: visit.go("/alerts?environment=staging"),
        "alerts-rules": lambda: visit.go("/alerts/rules"),
        "alerts-rule": lambda: visit.go("/alerts/rules/queue-depth"),
        "alerts-rule-new": lambda: visit.go("/alerts/rules/new"),
        "alerts-silences": lambda: visit.go("/alerts/silences"),
        "alerts-channels": lambda: visit.go("/alerts/channels"),
        "alerts-channel": lambda: open_link(visit, "/alerts/channels", "on call"),
        "alerts-overview": lambda: visit.go("/"),
    }
    for name, open_ in pages.items():
        open_()
        visit.live()
        visit.shoot(f"{name}-{theme}-{width}")
        assert visit.overflow() <= 0, name
        # A phone's browser makes its window as wide as what does not fit.
        assert visit.page.evaluate("window.innerWidth") == width, name
        assert not axe.SCRIPT.exists() or axe.serious(visit.page) == [], name
    assert visit.complaints == []


def test_it_ends_in_its_place_and_a_new_one_waits(open_own: Open, house: Console) -> None:
    visit = open_own("ana")
    visit.go("/alerts")
    visit.live()
    row = visit.page.locator("tr", has=visit.page.get_by_role("link", name="extract: no instance is left"))
    expect(row.locator(".status").first).to_have_text("firing")
    house.run("-m", "tests.support.alerts_writer", "ends")
    expect(row.locator(".status").first).to_have_text("cleared")
    house.run("-m", "tests.support.alerts_writer", "another")
    visit.page.get_by_role("button", name="1 new, show").click()
    expect(visit.page.get_by_role("link", name="The disk is nearly full")).to_be_visible()


def test_somebody_has_it(open_own: Open) -> None:
    visit = open_own("ana")
    open_link(visit, "/alerts", "An error nobody classified")
    visit.page.get_by_role("button", name="I have it").click()
    expect(visit.page.locator(".lead .status").first).to_have_text("acknowledged")
    expect(visit.page.get_by_role("button", name="Over")).to_be_visible()


def test_a_rule_is_made_and_what_is_wrong_is_said_beside_its_field(open_own: Open) -> None:
    visit = open_own("ana")
    visit.go("/alerts/rules/new")
    page = visit.page
    page.get_by_label("Name, for programs").fill("orders-deep")
    page.get_by_label("Says").fill("orders wait")
    page.get_by_label("Fires from").fill("500")
    page.get_by_label("Time zone").fill("Mars/Base")
    page.get_by_label("mon").check()
    page.get_by_role("button", name="Save the rule").click()
    expect(page.get_by_text("There is no time zone 'Mars/Base'")).to_be_visible()
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Save the rule").click()
    expect(page.locator("tr", has_text="orders-deep")).to_contain_text("mon")


def test_a_silence_is_made_from_an_alert_and_ended(open_own: Open) -> None:
    visit = open_own("ana")
    open_link(visit, "/alerts", "classify: instances are late")
    page = visit.page
    page.get_by_role("link", name="Silence…").click()
    expect(page.get_by_label("Agents")).to_have_value("classify")
    page.get_by_label("Why").fill("a new machine")
    page.get_by_role("button", name="Silence", exact=True).click()
    row = page.locator("tr", has_text="a new machine")
    expect(row).to_contain_text("agent classify")
    row.get_by_role("button", name="End now").click()
    expect(page.locator("tr", has_text="a new machine")).to_have_count(0)


def test_a_channels_key_is_shown_once(open_own: Open) -> None:
    visit = open_own("ana")
    visit.go("/alerts/channels/new")
    page = visit.page
    page.get_by_label("Name").fill("night shift")
    page.get_by_label("Address").fill("https://hooks.example/very-secret")
    page.get_by_role("button", name="Save the channel").click()
    key = page.locator("code", has_text="whsec_").inner_text()
    assert "very-secret" not in page.content()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("[TEST] night shift")).to_be_visible()
    assert key not in page.content()
    assert "very-secret" not in page.content()


def test_without_the_right__channels_are_denied_and_buttons_say_why(open_own: Open) -> None:
    visit = open_own("vera")
    assert visit.go("/alerts/channels") == 403
    visit.go("/alerts/rules")
    new = visit.page.get_by_role("button", name="New rule")
    expect(new).to_have_attribute("aria-disabled", "true")
    visit.go("/alerts/rules/queue-depth")
    expect(visit.page.get_by_label("Says")).to_be_disabled()
