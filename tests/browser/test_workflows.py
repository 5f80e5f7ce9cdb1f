"""Workflows in a real browser: the list that stays live, one with its path and charts, and the graph in groups."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Open, _cookies, _opener
from tests.support import axe
from tests.support.console import BUILD, PHONE, WIDE, Console, Visit

ROW = "tbody[data-workflows] tr"
CHART = ".workflow-charts .main-svg"


@pytest.fixture(scope="module")
def works(chromium: str, redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console with workflows at work."""
    if not (BUILD / "packages" / "packages" / "cytoscape.mjs").exists():
        pytest.skip("needs Cytoscape in .build: `make test` installs it")
    made = Console(tmp_path_factory.mktemp("works"), redis_server)
    made.run("-m", "tests.support.topology_writer", "shop")
    with made.web():
        yield made


@pytest.fixture(scope="module")
def people(works: Console) -> dict[str, str]:
    return _cookies(works)


@pytest.fixture
def open_works(browser: Browser, works: Console, people: dict[str, str]) -> Iterator[Open]:
    yield from _opener(browser, works, people)


def one(visit: Visit) -> None:
    """From the list into the first workflow."""
    assert visit.go("/workflows") == 200
    visit.page.locator(f"{ROW} .row-link").first.click()
    visit.page.wait_for_selector(CHART)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_list_and_one_fit_and_nothing_complains(
    open_works: Open, axe_core: None, theme: str, width: int
) -> None:
    visit = open_works(theme=theme, width=width)
    visit.go("/workflows")
    _look(visit, f"workflows-{theme}-{width}", width)
    one(visit)
    _look(visit, f"workflow-{theme}-{width}", width)
    assert visit.complaints == []


def _look(visit: Visit, name: str, width: int) -> None:
    visit.shoot(name)
    assert visit.overflow() <= 0
    if width == WIDE:
        assert axe.serious(visit.page) == []


def test_figures_change_in_their_place_and_new_ones_wait(open_works: Open, works: Console) -> None:
    visit = open_works()
    visit.go("/workflows")
    visit.live()
    before = visit.page.locator(ROW).count()
    works.run("-m", "tests.support.topology_writer", "begun")
    visit.page.get_by_text("1 new, show").click()
    visit.page.wait_for_function(f"document.querySelectorAll('{ROW}').length > {before}")


def test_runs_are_narrowed_by_state_in_the_address(open_works: Open) -> None:
    visit = open_works()
    one(visit)
    visit.page.get_by_role("link", name="failed", exact=True).click()
    visit.page.wait_for_url("**state=failed**")
    states = visit.page.locator("section[aria-labelledby=runs-title] tbody .status").all_text_contents()
    assert states
    assert set(states) == {"failed"}


def test_the_graph_stands_in_groups_by_workflow(open_works: Open) -> None:
    visit = open_works()
    visit.go("/topology?group=workflow")
    visit.page.wait_for_selector("[data-topology][data-nodes]:not([data-nodes='0'])")
    visit.shoot("topology-by-workflow")
    assert visit.complaints == []
