"""Pages are forms and links first; times and ids leave the page exact and whole."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open

PASSWORD = "a long enough password"


def test_without_scripts_one_signs_in_looks_searches_and_leaves(open_as: Open) -> None:
    visit = open_as("nobody", scripts=False)
    visit.go("/my-permissions")
    visit.page.get_by_label("Name").fill("vera")
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.page.get_by_role("button", name="Sign in").click()
    visit.page.wait_for_url("**/my-permissions")
    visit.page.get_by_label("Where is it?").fill("overview")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/")
    visit.page.get_by_title("Time range").click()
    visit.page.get_by_role("link", name="last 24 h").click()
    visit.page.wait_for_url("**/?range=24h")
    visit.page.get_by_title("vera", exact=True).click()
    visit.page.get_by_role("button", name="Sign out").click()
    visit.page.wait_for_url("**/sign-in")


def test_a_wrong_password__says_so_beside_the_form(open_as: Open) -> None:
    visit = open_as("nobody")
    visit.go("/sign-in")
    visit.page.get_by_label("Name").fill("vera")
    visit.page.get_by_label("Password").fill("wrong")
    visit.page.get_by_role("button", name="Sign in").click()
    expect(visit.page.get_by_role("alert")).to_be_visible()
    assert visit.page.get_by_label("Name").input_value() == "vera"


def test_a_copied_time_is_exact(open_as: Open) -> None:
    page = open_as().page
    page.goto(open_as().origin + "/")
    time = page.locator('[data-row^="web/"] time')
    exact = time.get_attribute("datetime")
    time.evaluate("e => getSelection().selectAllChildren(e.parentElement)")
    page.keyboard.press("Control+c")
    assert page.evaluate("navigator.clipboard.readText()").strip() == exact


def test_a_click_copies_a_whole_id(open_workshop: Open) -> None:
    page = open_workshop().page
    page.goto(open_workshop().origin + "/styleguide")
    shown = page.locator("#status .id")
    assert "…" in shown.inner_text()
    shown.click()
    expect(shown).to_have_class("id copied")
    assert page.evaluate("navigator.clipboard.readText()") == shown.get_attribute("data-copy")


def test_a_denied_page_names_the_right_and_who_can_give_it(open_as: Open) -> None:
    visit = open_as("vera")
    assert visit.go("/audit") == 403
    page = visit.page.locator("#page")
    expect(page.get_by_text("vera has no role with the right to read the audit trail.")).to_be_visible()
    expect(page.get_by_text("ana can give it.")).to_be_visible()
    # In the rail it keeps its place, locked.
    expect(visit.page.locator(".rail-pages > li > [aria-disabled]")).to_contain_text("Audit")
