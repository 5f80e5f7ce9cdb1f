"""UUIDv7: ids that sort by the time they were made, so that a database appends instead of scattering."""

from __future__ import annotations

import os
import time
import uuid


def new() -> str:
    """A new id, as text."""
    millis = time.time_ns() // 1_000_000
    raw = bytearray(millis.to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return str(uuid.UUID(bytes=bytes(raw)))
