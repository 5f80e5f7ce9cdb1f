"""Scripts from npm that some pages load, by the names under which core/up/packages.py gathers them."""

from __future__ import annotations

from django.templatetags.static import static

CYTOSCAPE = "packages/cytoscape.mjs"
PLOTLY = "packages/plotly.js"


def url(name: str) -> str:
    """Where a script is served; empty when it was not installed, and then the page does without."""
    try:
        return static(name)
    except ValueError:
        return ""
