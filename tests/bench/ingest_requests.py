"""The requests of the intake benchmark: gzip bodies one after the other in a file, each behind its length."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.support import otlp

LENGTH = struct.Struct("<I")


def write(file: Path, requests: int, spans: int, *, apart: bool = False) -> None:
    """Make them, the same ones for the same numbers. `apart`: each span is a trace of its own, with a message and a
    conversation of its own, which is the most that a span can cost."""
    with file.open("wb") as out, ProcessPoolExecutor() as pool:
        for body in pool.map(partial(_packed, spans, apart), range(requests), chunksize=32):
            out.write(LENGTH.pack(len(body)) + body)


def packed_requests(file: Path) -> Iterator[bytes]:
    """As they are sent."""
    with file.open("rb") as made:
        while length := made.read(LENGTH.size):
            yield made.read(LENGTH.unpack(length)[0])


def requests(file: Path) -> Iterator[bytes]:
    """As they are decoded."""
    return map(gzip.decompress, packed_requests(file))


def _packed(spans: int, apart: bool, seed: int) -> bytes:
    made = otlp.many(spans, seed) if apart else otlp.handled(spans, seed)
    return gzip.compress(made.SerializeToString(), compresslevel=5)
