"""live.js in a real browser: what it says on the socket when the page is hidden, seen again, or signed out."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.support.console import Console, visit
from tests.support.waiting import until

HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def _listen(page: Page) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Everything that the page says and hears on its sockets from now on."""
    said: list[dict[str, Any]] = []
    heard: list[dict[str, Any]] = []

    def opened(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: said.append(json.loads(frame)))
        socket.on("framereceived", lambda frame: heard.append(json.loads(frame)))

    page.on("websocket", opened)
    return said, heard


def test_hidden_page__leaves_its_topics_and_begins_with_a_snapshot_when_it_is_seen(
    browser: Browser, console: Console, cookies: dict[str, str]
) -> None:
    seen = visit(browser, console.origin, cookie=cookies["vera"])
    said, heard = _listen(seen.page)
    seen.go("/")
    seen.live()
    followed = {message["topic"] for message in said if message["type"] == "subscribe"}
    assert "processes" in followed

    seen.page.evaluate(HIDE, True)
    _until(seen.page, lambda: {m["topic"] for m in said if m["type"] == "unsubscribe"} == followed)
    heard.clear()
    seen.page.evaluate(HIDE, False)
    _until(seen.page, lambda: {f["topic"] for f in heard if f["kind"] == "snapshot"} == followed)
    expect(seen.page.locator("[data-connection-pill]")).to_have_text("live")
    seen.context.close()


def test_marks__are_acknowledged(browser: Browser, console: Console, cookies: dict[str, str]) -> None:
    seen = visit(browser, console.origin, cookie=cookies["vera"])
    said, heard = _listen(seen.page)
    seen.go("/")
    _until(seen.page, lambda: any(frame["kind"] == "mark" for frame in heard))
    marks = {frame["mark"] for frame in heard if frame["kind"] == "mark"}
    _until(seen.page, lambda: marks <= {message.get("mark") for message in said})
    seen.context.close()


def _until(page: Page, condition: Any) -> None:
    """Playwright hands over events only while it is asked something."""

    def holds() -> bool:
        page.evaluate("0")
        return bool(condition())

    until(holds, "the frames")
