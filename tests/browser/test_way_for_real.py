"""The whole way with real processes: an agent gives up, its group is redriven, the canary halts, the cause is repaired,
and every message comes to its end. Nothing here is written by hand but what the operator types."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.commands import ROOT, environment
from tests.support.console import WIDE, Visit, visit
from tests.support.library_process import running
from tests.support.up_run import PASSWORD, Up, apart, up
from tests.support.waiting import until

MESSAGES = 6
# From a death to its letter's page, and from a press to the last outcome: several processes on a busy machine.
PATIENCE = 60_000
SEND = (
    "from postroom import Agent\n"
    "web = Agent('web')\n"
    f"for order in range({MESSAGES}): web.send_message('payments', {{'order': order}}, workflow='orders')\n"
)


@pytest.fixture(scope="module")
def whole(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(apart(tmp_path_factory.mktemp("way"))) as house:
        yield house.until_ready()


def broker_of(house: Up) -> str:
    return (house.data / "run" / "redis-url").read_text(encoding="utf-8").strip()


def send(house: Up, folder: Path) -> None:
    environ = environment(
        PYTHONPATH=f"{ROOT}{os.pathsep}{ROOT / 'sdk'}",
        POSTROOM_BROKER_URL=broker_of(house),
        POSTROOM_SPOOL=str(folder / "spool-of-web"),
    )
    subprocess.run([sys.executable, "-c", SEND], env=environ, cwd=ROOT, check=True, timeout=60)


def signed_in(browser: Browser, house: Up) -> Visit:
    made = visit(browser, house.url, width=WIDE)
    made.go("/sign-in")
    made.page.get_by_label("Name").fill("admin")
    made.page.get_by_label("Password").fill(PASSWORD)
    made.page.keyboard.press("Enter")
    made.page.wait_for_selector("#now")
    return made


def held(there: Visit, number: int) -> None:
    """Until the group says so."""

    def seen() -> bool:
        there.go("/letters?view=groups&show=any")
        rows = there.page.locator("tbody tr", has_text="card refused")
        return bool(rows.count()) and rows.first.locator("td[data-label=held]").inner_text() == str(number)

    until(seen, f"{number} letters held", PATIENCE / 1000)


def redrive(there: Visit, reason: str) -> None:
    """From the group to its operation, by keyboard."""
    there.page.locator("tbody tr", has_text="card refused").locator(".row-link").first.click()
    there.page.wait_for_selector("#why-title")
    there.live()
    there.shoot_whole("real-group")
    there.page.keyboard.press("r")
    there.page.wait_for_selector(".plan-sentence")
    there.live()
    there.shoot_whole("real-plan")
    there.page.keyboard.press("r")
    there.page.keyboard.type(reason)
    there.page.keyboard.press("Enter")
    there.page.wait_for_selector("#operation")
    there.live()


def figure(there: Visit, state: str, number: int) -> None:
    there.page.locator(f"[data-count-of={state}]").wait_for(state="attached")
    expect(there.page.locator(f"[data-count-of={state}]")).to_have_text(str(number), timeout=PATIENCE)


def state(there: Visit, word: str) -> None:
    expect(there.page.locator("#operation .lead .status")).to_have_text(word, timeout=PATIENCE)


def test_from_a_death_to_processed(browser: Browser, whole: Up, tmp_path: Path) -> None:
    repaired = tmp_path / "repaired"
    worker = ("postroom", "worker", "tests.support.payments_agent:agent", "-P", "threads", "-c", "2")
    settings = {"POSTROOM_BROKER_URL": broker_of(whole), "REPAIRED": str(repaired)}
    with running(tmp_path / "agent", *worker, **settings):
        send(whole, tmp_path)
        there = signed_in(browser, whole)
        held(there, MESSAGES)
        redrive(there, "tried before it was repaired")
        state(there, "halted")
        # One message was spent, and no more.
        figure(there, "failed_same", 1)
        figure(there, "waiting", MESSAGES - 1)
        there.shoot_whole("real-halted")
        repaired.touch()
        there.page.keyboard.press("p")
        state(there, "done")
        figure(there, "processed", MESSAGES - 1)
        there.shoot_whole("real-done")
        held(there, 1)
        expect(there.page.locator("tbody tr", has_text="came back")).to_have_count(1)
        redrive(there, "gateway repaired")
        state(there, "done")
        figure(there, "processed", 1)
        there.go("/")
        there.live()
        there.shoot_whole("real-overview")
    assert there.complaints == []
