"""Workflows in a real browser: the list that stays live, one with its path and charts, and the graph in groups."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Open
from tests.support import axe
from tests.support.console import LOOKS, Console, Visit

pytestmark = pytest.mark.usefixtures("cytoscape")

STORY = (("tests.support.topology_writer", "shop"),)
ROW = "tbody[data-workflows] tr"
CHART = ".workflow-charts .main-svg"


def one(visit: Visit) -> None:
    """From the list into the first workflow."""
    assert visit.go("/workflows") == 200
    visit.page.locator(f"{ROW} .row-link").first.click()
    visit.page.wait_for_selector(CHART)


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_list_and_one_fit_and_nothing_complains(
    open_own: Open, axe_core: None, theme: str, width: int
) -> None:
    visit = open_own(theme=theme, width=width)
    visit.go("/workflows")
    _look(visit, f"workflows-{theme}-{width}", width)
    one(visit)
    _look(visit, f"workflow-{theme}-{width}", width)
    assert visit.complaints == []


def _look(visit: Visit, name: str, width: int) -> None:
    visit.shoot(name)
    assert visit.overflow() <= 0
    assert axe.serious(visit.page) == []


def test_figures_change_in_their_place_and_new_ones_wait(open_own: Open, house: Console) -> None:
    visit = open_own()
    visit.go("/workflows")
    visit.live()
    before = visit.page.locator(ROW).count()
    house.run("-m", "tests.support.topology_writer", "begun")
    visit.page.get_by_text("1 new, show").click()
    visit.page.wait_for_function(f"document.querySelectorAll('{ROW}').length > {before}")


def test_runs_are_narrowed_by_state_in_the_address(open_own: Open) -> None:
    visit = open_own()
    one(visit)
    visit.page.get_by_role("link", name="failed", exact=True).click()
    visit.page.wait_for_url("**state=failed**")
    states = visit.page.locator("section[aria-labelledby=runs-title] tbody .status").all_text_contents()
    assert states
    assert set(states) == {"failed"}


def test_the_graph_stands_in_groups_by_workflow(open_own: Open) -> None:
    visit = open_own()
    visit.go("/topology?group=workflow")
    visit.page.wait_for_selector("[data-topology][data-nodes]:not([data-nodes='0'])")
    visit.shoot("topology-by-workflow")
    assert visit.complaints == []


CUT = """() => [...document.querySelectorAll("main .table-wrap")].filter((each) => each.scrollWidth > each.clientWidth)
    .map((each) => each.closest("section").getAttribute("aria-labelledby"))"""
BELOW = """(chart) => document.querySelector(chart).getBoundingClientRect().bottom
    - document.querySelector(chart).closest("section").getBoundingClientRect().bottom"""


def test_the_overview_cuts_nothing_on_a_small_screen(open_own: Open) -> None:
    visit = open_own(width=1280)
    visit.go("/")
    visit.page.wait_for_selector(ROW)
    visit.shoot_whole("overview-workflows-1280")
    assert visit.page.evaluate(CUT) == []
    assert visit.overflow() <= 0


def test_charts_end_within_their_panel(open_own: Open) -> None:
    visit = open_own(width=1280)
    one(visit)
    assert visit.page.evaluate(BELOW, CHART) <= 0
