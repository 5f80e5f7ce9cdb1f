"""What may come to a redrive, as somebody clicks it, each to its end on a real queue. The same cases stand in
tests/integration/test_operations_cases.py over the API."""

from __future__ import annotations

import base64
import json
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.support.console import Console
from tests.support.waiting import until

STORY: tuple[tuple[str, ...], ...] = ()
# What the file's own people hold, and where.
OTHERS = {
    "ben": ("operator", "*"),
    "olga": ("approver", "*"),
    "eva": ("operator", "queue=mail"),
}


class Desk:
    """Letters that die, a worker that works, and a look at the queue."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, *command: Any) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        while line := self._process.stdout.readline():
            if line.startswith("= "):
                return line.removeprefix("= ").strip()
        raise AssertionError(f"{command} failed")

    def work(self, page: Page) -> None:
        """On the operation that the page shows; it is drawn anew."""
        self.do("work", shown(page))
        page.reload()

    def taken(self, queue: str) -> list[Any]:
        found: list[Any] = json.loads(self.do("taken", queue))
        return found


@pytest.fixture(scope="module")
def desk(house: Console) -> Iterator[Desk]:
    process = house.start("-m", "tests.support.cases_desk")
    yield Desk(process)
    process.communicate(timeout=20)


@pytest.fixture(scope="module")
def people(house: Console) -> dict[str, str]:
    named = {"ana": ("admin", "*"), "vera": ("viewer", "*"), **OTHERS}
    commands = [("sign-in", name, *held) for name, held in named.items()]
    return dict(zip(named, house.people(*commands), strict=True))


@pytest.fixture
def queue(desk: Desk) -> Iterator[str]:
    """Five letters of a queue of the test's own."""
    name = f"pay-{uuid.uuid4().hex[:8]}"
    desk.do("die", name, 5)
    yield name
    desk.do("limit", 0)


def shown(page: Page) -> str:
    """The id of the plan or operation in the address."""
    return page.url.rpartition("/")[2].partition("?")[0].partition("#")[0]


def planned(open_own: Open, queue: str, who: str = "ana", **options: str) -> Page:
    """All letters of the queue, sent at once unless the form says otherwise."""
    visit = open_own(who)
    visit.go(f"/letters?view=letters&queue={queue}")
    page = visit.page
    page.check("[data-matching]")
    page.get_by_role("button", name="Redrive…", exact=True).first.click()
    page.wait_for_url("**/plans/*")
    again(page, **{"canary": "", "consumer_down": "", **options})
    return page


def again(page: Page, **options: str) -> None:
    """Other options, by the form."""
    page.locator(".plan-box > summary").click()
    page.get_by_label("full", exact=True).check()
    for name, value in options.items():
        field = page.locator(f".plan-how [name={name}]")
        field.set_checked(bool(value)) if name == "consumer_down" else field.fill(value)
    before = page.url
    page.get_by_role("button", name="Seal again with these").click()
    page.wait_for_url(lambda url: url != before and "/plans/" in url)


def start(page: Page) -> None:
    page.fill("#plan-reason", "gateway repaired")
    page.locator(".plan-confirm .button.primary").click()
    page.wait_for_url("**/operations/*")


def figures(page: Page, **counts: int) -> None:
    for state, number in counts.items():
        expect(page.locator(f"[data-count-of={state}]").first).to_have_text(str(number))


def state(page: Page, word: str) -> None:
    expect(page.locator("#operation .lead .status")).to_have_text(word)


def press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def test_edit__seen_as_a_difference_and_sent_so(open_own: Open, desk: Desk, queue: str) -> None:
    page = planned(open_own, queue)
    page.get_by_role("link", name="Edit…").click()
    page.fill("#edit-body", '[{"op": "replace", "path": "/order", "value": 8}]')
    press(page, "Show the difference")
    expect(page.locator(".difference").first).to_contain_text('"order": 8')
    page.get_by_role("button", name="Seal with this edit").click()
    page.wait_for_url(lambda url: "/plans/" in url and not url.endswith("/edit"))
    start(page)
    desk.work(page)
    bodies = {base64.b64decode(each["body"]) for each in desk.taken(queue)}
    assert [json.loads(body) for body in bodies] == [{"order": 8}]


