"""The floor: the same bytes, decoded and written by one bare loop in one thread, without HTTP.

    python -m tests.bench.ingest_floor FILE GROUP

GROUP requests share a commit, as those of as many connections do in intake. The rows, their indexes and the
de-duplication are intake's own. Reading the file and unpacking it is not counted. Prints one line of JSON.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

import django

django.setup()

# ruff: noqa: E402
import json
import time
from itertools import islice
from pathlib import Path

from agents.intake import pipeline
from agents.intake.answers import Codec, Signal
from agents.intake.pipeline import Request
from agents.intake.writers import Writer
from agents.spans import services
from agents.spans.api import Batch, Span
from core.access.api import Grant, Kind, Permission, Subject
from tests.bench.ingest_requests import requests

GRANT = Grant("ingest", frozenset({Permission.WRITE_TELEMETRY}))
SENDER = Subject(Kind.SERVICE, "floor", "floor", (GRANT,))


def decoded(bodies: list[bytes]) -> tuple[Span, ...]:
    made = (
        pipeline.prepare(
            Request(Signal.TRACES, Codec.PROTOBUF, body, Writer(SENDER, "default")), time.time_ns()
        )
        for body in bodies
    )
    return tuple(span for ready in made for span in ready.spans)


def main(file: Path, group: int) -> None:
    store, waiting = services.store(), requests(file)
    decoding = writing = 0.0
    spans = 0
    while bodies := list(islice(waiting, group)):
        began = time.perf_counter()
        rows = decoded(bodies)
        halfway = time.perf_counter()
        spans += store.write(Batch(rows)).spans
        decoding, writing = decoding + halfway - began, writing + time.perf_counter() - halfway
    print(json.dumps({"spans": spans, "decoding": decoding, "writing": writing}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
