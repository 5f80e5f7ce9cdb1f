"""The import rules hold, and an import that breaks one is found by `lint-imports`, by the name of its contract."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import ROOT, environment

PACKAGES = ("core", "agents", "dashboard")
LINTER = Path(sys.executable).with_name("lint-imports")

LAYERS = "wiring, dashboard, agents, access, leaves: never back up"
ROOMS = "the rooms of agents stand on the rooms below them"
CHANNELS = "channels only in dashboard.live and the wiring"
CELERY = "celery only in tasks.py, a room's celery.py and the wiring"
LIBRARY = "the agents' library and the server never import each other"

FORBIDDEN = [
    ("core/access/permissions.py", "import agents.spans", LAYERS),
    ("agents/spans/__init__.py", "import dashboard.charts", LAYERS),
    ("dashboard/pages/__init__.py", "import core.asgi", LAYERS),
    ("core/clock.py", "import core.options", LAYERS),
    ("agents/registry/__init__.py", "import agents.topology", ROOMS),
    ("agents/queues/__init__.py", "import agents.deadletters", ROOMS),
    ("agents/alerts/__init__.py", "import agents.operations", "intake, operations and alerts meet at the front door"),
    ("agents/ledger/__init__.py", "import agents.topology", "ledger and topology meet at the front door"),
    ("agents/registry/__init__.py", "import agents.spans", "spans and registry meet at the front door"),
    ("dashboard/pages/__init__.py", "import channels.layers", CHANNELS),
    ("agents/queues/__init__.py", "import celery", CELERY),
    ("dashboard/api/__init__.py", "import celery.result", CELERY),
    ("agents/topology/__init__.py", "import agents.spans.sqlite", "a concrete store is known in one place"),
    ("agents/operations/__init__.py", "import postroom.headers", LIBRARY),
]  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the server's code that may be spoilt."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINTER), "--no-cache"],
        cwd=folder,
        env=environment(PYTHONPATH=str(folder)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_house_as_it_stands__accepted() -> None:
    answer = lint(ROOT)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(("file", "statement", "contract"), FORBIDDEN)
def test_a_forbidden_import__refused(house: Path, file: str, statement: str, contract: str) -> None:
    with (house / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{statement}\n")
    answer = lint(house)
    assert answer.returncode == 1
    assert f"{contract} BROKEN" in " ".join(answer.stdout.split())


def test_a_neighbours_front_door__accepted(house: Path) -> None:
    (house / "agents/alerts/api.py").write_text('"""The front door."""\n', encoding="utf-8")
    with (house / "agents/operations/__init__.py").open("a", encoding="utf-8") as module:
        module.write("\nimport agents.alerts.api\n")
    answer = lint(house)
    assert answer.returncode == 0, answer.stdout


def contracts() -> list[dict[str, Any]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return list(tomllib.load(file)["tool"]["importlinter"]["contracts"])


def test_every_module_of_the_ground_floor_has_its_line_in_the_rules() -> None:
    (layers,) = (contract["layers"] for contract in contracts() if contract["name"] == LAYERS)
    named = {name.strip("() ") for layer in layers for name in layer.split(":")}
    present = {path.stem for path in (ROOT / "core").glob("*.py")} - {"__init__"}
    present |= {path.parent.name for path in (ROOT / "core").glob("*/__init__.py")}
    assert {f"core.{name}" for name in present} - named == set(), (
        "name it in pyproject.toml [tool.importlinter]"
    )
