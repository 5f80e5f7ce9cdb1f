"""The graph in a real browser: drawn, live, replayed, kept in the address, and quiet for whoever wants it quiet."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.support import axe
from tests.support.console import LOOKS, Console, Visit
from tests.support.topology_spots import spots

pytestmark = pytest.mark.usefixtures("cytoscape")

STORY = (("tests.support.topology_writer", "shop"),)
EXTRACT = "agent:production/extract"
DRAWN = "[data-topology][data-nodes]:not([data-nodes='0'])"
CHART = ".topology-charts .main-svg"


def write(house: Console, *story: str) -> None:
    house.run("-m", "tests.support.topology_writer", *story)


def drawn(visit: Visit, path: str = "/topology") -> Visit:
    assert visit.go(path) == 200
    visit.page.wait_for_selector(DRAWN)
    return visit


# ---- How it looks ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_graph_panel_and_table_fit_and_nothing_complains(
    open_own: Open, axe_core: None, theme: str, width: int
) -> None:
    visit = drawn(open_own(theme=theme, width=width))
    visit.live()
    visit.shoot(f"topology-{theme}-{width}")
    drawn(visit, f"/topology?node={EXTRACT}")
    visit.page.wait_for_selector(CHART)
    visit.shoot(f"topology-panel-{theme}-{width}")
    assert visit.overflow() <= 0
    assert axe.serious(visit.page) == []
    visit.go(f"/topology?view=table&node={EXTRACT}")
    visit.page.wait_for_selector(CHART)
    visit.shoot(f"topology-table-{theme}-{width}")
    assert visit.overflow() <= 0
    assert axe.serious(visit.page) == []
    assert visit.complaints == []


SEEN = """() => {
    const canvas = document.querySelector(".topology-canvas");
    const { cy } = canvas._cyreg;
    const { x1, x2, y1, y2 } = cy.nodes().renderedBoundingBox();
    const { width, height } = canvas.getBoundingClientRect();
    const written = Math.min(...cy.nodes().map((node) => parseFloat(node.style("font-size")) * cy.zoom()));
    return { inside: x1 >= 0 && y1 >= 0 && x2 <= width && y2 <= height, written };
}"""


def test_a_long_chain_opens_in_view_and_its_names_can_be_read(open_own: Open, house: Console) -> None:
    write(house, "line")
    visit = drawn(open_own(width=1280), "/topology?environment=line")
    visit.page.wait_for_selector("[data-topology][data-nodes='11']")
    visit.shoot("topology-line")
    seen = visit.page.evaluate(SEEN)
    assert seen["inside"]
    assert seen["written"] >= 9


def test_charts_are_loaded_where_one_is_drawn_and_not_before(open_own: Open) -> None:
    visit = drawn(open_own())
    assert not [url for url in visit.requested if "plotly" in url]


# ---- What it does ----------------------------------------------------------------------------------------------
def test_a_new_agent_appears_and_nobody_moves(open_own: Open, house: Console) -> None:
    visit = drawn(open_own())
    visit.live()
    before = spots(visit)
    count = int(visit.page.get_attribute("[data-topology]", "data-nodes") or 0)
    write(house, "grown")
    visit.page.wait_for_selector(f"[data-topology][data-nodes='{count + 2}']")
    after = spots(visit)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"audit-copy", "grep"}


def test_a_click_opens_the_panel_and_the_address_keeps_it(open_own: Open) -> None:
    visit = drawn(open_own())
    canvas = visit.page.locator(".topology-canvas")
    canvas.focus()
    canvas.press("ArrowRight")
    visit.page.wait_for_selector(".topology-panel h2")
    assert "node=" in visit.page.url
    drawn(visit, visit.page.url.removeprefix(visit.origin))
    visit.page.wait_for_selector(".topology-panel h2")
    visit.page.keyboard.press("Escape")
    visit.page.wait_for_selector(".topology-panel", state="hidden")
    assert "node=" not in visit.page.url


def test_search_finds_and_enter_opens(open_own: Open) -> None:
    visit = drawn(open_own())
    visit.page.fill(".topology-bar input[type=search]", "extract")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector(".topology-panel h2:has-text('extract')")
    assert "q=extract" in visit.page.url


def test_switches_draw_anew_and_stay_in_the_address(open_own: Open) -> None:
    visit = drawn(open_own(), "/topology?environment=production")
    count = int(visit.page.get_attribute("[data-topology]", "data-nodes") or 0)
    visit.page.check(".topology-bar [name=queues]")
    visit.page.wait_for_selector(f"[data-topology][data-nodes='{count - 2}']")
    assert "queues=off" in visit.page.url
    assert "queues=off" in (visit.page.get_attribute("[data-view=table]", "href") or "")
    drawn(visit, visit.page.url.removeprefix(visit.origin))
    assert visit.page.is_checked(".topology-bar [name=queues]")


def test_the_slider_replays_and_now_returns(open_own: Open) -> None:
    visit = drawn(open_own())
    slider = visit.page.locator(".topology-time input")
    with visit.page.expect_response(lambda answer: "/api/v1/topology" in answer.url):
        slider.fill("-50")
    visit.page.wait_for_selector("[data-topology][data-nodes='0']")
    assert "at=" in visit.page.url
    with visit.page.expect_response(lambda answer: "/api/v1/topology" in answer.url):
        slider.fill("-10")
    visit.page.wait_for_selector(DRAWN)
    visit.page.click("[data-do=topology-now]")
    visit.page.wait_for_selector("html:not([data-past])")
    assert "at=" not in visit.page.url


def test_png_is_a_picture(open_own: Open) -> None:
    visit = drawn(open_own())
    with visit.page.expect_download() as download:
        visit.page.evaluate("document.querySelector('[data-do=topology-png]').click()")
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
    assert visit.complaints == []


def test_whoever_wants_less_motion_gets_none(open_own: Open) -> None:
    visit = open_own()
    visit.page.emulate_media(reduced_motion="reduce")
    drawn(visit)
    visit.live()
    picture = "document.querySelector('.topology-motion').toDataURL()"
    still = visit.page.evaluate(
        f"""new Promise((done) => {{
            const before = {picture};
            let frames = 20;
            const next = () => (frames-- ? requestAnimationFrame(next) : done({picture} === before));
            requestAnimationFrame(next);
        }})"""
    )
    assert still


def test_the_table_by_keyboard(open_own: Open) -> None:
    visit = open_own()
    visit.go("/topology?view=table")
    visit.page.keyboard.press("j")
    visit.page.keyboard.press("j")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**node=*")
    expect(visit.page.locator(".topology-panel h2")).to_be_visible()


def test_the_table_works_without_a_script(open_own: Open) -> None:
    visit = open_own(scripts=False)
    visit.go("/topology")
    visit.page.click("noscript a")
    visit.page.click("text=Not received >> nth=0")
    visit.page.click(".row-link >> text=extract >> nth=0")
    expect(visit.page.locator(".topology-panel h2")).to_be_visible()
