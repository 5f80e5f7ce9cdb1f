"""Kills at random moments under light load: what was acknowledged is there afterwards, and nobody is left behind."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.support import kills_round

pytestmark = [
    pytest.mark.kills,
    pytest.mark.timeout(290),
    pytest.mark.usefixtures("built_pages"),
]

# `make kills` gives the seed, the number of kills, and a file for the figures.
SEED, KILLS, FIGURES = "KILLS_SEED", "KILLS_A_ROUND", "KILLS_FIGURES"


def test_killed_at_random__acknowledged_entries_are_there(tmp_path: Path) -> None:
    seed = int(os.environ.get(SEED) or random.randrange(1 << 32))
    figures = kills_round.run(tmp_path / "data", seed, int(os.environ.get(KILLS, "2")))
    print(figures.dump())
    if file := os.environ.get(FIGURES):
        with Path(file).open("a", encoding="utf-8") as out:
            out.write(f"{figures.dump()}\n")
    assert figures.acknowledged > 0, figures
    assert (figures.missing, figures.orphans, figures.zombies) == (0, 0, 0), figures
    assert figures.slowest_back < kills_round.BACK_SECONDS, figures
