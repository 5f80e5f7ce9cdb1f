"""A process that writes batches to a store until it is killed: `python -m tests.support.span_writer ENGINE ADDRESS
SEED BATCHES SIZE`. It prints a batch's number after the store has acknowledged it, never before."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from agents.spans.api import Batch, Span
from core import clock
from tests.support.span_stores import Home
from tests.support.telemetry import HOUR, SECOND, Maker


def batches(seed: int, count: int, size: int, until: int) -> Iterator[tuple[Span, ...]]:
    """The same batches for whoever knows the seed and the moment."""
    spans = list(Maker(seed).spans(count * size, until - HOUR, until))
    for number in range(count):
        yield tuple(spans[number * size : (number + 1) * size])


def main(engine: str, address: str, seed: str, count: str, size: str, until: str) -> None:
    store = Home(engine, address).store()
    for number, batch in enumerate(batches(int(seed), int(count), int(size), int(until))):
        store.write(Batch(batch))
        print(number, flush=True)


def now() -> int:
    return int(clock.unix()) * SECOND


if __name__ == "__main__":
    main(*sys.argv[1:])
