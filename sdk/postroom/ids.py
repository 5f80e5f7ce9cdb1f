"""UUIDv7: ids that sort by the time they were made, so that a database appends instead of scattering. And one that is
the same each time it is made."""

from __future__ import annotations

import os
import time
import uuid

_OF_DEATHS = uuid.UUID("7c9e1a54-3b0d-5e6f-8a21-4d5c6b7a8990")


def new() -> str:
    """A new id, as text."""
    millis = time.time_ns() // 1_000_000
    raw = bytearray(millis.to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return str(uuid.UUID(bytes=bytes(raw)))


def of_death(queue: str, message_id: str, redrive: int) -> str:
    """The id of a message's death: the same when it dies a second time because its first death was not acknowledged."""
    return str(uuid.uuid5(_OF_DEATHS, f"{queue}\n{message_id}\n{redrive}"))
