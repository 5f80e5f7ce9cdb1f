"""kill −9 of intake at random moments under load: what was acknowledged is there, once."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.support.intake_house import IntakeHouse
from tests.support.intake_senders import Senders
from tests.support.waiting import until

# Three times in the suite; KILLS=20 is the full measure.
KILLS = int(os.environ.get("KILLS", "3"))


@pytest.mark.kills
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_acknowledged_spans_survive_and_count_once(
    engine: str, tmp_path: Path, redis_url: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if engine == "postgres" else ""
    house, chance = IntakeHouse(tmp_path / "data", redis_url, url), random.Random()
    intake = house.start_intake()
    with Senders(house, intake, threads=4, spans=20) as senders:
        for _ in range(KILLS):
            enough = len(senders.acknowledged) + chance.randrange(20, 600)
            until(lambda enough=enough: len(senders.acknowledged) >= enough, "load", 60)  # type: ignore[misc]
            intake.kill()
            intake = senders.intake = house.start_intake()
    intake.process.terminate()
    intake.process.wait(20)
    stored = house.stored()
    assert senders.acknowledged - stored.keys() == set()
    assert [each for each, count in stored.items() if count != 1] == []
    assert set(senders.statuses) <= {0, 200, 429, 503}
