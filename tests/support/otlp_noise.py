"""Requests as nobody should send them: pure noise, and good ones with bytes changed, cut out, doubled or moved."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from typing import Any

from tests.support import otlp

LONG_LENGTH = b"\xff\xff\xff\xff\x0f"
TYPES = ("application/x-protobuf", "application/json")
PATHS = ("/v1/traces", "/v1/logs", "/v1/metrics")


def cases(chance: random.Random) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Path, headers and body, without end."""
    good: list[Any] = [
        otlp.many(3, 1),
        otlp.logs([otlp.log(attributes={"k": [1, {"a": "b"}]})]),
        otlp.metrics(3),
    ]
    seeds = [request.SerializeToString() for request in good] + [otlp.as_json(request) for request in good]
    while True:
        body = chance.choice(seeds) if chance.random() < 0.9 else chance.randbytes(chance.randrange(400))
        for _ in range(chance.randrange(1, 4)):
            body = mutated(chance, body)
        headers = {"content-type": chance.choice(TYPES)}
        if chance.random() < 0.2:
            headers["content-encoding"] = chance.choice(["gzip", "deflate", "identity"])
            body = gzip.compress(body, 1) if chance.random() < 0.8 else body
        yield chance.choice(PATHS), headers, body


def mutated(chance: random.Random, body: bytes) -> bytes:
    """Mostly one byte in the place of another: what breaks the frame at once reaches nothing behind it."""
    at, to = sorted(chance.randrange(len(body) + 1) for _ in range(2))
    if chance.random() < 0.7:
        return body[:at] + chance.randbytes(1) + body[at + 1 :]
    return chance.choice([body[:at] + body[to:], body[:to] + body[at:], body[:at] + LONG_LENGTH + body[at:]])
