"""The import rules hold, and an import that breaks one is found by `lint-imports`, by the name of its contract."""

from __future__ import annotations

import re
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

INTAKE, LEDGER, SPANS = (
    f"{names} meet at the front door"
    for names in (
        "intake, operations and alerts",
        "ledger and topology",
        "spans, registry, prices and searches",
    )
)
STORES = "a concrete store is known in one place"

# Who imports whom against the rules, and the contract that must say so.
FORBIDDEN = [
    ("core.access.permissions", "agents.spans", LAYERS),
    ("agents.spans", "dashboard.charts", LAYERS),
    ("dashboard.pages", "core.asgi", LAYERS),
    ("core.clock", "core.options", LAYERS),
    ("agents.registry", "agents.topology", ROOMS),
    ("agents.queues", "agents.deadletters", ROOMS),
    ("agents.alerts", "agents.operations", INTAKE),
    ("agents.ledger", "agents.topology", LEDGER),
    ("agents.registry", "agents.spans", SPANS),
    ("dashboard.pages", "channels", CHANNELS),
    ("agents.queues", "celery", CELERY),
    ("dashboard.api", "celery", CELERY),
    ("agents.topology", "agents.spans.sqlite", STORES),
    ("agents.operations", "postroom", LIBRARY),
]


def copied(folder: Path) -> Path:
    """The server's code where it may be spoilt."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def add_import(folder: Path, importer: str, imported: str) -> None:
    path = folder.joinpath(*importer.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    with file.open("a", encoding="utf-8") as module:
        module.write(f"\nimport {imported}\n")


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


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a house in which every forbidden import was made."""
    folder = copied(tmp_path_factory.mktemp("house"))
    for importer, imported, _ in FORBIDDEN:
        add_import(folder, importer, imported)
    answer = lint(folder)
    assert answer.returncode == 1
    return " ".join(answer.stdout.split())


def test_the_house_as_it_stands__accepted() -> None:
    answer = lint(ROOT)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(("importer", "imported", "contract"), FORBIDDEN)
def test_a_forbidden_import__refused(verdict: str, importer: str, imported: str, contract: str) -> None:
    assert f"{contract} BROKEN" in verdict
    reasons = verdict.partition("Broken contracts")[2]
    assert re.search(rf"{re.escape(importer)} -> {re.escape(imported)}\b", reasons)


def test_a_neighbours_front_door__accepted(tmp_path: Path) -> None:
    house = copied(tmp_path)
    (house / "agents/alerts/api.py").write_text('"""The front door."""\n', encoding="utf-8")
    add_import(house, "agents.operations", "agents.alerts.api")
    answer = lint(house)
    assert answer.returncode == 0, answer.stdout


def test_every_contract_has_an_import_that_breaks_it() -> None:
    assert {contract["name"] for contract in contracts()} == {contract for _, _, contract in FORBIDDEN}


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
