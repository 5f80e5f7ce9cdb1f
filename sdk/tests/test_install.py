"""The library installs by itself into an empty environment, and stays light."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SDK = Path(__file__).resolve().parents[1]
FASTEST_OF = 5

# Measures in a fresh interpreter what importing costs, and tells what came along.
PROBE = """
import sys, time, json
before = time.perf_counter()
import postroom, postroom.headers
took = time.perf_counter() - before
print(json.dumps({"seconds": took, "django": "django" in sys.modules, "file": postroom.__file__}))
"""


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an empty environment with nothing but the library in it."""
    folder = tmp_path_factory.mktemp("sdk")
    # A build writes beside its source; the working tree stays clean.
    shutil.copytree(SDK, folder / "sdk", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    _run(sys.executable, "-m", "venv", str(folder / "venv"))
    python = folder / "venv" / "bin" / "python"
    _run(str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", str(folder / "sdk"))
    return python


def test_it_needs_no_django_and_imports_at_once(python: Path) -> None:
    probes = [json.loads(_run(str(python), "-I", "-c", PROBE)) for _ in range(FASTEST_OF)]
    assert "site-packages" in probes[0]["file"]
    assert not probes[0]["django"]
    assert min(probe["seconds"] for probe in probes) < 0.150
    assert "django" not in _run(str(python), "-m", "pip", "list").lower()


def test_its_command_says_its_version(python: Path) -> None:
    command = python.with_name("postroom")
    assert _run(str(command), "--version") == "postroom 0.1.0\n"


def test_a_command_that_does_not_exist__refused(python: Path) -> None:
    answer = subprocess.run(
        [python.with_name("postroom"), "dance"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 2
    assert "dance" in answer.stderr


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=240).stdout
