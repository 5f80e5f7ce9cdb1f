"""UUIDv7: ids that sort by the time they were made."""

from __future__ import annotations

import secrets
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def new() -> uuid.UUID:
    """A UUIDv7, later than every one this process made before it.

    48 bits of milliseconds, then 12 of a fraction of the millisecond, then 62 of chance. The clock standing
    still or going back does not break the order: the last value goes on by one.
    """
    global _last  # noqa: PLW0603 - order within the process needs the last value
    ticks = (time.time_ns() << 12) // 1_000_000
    with _lock:
        _last = ticks = max(ticks, _last + 1)
    millis, fraction = ticks >> 12, ticks & 0xFFF
    value = (millis << 80) | (0x7 << 76) | (fraction << 64) | (0b10 << 62) | secrets.randbits(62)
    return uuid.UUID(int=value)
