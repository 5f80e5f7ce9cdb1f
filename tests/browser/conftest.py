"""One console for all browser tests of a worker, people who are signed in to it, and a browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support import axe
from tests.support.console import BUILD, LAUNCH, Console, Visit, visit

# Who there is: what they are called, and their role.
PEOPLE = {"ana": "admin", "vera": "viewer"}
Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """For one file at a time: as long as it is there, a loop runs, and no asynchronous test could have one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(LAUNCH))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def console(chromium: str, redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """As users run it: hashed files, no debugging."""
    made = Console(tmp_path_factory.mktemp("console"), redis_server)
    with made.web():
        yield made


@pytest.fixture(scope="session")
def workshop(chromium: str, redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """As those run it who build Postroom: with the style guide."""
    made = Console(tmp_path_factory.mktemp("workshop"), redis_server, debug=True)
    with made.web():
        yield made


def _cookies(house: Console) -> dict[str, str]:
    answers = house.people(*(("sign-in", name, role) for name, role in PEOPLE.items()))
    return dict(zip(PEOPLE, answers, strict=True))


@pytest.fixture(scope="session")
def cookies(console: Console) -> dict[str, str]:
    return _cookies(console)


@pytest.fixture(scope="session")
def workshop_cookies(workshop: Console) -> dict[str, str]:
    return _cookies(workshop)


def _opener(browser: Browser, house: Console, cookies: dict[str, str]) -> Iterator[Open]:
    made: list[Visit] = []

    def open_as(who: str = "ana", **how: Any) -> Visit:
        make = partial(visit, browser, house.origin, cookie=cookies.get(who, ""))
        made.append(make(**how))
        return made[-1]

    yield open_as
    for each in made:
        each.context.close()


@pytest.fixture
def open_as(browser: Browser, console: Console, cookies: dict[str, str]) -> Iterator[Open]:
    """`open_as("ana", theme="dark", width=390)`: somebody's browser; nobody's with an unknown name."""
    yield from _opener(browser, console, cookies)


@pytest.fixture
def open_workshop(browser: Browser, workshop: Console, workshop_cookies: dict[str, str]) -> Iterator[Open]:
    """The same for the console with the style guide."""
    yield from _opener(browser, workshop, workshop_cookies)


# ---- A console of a file's own ---------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def house(
    request: pytest.FixtureRequest, chromium: str, redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Console]:
    """Where what the file's STORY tells has happened: modules and their arguments, run in this order."""
    made = Console(tmp_path_factory.mktemp("own"), redis_server)
    for command in request.module.STORY:
        made.run("-m", *command)
    with made.web():
        yield made


@pytest.fixture(scope="module")
def people(house: Console) -> dict[str, str]:
    return _cookies(house)


@pytest.fixture
def open_own(browser: Browser, house: Console, people: dict[str, str]) -> Iterator[Open]:
    """The same for the file's own console."""
    yield from _opener(browser, house, people)


@pytest.fixture(scope="session")
def cytoscape() -> None:
    if not (BUILD / "packages" / "packages" / "cytoscape.mjs").exists():
        pytest.skip("needs Cytoscape in .build: `make test` installs it")


@pytest.fixture(scope="session")
def axe_core() -> None:
    if axe.SCRIPT.exists():
        return
    if "chromium" in os.environ.get("POSTROOM_TEST_REQUIRE", ""):
        pytest.fail("axe-core is not in node_modules: `make test` installs it", pytrace=False)
    pytest.skip("needs axe-core in node_modules: `npm ci` installs it")
