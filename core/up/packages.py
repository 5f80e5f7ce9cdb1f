"""Gathers the scripts that pages load from npm's packages: `python -m core.up.packages`.

Of each package the one file that a browser needs, under a name of ours, so that nothing else of it is served and
nothing of it is committed. What is not installed is left out: its pages say so and do without.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from core.up.commands import MANAGE

ROOT = MANAGE.parent
MODULES = ROOT / "node_modules"
# One of STATICFILES_DIRS.
GATHERED = ROOT / ".build" / "packages"
SCRIPTS = {
    "packages/cytoscape.mjs": "cytoscape/dist/cytoscape.esm.min.mjs",
    "packages/plotly.js": "plotly.js-strict-dist-min/plotly-strict.min.js",
}


def gather() -> None:
    for name, source in SCRIPTS.items():
        if (MODULES / source).exists():
            _copy(MODULES / source, GATHERED / name)


def _copy(source: Path, target: Path) -> None:
    """The time goes along: whoever compares times collects a script again only when it changed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


if __name__ == "__main__":
    gather()
