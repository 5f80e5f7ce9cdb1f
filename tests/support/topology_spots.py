"""Where the graph's nodes stand in a browser, by what its exported drawing says."""

from __future__ import annotations

from pathlib import Path

from tests.support.console import Visit

READ = """(text) => {
    const drawing = new DOMParser().parseFromString(text, "image/svg+xml");
    const names = [...drawing.querySelectorAll("g > text:first-of-type")];
    return names.map((name) => [name.textContent, name.parentElement.getAttribute("transform")]);
}"""


def spots(visit: Visit) -> dict[str, str]:
    with visit.page.expect_download() as download:
        visit.page.evaluate("document.querySelector('[data-do=topology-svg]').click()")
    return dict(visit.page.evaluate(READ, Path(download.value.path()).read_text(encoding="utf-8")))
