"""What the latency benchmark sends: messages from agent to agent, each with a sender, a receiver and a model's call,
in gzip bodies one after the other in a file; and probes, each the only span of an agent that nobody has seen.
"""

from __future__ import annotations

import gzip
import random
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.bench.ingest_requests import LENGTH
from tests.support import otlp

AGENTS, PROBE = 15, "probe-"
PRODUCER, CONSUMER, CLIENT, SERVER = 4, 5, 3, 2
MS = 1_000_000


def write(file: Path, requests: int, spans: int, every: float) -> None:
    """Requests that are `every` seconds apart, from now on."""
    made = partial(_packed, time.time_ns(), round(every * otlp.SECOND), spans)
    with file.open("wb") as out, ProcessPoolExecutor(2) as pool:
        for body in pool.map(made, range(requests), chunksize=8):
            out.write(LENGTH.pack(len(body)) + body)


def probe(number: int) -> bytes:
    """A request of one span, whose agent no one has seen before it."""
    # Ids of its own: a span with those of the load would be taken for a repeat, and never be shown.
    chance = random.Random(f"{PROBE}{number}")
    ids = {"trace_id": chance.randbytes(16), "span_id": chance.randbytes(8)}
    now = time.time_ns()
    span = otlp.span(**ids, kind=SERVER, start_time_unix_nano=now - MS, end_time_unix_nano=now)
    return otlp.traces([span], {"service.name": f"{PROBE}{number}"}).SerializeToString()


def _packed(start: int, every: int, spans: int, number: int) -> bytes:
    """All that one agent says in one request: what it took, what it asked a model, what it passed on."""
    chance = random.Random(number)
    agent = number % AGENTS
    made: list[Span] = []
    while len(made) < spans:
        made += _hop(chance, agent, start + number * every)
    resource = {"service.name": f"agent-{agent}", "service.version": "1.2.0"}
    return gzip.compress(otlp.traces(made[:spans], resource).SerializeToString(), compresslevel=5)


def _hop(chance: random.Random, agent: int, moment: int) -> list[Span]:
    trace, took, asked, sent = chance.randbytes(16), *(chance.randbytes(8) for _ in range(3))
    model = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "small-1",
        "gen_ai.usage.input_tokens": 80,
    }
    return [
        _span(chance, trace, took, chance.randbytes(8), CONSUMER, moment, _message(agent, "process", chance)),
        _span(chance, trace, asked, took, CLIENT, moment, model),
        _span(chance, trace, sent, took, PRODUCER, moment, _message(agent + 1, "send", chance)),
    ]


def _message(receiver: int, step: str, chance: random.Random) -> dict[str, Any]:
    return {
        "messaging.system": "redis",
        "messaging.destination.name": f"agent-{receiver % AGENTS}.q",
        "messaging.operation.type": step,
        "messaging.message.id": chance.randbytes(16).hex(),
        "messaging.message.conversation_id": chance.randbytes(8).hex(),
    }


def _span(
    chance: random.Random,
    trace: bytes,
    id: bytes,
    parent: bytes,
    kind: int,
    moment: int,
    says: dict[str, Any],
) -> Span:
    return otlp.span(
        trace_id=trace,
        span_id=id,
        parent_span_id=parent,
        kind=kind,
        start_time_unix_nano=moment,
        end_time_unix_nano=moment + chance.randrange(1, 400) * MS,
        attributes=says,
    )
