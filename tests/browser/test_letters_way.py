"""From a letter to an operation in a browser: both themes, a phone and a desk, and by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.support import axe
from tests.support.console import LOOKS, Visit

STORY = (("tests.support.letters_writer", "way"),)


def letter(visit: Visit) -> None:
    visit.go("/letters?queue=pay")
    visit.page.locator("td.letter-why .row-link").first.click()
    visit.page.wait_for_selector("#attempts-title")


def group(visit: Visit) -> None:
    visit.go("/letters")
    visit.page.get_by_role("link", name="ConnectTimeout").first.click()
    visit.page.wait_for_selector("#why-title")


def plan(visit: Visit) -> None:
    visit.go("/letters?queue=pay")
    visit.page.check("[data-matching]")
    visit.page.get_by_role("button", name="Redrive…", exact=True).first.click()
    visit.page.wait_for_selector(".plan-sentence")


def edit(visit: Visit) -> None:
    plan(visit)
    visit.page.get_by_role("link", name="Edit…").click()
    visit.page.fill("#edit-body", '[{"op": "replace", "path": "/note", "value": "ring twice"}]')
    visit.page.get_by_role("button", name="Show the difference").click()
    visit.page.wait_for_selector(".difference")


def operation(visit: Visit, state: str) -> None:
    visit.go("/operations")
    rows = visit.page.locator(".running, #history tr", has=visit.page.get_by_text(state, exact=True))
    rows.locator(".row-link").first.click()
    visit.page.wait_for_selector("#operation")


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_pages_fit_and_nothing_complains(open_own: Open, theme: str, width: int) -> None:
    visit = open_own("ana", theme=theme, width=width)
    pages = {
        "groups": lambda: visit.go("/letters"),
        "group": lambda: group(visit),
        "letters-list": lambda: visit.go("/letters?view=letters"),
        "letter": lambda: letter(visit),
        "plan": lambda: plan(visit),
        "operation-running": lambda: operation(visit, "running"),
        "operation-halted": lambda: operation(visit, "halted"),
        "operation-unknown": lambda: operation(visit, "done with unknown"),
        "operations": lambda: visit.go("/operations"),
        "overview": lambda: visit.go("/"),
        "edit": lambda: edit(visit),
    }
    found: list[str] = []
    for name, open_ in pages.items():
        open_()
        visit.live()
        visit.shoot_whole(f"way-{name}-{theme}-{width}")
        found += [f"{name}: wider than the window"] if visit.overflow() > 0 else []
        found += [f"{name}: {each}" for each in (axe.serious(visit.page) if axe.SCRIPT.exists() else [])]
    assert found == []
    assert visit.complaints == []


def test_from_the_groups_to_a_running_redrive_without_a_mouse(open_own: Open) -> None:
    visit = open_own("ana")
    visit.go("/")
    for key in ("g", "l"):
        visit.page.keyboard.press(key)
    visit.page.wait_for_url("**/letters")
    for key in ("j", "Enter"):
        visit.page.keyboard.press(key)
    visit.page.wait_for_url("**/letters/groups/*")
    visit.page.keyboard.press("r")
    visit.page.wait_for_url("**/plans/*")
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text("Redrive")
    visit.page.keyboard.press("r")
    expect(visit.page.get_by_label("Reason")).to_be_focused()


def test_from_the_list_to_the_plan_without_a_mouse(open_own: Open) -> None:
    visit = open_own("ana")
    visit.go("/letters?view=letters")
    for key in ("j", "x", "j", "x"):
        visit.page.keyboard.press(key)
    expect(visit.page.locator("[data-selected]")).to_have_text("2 on this page")
    visit.page.keyboard.press("r")
    visit.page.wait_for_url("**/plans/*")
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Redrive 2 letters")
    visit.page.keyboard.press("r")
    expect(visit.page.get_by_label("Reason")).to_be_focused()
    visit.page.keyboard.type("tried by hand")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/operations/*")
    expect(visit.page.locator("[data-whole]")).to_have_text("2")
    visit.page.locator("h1").click()
    visit.page.keyboard.press("p")
    expect(visit.page.get_by_role("button", name="Resume")).to_be_visible()


def test_find_in_a_body(open_own: Open) -> None:
    visit = open_own("ana")
    letter(visit)
    visit.page.get_by_label("Find in the body").fill("sku")
    expect(visit.page.locator("[data-json-found]")).to_have_text("2 found")


def test_it_works_without_a_script(open_own: Open) -> None:
    visit = open_own("ana", scripts=False)
    plan(visit)
    visit.page.locator(".plan-box > summary").click()
    visit.page.fill("#plan-canary", "1 2")
    visit.page.get_by_role("button", name="Seal again with these").click()
    expect(visit.page.locator(".plan-box > summary")).to_contain_text("canary 1 → 2 → rest")
    visit.page.fill("#plan-reason", "without a script")
    visit.page.get_by_role("button", name="Redrive 60", exact=True).click()
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text("redrive #")


def test_a_list_is_narrowed_and_taken_along(open_own: Open) -> None:
    visit = open_own("ana")
    page = visit.page
    visit.go("/letters?view=letters&state=any")
    page.keyboard.press("f")
    page.locator("#letters-facets a[title='Only pay']").click()
    page.wait_for_url("**queue=pay*")
    expect(page.locator("#letters-facets")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert "pay" in download.value.path().read_text()
    visit.shoot_whole("way-letters-narrowed")
    assert visit.overflow() <= 0
    assert visit.complaints == []
