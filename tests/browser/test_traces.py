"""Traces, a trace and logs in a real browser: with keys, in both themes, on a phone and on a desk."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Open
from tests.support import axe
from tests.support.console import LOOKS, Console, Visit

STORY = f"/traces/{1:032x}"
LARGE = f"/traces/{'01' * 16}"
FAILED = f"{4:016x}"
PAGES = [
    ("traces", "/traces", "[data-scatter]"),
    ("trace", STORY, "[data-trace][data-drawn]"),
    ("trace-span", f"{STORY}?span={FAILED}", "[data-trace][data-drawn]"),
    ("trace-compare", f"{STORY}?with={'01' * 16}", "[data-trace][data-drawn]"),
    ("trace-missing", f"/traces/{9:032x}", ".state"),
    ("logs", "/logs", "[data-logs][data-drawn]"),
]


@pytest.fixture(scope="module", autouse=True)
def telemetry(console: Console) -> None:
    for command in (("demo",), ("large", "3000")):
        console.run("-m", "tests.support.telemetry_writer", *command)


@pytest.mark.parametrize(("name", "path", "drawn"), PAGES, ids=[name for name, *_ in PAGES])
@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_a_page_of_telemetry_fits_and_nothing_complains(
    open_as: Open, axe_core: None, name: str, path: str, drawn: str, theme: str, width: int
) -> None:
    visit = open_as("ana", theme=theme, width=width)
    visit.go(path)
    visit.page.wait_for_selector(drawn)
    visit.shoot(f"{name}-{theme}-{width}")
    assert visit.overflow() <= 0
    assert [line for line in visit.complaints if "404" not in line] == []
    assert axe.serious(visit.page) == []


def selected(visit: Visit) -> str:
    return str(visit.page.locator(".trace-row[data-current] .trace-text").text_content())


def test_keys_move_open_and_close(open_as: Open) -> None:
    visit = open_as("ana")
    visit.go(STORY)
    page = visit.page
    page.wait_for_selector("[data-drawn]")
    for key in "jjkjjj":
        page.keyboard.press(key)
    assert selected(visit) == "chat small-1"
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-span]")
    assert "span=" in page.url
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-span]", state="detached")
    assert "span=" not in page.url
    page.keyboard.press("c")
    assert page.evaluate("document.activeElement.name") == "with"


def test_pauses_unfold_and_order_stands_in_the_address(open_as: Open) -> None:
    visit = open_as("ana")
    visit.go(STORY)
    page = visit.page
    page.wait_for_selector("[data-drawn] .trace-fold")
    folded = page.locator(".trace-fold").count()
    page.locator(".trace-fold").first.click()
    assert page.locator(".trace-fold").count() == folded - 1
    page.get_by_role("button", name="By agent").click()
    assert "order=lanes" in page.url
    page.reload()
    page.wait_for_selector("[data-order=lanes][aria-pressed=true]")


def test_a_large_trace_keeps_few_rows_in_the_document(open_as: Open) -> None:
    visit = open_as("ana")
    visit.go(LARGE)
    page = visit.page
    page.wait_for_selector("[data-drawn] .trace-row")
    assert page.locator("[data-fact=spans]").text_content() == "3,001"
    page.keyboard.press("k")
    page.wait_for_selector(".trace-row[data-current][aria-rowindex='3001']")
    assert page.locator(".trace-row").count() < 120


def test_viewer_sees_that_payloads_are_masked(open_as: Open) -> None:
    visit = open_as("vera")
    visit.go(f"{STORY}?span={FAILED}")
    assert "[masked, 26 bytes]" in str(visit.page.locator("[data-span]").text_content())


def test_suggestions_are_taken_with_keys(open_as: Open) -> None:
    visit = open_as("ana")
    visit.go("/traces")
    page = visit.page
    page.locator("#q").press_sequentially("age")
    page.wait_for_selector("[role=option][data-text='agent:']")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=option][data-text='agent:extract']")
    page.locator("#q").press_sequentially("extr")
    page.wait_for_selector("[role=option]:only-child")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert page.locator("#q").input_value() == "agent:extract "
    page.keyboard.press("Enter")
    page.wait_for_url("**q=agent%3Aextract**")


def test_new_traces_and_records_wait_until_they_are_wanted(open_as: Open, console: Console) -> None:
    visit = open_as("ana")
    visit.go("/logs")
    page = visit.page
    page.wait_for_selector("[data-drawn] .log-row")
    page.keyboard.press("p")
    page.wait_for_selector("[data-tail-state][data-state=paused]")
    traces = open_as("ana")
    traces.go("/traces")
    console.run("-m", "tests.support.telemetry_writer", "more", "a line that was not there")
    button = page.locator("[data-newer-show]")
    button.wait_for()
    assert button.text_content() == "1 new, show"
    button.click()
    assert "a line that was not there" in str(page.locator(".log-row").first.text_content())
    traces.page.get_by_text("1 new, show").click()
    traces.page.wait_for_selector("[data-scatter]")


def test_a_record_is_read_whole_and_leads_to_its_trace(open_as: Open) -> None:
    visit = open_as("ana")
    visit.go("/logs?severity=error")
    page = visit.page
    page.wait_for_selector("[data-drawn] .log-row")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator(".log-details").get_by_role("link", name="Trace", exact=True).click()
    page.wait_for_selector("[data-trace][data-drawn]")


def test_when_nobody_answers_the_list_goes_grey(open_as: Open) -> None:
    visit = open_as("ana")
    visit.go("/traces")
    visit.page.wait_for_selector("[data-scatter]")
    visit.page.route("**/traces/newer?**", lambda route: route.abort())
    visit.page.wait_for_selector(".traces-list[data-stale]")


def test_arcs_lead_from_sender_to_receiver(open_as: Open) -> None:
    visit = open_as("ana")
    visit.go(STORY)
    visit.page.wait_for_selector("[data-drawn] .trace-arcs path", state="attached")
    assert visit.page.locator(".trace-arcs path").count() == 1
