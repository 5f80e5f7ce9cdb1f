"""Arbitrary bytes: a 4xx or a success, never a 5xx, and no growth.

The suite sends 2,000 cases; CASES=100000 is the full measure.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import httpx

from agents.intake import limits
from tests.support.intake_house import IntakeHouse
from tests.support.otlp_noise import cases

CASES = int(os.environ.get("CASES", "2000"))


def test_arbitrary_bytes_never_break_intake(tmp_path: Path, redis_url: str) -> None:
    house, chance = IntakeHouse(tmp_path / "data", redis_url), random.Random(4711)
    statuses: Counter[int] = Counter()
    with house.intake() as intake, httpx.Client(base_url=intake.url, headers=house.authorization) as client:
        sending = cases(chance)
        for number, (path, headers, body) in zip(range(CASES), sending, strict=False):
            statuses[client.post(path, content=body, headers=headers, timeout=20).status_code] += 1
            if number == CASES // 2:
                halfway = intake.peak_bytes()
        grown = intake.peak_bytes() - halfway
    assert set(statuses) <= {200, 400, 413}
    assert statuses[400] > CASES // 10
    assert grown < 16 * limits.MIB
