"""How long a trace of 100,000 spans takes to stand on its page, and how smoothly it scrolls, in headless Chromium.

    python -m tests.bench.trace_page_bench [SPANS]

A console of its own with a store of its own: first the page's answer, then the first rows drawn, then the frames
of a scroll through the whole trace and of moving with the keys.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.support import servers
from tests.support.console import LAUNCH, Console, visit

SPANS = 100_000
TRACE = f"/traces/{'01' * 16}"
OPENED = 3
FRAMES = 240
# One step a frame, through the whole list and back; how long each frame took, in milliseconds.
SCROLL = """async (frames) => {
  const view = document.querySelector("[data-rows-view]"), took = [];
  const end = view.scrollHeight - view.clientHeight;
  let before = await new Promise(requestAnimationFrame);
  for (let frame = 1; frame <= frames; frame += 1) {
    const share = frame / frames;
    view.scrollTop = end * (share < 0.5 ? 2 * share : 2 - 2 * share);
    const now = await new Promise(requestAnimationFrame);
    took.push(now - before);
    before = now;
  }
  return took;
}"""
FINE = SCROLL.replace("end * (share < 0.5 ? 2 * share : 2 - 2 * share)", "frame * 60")


def main(spans: int) -> int:
    chromium = servers.chromium_program()
    with tempfile.TemporaryDirectory(prefix="postroom-bench-") as folder, servers.redis_server() as redis:
        console = Console(Path(folder), redis)
        console.run("-m", "tests.support.telemetry_writer", "large", str(spans))
        (cookie,) = console.people(("sign-in", "ana", "admin"))
        with console.web(), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=list(LAUNCH))
            page = visit(browser, console.origin, cookie=cookie).page
            _measure(page, console.origin)
            browser.close()
    return 0


def _measure(page: Page, origin: str) -> None:
    for number in range(OPENED):
        began = time.perf_counter()
        page.goto(origin + TRACE, wait_until="commit")
        answered = time.perf_counter()
        page.wait_for_selector("[data-drawn] .trace-row", timeout=120_000)
        drawn = time.perf_counter()
        heard, shown = (answered - began) * 1e3, (drawn - began) * 1e3
        print(
            f"opened {number + 1}: page answered after {heard:,.0f} ms, all spans drawn after {shown:,.0f} ms"
        )
    print(f"rows: {page.locator('[data-fact=spans]').text_content()}, in the document:", end=" ")
    print(page.locator(".trace-row").count())
    _tell("scroll through all", page.evaluate(SCROLL, FRAMES))
    _tell("scroll by 60 px a frame", page.evaluate(FINE, FRAMES))


def _tell(what: str, frames: list[float]) -> None:
    p95 = statistics.quantiles(frames, n=20)[-1]
    print(
        f"{what}: frame p50 {statistics.median(frames):.1f} ms, p95 {p95:.1f} ms, worst {max(frames):.1f} ms"
    )


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else SPANS))
