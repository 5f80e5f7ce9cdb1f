"""Whatever bytes come: the pipeline keeps what is good in them or refuses them, and raises nothing else.

The suite tries 5,000 of each run's own; CASES=100000 is the full measure.
"""

from __future__ import annotations

import os
import random
import time
from itertools import islice

from agents.intake import pipeline
from agents.intake.answers import Codec, Signal
from agents.intake.pipeline import Request
from agents.intake.refusals import RefusalError
from agents.intake.writers import Writer
from core.access.api import Grant, Kind, Permission, Subject
from tests.support.otlp_noise import cases

CASES = int(os.environ.get("CASES", "5000"))
GRANT = Grant("ingest", frozenset({Permission.WRITE_TELEMETRY}))
WRITER = Writer(Subject(Kind.SERVICE, "1", "sender", (GRANT,)), "default")


def test_arbitrary_bytes_are_kept_or_refused() -> None:
    seed = random.randrange(1 << 32)
    kept = refused = 0
    for path, headers, body in islice(cases(random.Random(seed)), CASES):
        signal, codec = Signal(path.rpartition("/")[2]), Codec(headers["content-type"])
        request = Request(signal, codec, body, WRITER, headers.get("content-encoding", "identity"))
        try:
            kept += pipeline.prepare(request, time.time_ns()).items
        except RefusalError:
            refused += 1
        except Exception as problem:
            raise AssertionError(f"seed {seed}: {path} {headers} {body!r}") from problem
    assert kept > CASES // 100
    assert refused > CASES // 10