def test_target_queue_and_delay(open_own: Open, desk: Desk, queue: str) -> None:
    page = planned(open_own, queue, target_queue=f"{queue}-repair")
    expect(page.locator(".plan-sentence")).to_contain_text(f"{queue}-repair")
    start(page)
    desk.work(page)
    figures(page, dispatched=5)
    assert (len(desk.taken(f"{queue}-repair")), desk.taken(queue)) == (5, [])
    later = f"{queue}-later"
    desk.do("die", later, 1)
    page = planned(open_own, later, delay="1")
    start(page)
    desk.work(page)
    figures(page, dispatched=1)
    arrived: list[Any] = []

    def came() -> bool:
        desk.do("due")
        arrived.extend(desk.taken(later))
        return bool(arrived)

    until(came, "the delayed message")
    assert len(arrived) == 1


def test_pause_resume_and_cancel(open_own: Open, desk: Desk, queue: str) -> None:
    page = planned(open_own, queue, canary="2")
    start(page)
    desk.work(page)
    figures(page, dispatched=2, waiting=3)
    press(page, "Pause")
    state(page, "paused")
    press(page, "Resume")
    state(page, "running")
    press(page, "Cancel")
    state(page, "cancelling")
    desk.work(page)
    figures(page, dispatched=2, untouched=3)
    expect(page.get_by_text("3 untouched. What was sent stays sent")).to_be_visible()
    assert len(desk.taken(queue)) == 2


def test_approval_by_a_second_person(open_own: Open, desk: Desk, queue: str) -> None:
    desk.do("limit", 1)
    page = planned(open_own, queue, who="ben")
    page.fill("#plan-count", "5")
    start(page)
    desk.work(page)
    state(page, "awaiting approval")
    assert desk.taken(queue) == []
    second = open_own("olga")
    second.go("/approvals")
    second.go(page.url.removeprefix(second.origin))
    second.page.fill("#approve-reason", "looked at it")
    press(second.page, "Approve redrive of 5")
    state(second.page, "running")
    desk.work(page)
    figures(page, dispatched=5)
    assert len(desk.taken(queue)) == 5


def test_expired_and_planned_again_with_what_came_late(open_own: Open, desk: Desk, queue: str) -> None:
    page = planned(open_own, queue)
    desk.do("die", queue, 2)
    page.reload()
    expect(page.locator("#late")).to_contain_text("2 letters arrived since the plan was sealed")
    desk.do("expire", shown(page))
    page.fill("#plan-reason", "too late")
    press(page, "Redrive 5")
    expect(page.get_by_role("alert")).to_contain_text("The plan expired at")
    press(page, "Plan again")
    expect(page.get_by_role("heading", level=1)).to_have_text("Redrive 7 letters")
    assert desk.taken(queue) == []


def test_late_arrivals_are_not_sent(open_own: Open, desk: Desk, queue: str) -> None:
    page = planned(open_own, queue)
    desk.do("die", queue, 2)
    start(page)
    desk.work(page)
    figures(page, dispatched=5)
    assert len(desk.taken(queue)) == 5


def test_two_operators_on_the_same_letters(open_own: Open, desk: Desk, queue: str) -> None:
    one, two = planned(open_own, queue), planned(open_own, queue, who="ben")
    for page in (one, two):
        start(page)
    for page in (one, two):
        desk.work(page)
    figures(one, dispatched=5)
    figures(two, left_out=5)
    expect(two.locator("#items")).to_contain_text("it is dispatched by now")
    assert len(desk.taken(queue)) == 5


def test_without_the_right__the_button_says_which_and_who_gives_it(
    open_own: Open, desk: Desk, queue: str
) -> None:
    page = planned(open_own, queue)
    vera = open_own("vera")
    vera.go(page.url.removeprefix(vera.origin))
    expect(vera.page.get_by_role("button", name="Redrive 5")).to_have_attribute("aria-disabled", "true")
    expect(vera.page.locator(".plan-go .reason")).to_contain_text("right to redrive")
    start(page)
    vera.go(page.url.removeprefix(vera.origin))
    expect(vera.page.get_by_role("button", name="Cancel")).to_have_attribute("aria-disabled", "true")
    assert desk.taken(queue) == []


def test_scope__only_what_is_there_is_seen_and_taken(open_own: Open, desk: Desk, queue: str) -> None:
    page = planned(open_own, queue)
    desk.do("die", "mail", 1)
    eva = open_own("eva")
    assert eva.go(page.url.removeprefix(eva.origin)) == 404
    eva.go("/letters?view=letters")
    eva.page.check("[data-matching]")
    eva.page.get_by_role("button", name="Redrive…", exact=True).first.click()
    expect(eva.page.get_by_role("heading", level=1)).to_have_text("Redrive 1 letter")
    again(eva.page, canary="", consumer_down="")
    start(eva.page)
    desk.work(eva.page)
    assert (len(desk.taken("mail")), desk.taken(queue)) == (1, [])
