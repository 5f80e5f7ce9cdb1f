"""`make kills MINUTES=10`: the tests marked `kills`, the kill matrix of operations, and those tests that a seed makes
different, again and again, each for its share of the time; then the figures and a verdict."""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.acceptance.test_up_kills import FIGURES, KILLS, SEED
from tests.support.in_time import FOR_THE_WIDE, given

KILLS_A_ROUND = 12
# What the first round has not begun in this share of the time is left for another one, and named.
FIRST_ROUND = 0.7
# The matrix has most of what the first round leaves of the time, and enough for one house in any case.
OF_WHAT_IS_LEFT, LEAST_OF_ALL = 0.8, 0.2
# A few cells of the matrix, for whoever runs the tests alone.
OF_THE_MATRIX = "tests/acceptance/test_operation_kills.py"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    minutes: float = parser.parse_args(arguments).minutes
    until, rounds = time.monotonic() + minutes * 60, 1
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures"
        bad = int(not _first_round(file, random.randrange(1 << 32), minutes))
        left = (until - time.monotonic()) / 60
        bad += not _operations(max(left * OF_WHAT_IS_LEFT, minutes * LEAST_OF_ALL))
        while time.monotonic() < until:
            rounds += 1
            bad += not _round(file, random.randrange(1 << 32), _seeded())
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return _verdict([json.loads(line) for line in lines], rounds, bad)


def _operations(minutes: float) -> bool:
    command = [sys.executable, "-m", "tests.operation_kills", "--minutes", str(minutes)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0


def _first_round(file: Path, seed: int, minutes: float) -> bool:
    """All tests marked `kills` once, as far as the time goes; other ones of them each time."""
    in_time = given(minutes * FIRST_ROUND / FOR_THE_WIDE, str(seed))
    return _round(file, seed, ["tests", "sdk/tests", f"--ignore={OF_THE_MATRIX}"], in_time)


def _round(
    file: Path, seed: int, which: Sequence[str], more: Mapping[str, str] = MappingProxyType({})
) -> bool:
    """These tests, as far as they are marked `kills`."""
    print(f"seed {seed}", flush=True)
    environ = {**os.environ, SEED: str(seed), KILLS: str(KILLS_A_ROUND), FIGURES: str(file), **more}
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-m", "kills", *which]
    return subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, check=False).returncode == 0


def _seeded() -> list[str]:
    """The files whose tests read the seed."""
    tests = sorted(Path("tests").rglob("test_*.py"))
    return [str(path) for path in tests if SEED in path.read_text(encoding="utf-8")]


def _verdict(figures: list[dict[str, Any]], rounds: int, bad: int) -> int:
    kills: dict[str, int] = {}
    for each in figures:
        for name, count in each["kills"].items():
            kills[name] = kills.get(name, 0) + count
    total = {
        name: sum(each[name] for each in figures)
        for name in ("acknowledged", "missing", "orphans", "zombies")
    }
    print(f"rounds {rounds}, with a failure {bad}")
    print(
        f"kills {sum(kills.values())}: "
        + ", ".join(f"{name} {count}" for name, count in sorted(kills.items()))
    )
    print(", ".join(f"{name} {count}" for name, count in total.items()))
    for name in ("slowest_back", "slowest_clear"):
        print(f"{name.replace('_', ' ')} {max((each[name] for each in figures), default=0):.2f} s")
    good = bool(figures) and bad == 0
    print("verdict: held" if good else "verdict: BAD")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
