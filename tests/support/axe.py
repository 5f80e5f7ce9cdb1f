"""axe-core, found in node_modules: what it calls serious or critical on a page."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.support.house import ROOT

SCRIPT = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def serious(page: Page) -> list[str]:
    """Each violation as a line: the rule, and the element it is about."""
    # Through the debugger and not as a script of the page: the page's own policy lets no other script in.
    page.evaluate(SCRIPT.read_text(encoding="utf-8") + "; undefined")
    found = page.evaluate("rules => axe.run(document, rules)", RULES)
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]} {node['failureSummary'][:200]}"
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]
