"""The whole console by keyboard."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open


def _overview(open_as: Open) -> Page:
    visit = open_as()
    visit.go("/")
    return visit.page


def test_question_mark_shows_every_key(open_as: Open) -> None:
    page = _overview(open_as)
    page.keyboard.press("?")
    help_dialog = page.locator("#key-help")
    expect(help_dialog).to_be_visible()
    for does in ("Where is it?", "Light or dark", "Next row", "Audit"):
        expect(help_dialog.get_by_text(does, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(help_dialog).to_be_hidden()


def test_slash_goes_to_where_is_it_and_enter_asks(open_as: Open) -> None:
    page = _overview(open_as)
    page.keyboard.press("/")
    expect(page.get_by_label("Where is it?")).to_be_focused()
    page.keyboard.type("nothing-by-that-name")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing by that name or id")).to_be_visible()
    expect(page.get_by_text("Searched by name and id: ")).to_be_visible()


def test_one_thing_by_that_name__leads_there(open_as: Open) -> None:
    page = _overview(open_as)
    page.get_by_label("Where is it?").fill("vera")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/access/user/*/change/")


def test_g_and_a_letter_goes_to_a_page(open_as: Open) -> None:
    page = _overview(open_as)
    page.keyboard.press("g")
    page.keyboard.press("u")
    page.wait_for_url("**/audit")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url("**/")


def test_g_keeps_environment_and_range(open_as: Open) -> None:
    visit = open_as()
    visit.go("/?environment=default&range=24h")
    visit.page.keyboard.press("g")
    visit.page.keyboard.press("v")
    visit.page.wait_for_url("**/approvals?environment=default&range=24h")
    expect(visit.page.get_by_title("Time range")).to_contain_text("last 24 h")


def test_a_letter_typed_into_a_box__is_only_a_letter(open_as: Open) -> None:
    page = _overview(open_as)
    page.get_by_label("Where is it?").focus()
    page.keyboard.type("gu?t")
    assert page.get_by_label("Where is it?").input_value() == "gu?t"
    expect(page.locator("#key-help")).to_be_hidden()


def test_the_palette_goes_does_and_finds(open_as: Open) -> None:
    page = _overview(open_as)
    page.keyboard.press("Control+k")
    page.keyboard.type("vera")
    expect(page.get_by_role("option", name="vera")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.type("my perm")
    expect(page.get_by_role("option", name="My permissions")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url("**/my-permissions")


def test_t_changes_the_theme_and_the_server_remembers(open_as: Open) -> None:
    page = _overview(open_as)
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    # Drawn by the server: there before any script runs.
    assert 'data-theme="dark"' in page.request.get(page.url).text()


def test_j_and_k_move_through_rows_and_escape_leaves(open_as: Open) -> None:
    page = _overview(open_as)
    rows = page.locator("table[data-rows] tbody tr")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_have_attribute("aria-current", "true")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0)).to_have_attribute("aria-current", "true")
    page.keyboard.press("Escape")
    expect(page.locator("tr[aria-current]")).to_have_count(0)


def test_enter_opens_the_row(open_as: Open) -> None:
    visit = open_as()
    visit.go("/where?id=a")
    visit.page.keyboard.press("j")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url(lambda url: "/where" not in url)


def test_x_selects_and_dot_shows_what_can_be_done(open_workshop: Open) -> None:
    visit = open_workshop()
    visit.go("/styleguide")
    page = visit.page
    page.keyboard.press("j")
    page.keyboard.press("x")
    row = page.locator("table[data-rows] tbody tr").first
    expect(row).to_have_attribute("aria-selected", "true")
    page.keyboard.press(".")
    expect(row.get_by_role("link", name="Open")).to_be_focused()
    page.keyboard.press("Escape")
    expect(row.locator("details")).not_to_have_attribute("open", "")


def test_focus_is_seen_on_everything_that_takes_it(open_as: Open) -> None:
    page = _overview(open_as)
    seen = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth }"
        )
        assert style == "solid2px", page.evaluate("document.activeElement.outerHTML")
        seen.add(page.evaluate("document.activeElement.outerHTML"))
    assert len(seen) > 10


def test_the_first_tab_skips_to_the_page(open_as: Open) -> None:
    page = _overview(open_as)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#page")).to_be_focused()
