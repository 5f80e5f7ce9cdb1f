"""A console of a test's own: accounts, a real web process, and pages in a real browser that note what goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, BrowserContext, Page

from core.up import build
from tests.support import servers
from tests.support.house import ROOT, House
from tests.support.waiting import until

BUILD = ROOT / ".build"
SHOTS = BUILD / "screenshots"
WIDE, PHONE = 1440, 390
# A theme and a width: what overflows is a matter of the width and contrast one of the theme, so each comes once.
LOOKS = (("light", WIDE), ("dark", PHONE))
HEIGHTS = {WIDE: 900, PHONE: 844}
LAUNCH = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)


class Console(House):
    """A data directory with accounts, and the web process that shows it."""

    def __init__(self, data: Path, redis_url: str, *, debug: bool = False) -> None:
        super().__init__(data)
        self.port = servers.free_port()
        self.environ |= {
            "POSTROOM_REDIS_URL": redis_url,
            "POSTROOM_BIND": f"127.0.0.1:{self.port}",
            "POSTROOM_OTLP_HTTP_BIND": "",
            "POSTROOM_OTLP_GRPC_BIND": "",
            "POSTROOM_DEBUG": "on" if debug else "off",
        }
        if not debug:
            build.main()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def people(self, *commands: tuple[str, ...]) -> list[str]:
        """What tests.support.live_people answers to commands, one each."""
        process = self.start("-m", "tests.support.live_people")
        said, _ = process.communicate("\n".join(json.dumps(command) for command in commands), timeout=60)
        return [line.removeprefix("= ") for line in said.splitlines() if line.startswith("= ")]

    @contextmanager
    def web(self) -> Iterator[None]:
        """The web process, while it is wanted."""
        said = self.data / "web.log"
        with said.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "web"], cwd=ROOT, env=self.environ, stdout=log, stderr=log
            )
        try:
            until(lambda: self._answers() or process.poll() is not None, "the console to answer", 60)
            assert process.poll() is None, said.read_text()[-2000:]
            yield
        finally:
            process.kill()
            process.wait()

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.origin}/sign-in", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


class Visit:
    """A page that somebody has open, and everything that the browser complained about."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.page: Page = context.new_page()
        self.context = context
        self.origin = origin
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.page.on("console", lambda said: self._note(said.type, said.text))
        self.page.on("pageerror", lambda error: self._note("error", str(error)))
        self.page.on("request", lambda request: self.requested.append(request.url))

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def go(self, path: str) -> int:
        """Open a path; the status of the answer."""
        answer = self.page.goto(self.origin + path)
        assert answer is not None
        return answer.status

    @property
    def height(self) -> int:
        size = self.page.viewport_size
        assert size
        return size["height"]

    def live(self) -> None:
        """Wait until the page's figures are live."""
        self.page.wait_for_selector("html[data-connection=live]")

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def shoot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")

    def shoot_whole(self, name: str) -> None:
        """The whole page, however long it is."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


def visit(
    browser: Browser,
    origin: str,
    *,
    cookie: str = "",
    theme: str = "light",
    width: int = WIDE,
    scripts: bool = True,
) -> Visit:
    """Somebody's browser: signed in or not, with a theme and a screen."""
    phone = width < 600
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHTS.get(width, 900)},
        has_touch=phone,
        is_mobile=phone,
        java_script_enabled=scripts,
        permissions=["clipboard-read", "clipboard-write"],
    )
    cookies = [("postroom_theme", theme)]
    if cookie:
        name, _, value = cookie.partition("=")
        cookies.append((name, value))
    context.add_cookies([{"name": name, "value": value, "url": origin} for name, value in cookies])
    return Visit(context, origin)
