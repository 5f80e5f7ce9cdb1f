"""Arbitrary bytes: a 4xx or a success, never a 5xx, and no growth.

The suite sends 2,000 cases; CASES=100000 is the full measure.
"""

from __future__ import annotations

import gzip
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from agents.intake import limits
from tests.support import otlp
from tests.support.intake_house import IntakeHouse

CASES = int(os.environ.get("CASES", "2000"))
TYPES = ("application/x-protobuf", "application/json")
PATHS = ("/v1/traces", "/v1/logs", "/v1/metrics")


def cases(chance: random.Random) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Pure noise, and good requests with bytes changed, cut out, doubled or moved to another place."""
    good: list[Any] = [otlp.many(3, 1), otlp.logs([otlp.log(attributes={"k": [1, {"a": "b"}]})]), otlp.metrics(3)]
    seeds = [request.SerializeToString() for request in good] + [otlp.as_json(request) for request in good]
    while True:
        body = chance.choice(seeds) if chance.random() < 0.9 else chance.randbytes(chance.randrange(400))
        for _ in range(chance.randrange(1, 6)):
            body = mutated(chance, body)
        headers = {"content-type": chance.choice(TYPES)}
        if chance.random() < 0.2:
            headers["content-encoding"] = chance.choice(["gzip", "deflate", "identity"])
            body = gzip.compress(body, 1) if chance.random() < 0.8 else body
        yield chance.choice(PATHS), headers, body


def mutated(chance: random.Random, body: bytes) -> bytes:
    at, to = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    return chance.choice(
        [
            body[:at] + chance.randbytes(chance.randrange(1, 4)) + body[at + 1 :],
            body[:at] + body[to:],
            body[:to] + body[at:],
            body[:at] + b"\xff\xff\xff\xff\x0f" + body[at:],
        ]
    )


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
