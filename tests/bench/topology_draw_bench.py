"""1,000 agents with 10,000 edges, in a headless Chromium and in the web process behind it.

    python -m tests.bench.topology_draw_bench [--agents 1000] [--edges 10000]

Everything is real: rows as the watcher writes them, the whole site under Daphne, the live topic, the page. Must hold:
from the rows' arrival to the first picture under 2 s, frames while the view is moved and zoomed under 50 ms (p95),
and no old node moves when one joins. Floor of the frames: the same gestures over the same page without a graph.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.support import servers
from tests.support.console import LAUNCH, Console, Visit, visit
from tests.support.topology_spots import spots

FIRST_DRAW_LIMIT_MS = 2_000
FRAME_LIMIT_MS = 50
STEPS = 60
RECORD = """() => {
    window.frames_ = [];
    let last = performance.now();
    const next = (now) => {
        window.frames_.push(now - last);
        last = now;
        window.recording = requestAnimationFrame(next);
    };
    window.recording = requestAnimationFrame(next);
}"""
STOP = "() => { cancelAnimationFrame(window.recording); return window.frames_.slice(1); }"
MARK = "(name) => performance.getEntriesByName(name)[0]?.startTime"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=1_000)
    parser.add_argument("--edges", type=int, default=10_000)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        redis = stack.enter_context(servers.redis_server())
        console = Console(Path(folder), redis)
        fill(console, asked.agents, asked.edges)
        print(f"web process: {json.dumps(loads(console))}")
        fill(console, asked.agents, asked.edges)
        stack.enter_context(console.web())
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=servers.chromium_program(), args=list(LAUNCH))
        cookie = console.people(("sign-in", "ana", "admin"))[0]
        opened = visit(browser, console.origin, cookie=cookie)
        floor = gestures(at(opened, "/topology?environment=none"))
        good = draw(at(opened, "/topology"), floor, console)
        browser.close()
    return 0 if good else 1


def fill(console: Console, agents: int, edges: int) -> None:
    console.run("-m", "tests.support.topology_writer", "large", str(agents), str(edges))


def loads(console: Console) -> dict[str, float]:
    found: dict[str, float] = json.loads(
        console.run("-m", "tests.bench.topology_load").stdout.splitlines()[-1]
    )
    return found


def at(opened: Visit, path: str) -> Visit:
    opened.go(path)
    opened.page.wait_for_selector("[data-topology][data-nodes]", timeout=60_000)
    return opened


def draw(opened: Visit, floor: dict[str, list[float]], console: Console) -> bool:
    opened.page.wait_for_function(f"({MARK})('topology-drawn')")
    rows, drawn = (float(opened.page.evaluate(MARK, f"topology-{name}")) for name in ("rows", "drawn"))
    print(f"rows after {rows:.0f} ms, drawn after {drawn:.0f} ms: first draw {drawn - rows:.0f} ms")
    good = check("first draw", drawn - rows, FIRST_DRAW_LIMIT_MS)
    for name, frames in gestures(opened).items():
        print(f"{name}: {len(frames)} frames, p50 {quantile(frames, 0.5):.1f} ms, worst {max(frames):.1f} ms")
        print(
            f"  floor, no graph: p50 {quantile(floor[name], 0.5):.1f}, p95 {quantile(floor[name], 0.95):.1f} ms"
        )
        good &= check(f"{name} p95", quantile(frames, 0.95), FRAME_LIMIT_MS)
    before = spots(opened)
    console.run("-m", "tests.support.topology_writer", "grown")
    opened.page.wait_for_function(
        "document.querySelector('[data-topology]').dataset.nodes > " + str(len(before))
    )
    after = spots(opened)
    moved = [name for name, spot in before.items() if after.get(name) != spot]
    return check(f"moved of {len(before)} when {len(after) - len(before)} joined", len(moved), 1) and good


def gestures(opened: Visit) -> dict[str, list[float]]:
    """The frames while the view is dragged about, and while it is zoomed."""
    box = opened.page.locator(".topology-canvas").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.page.evaluate(RECORD)
    # From a corner, where no node is taken hold of.
    opened.page.mouse.move(box["x"] + 12, box["y"] + 12)
    opened.page.mouse.down()
    for step in range(STEPS):
        opened.page.mouse.move(box["x"] + 12 + 6 * (step % 30), box["y"] + 12 + 4 * (step % 20))
    opened.page.mouse.up()
    panned = opened.page.evaluate(STOP)
    opened.page.mouse.move(x, y)
    opened.page.evaluate(RECORD)
    for step in range(STEPS):
        opened.page.mouse.wheel(0, -120 if step < STEPS / 2 else 120)
    zoomed = opened.page.evaluate(STOP)
    return {"pan": panned, "zoom": zoomed}


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def check(name: str, value: float, limit: float) -> bool:
    verdict = "ok" if value < limit else "TOO MUCH"
    print(f"  {name}: {value:.1f} (limit {limit}) {verdict}")
    return value < limit


if __name__ == "__main__":
    sys.exit(main())
