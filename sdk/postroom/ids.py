"""UUIDv7: ids that sort by the time they were made, so that a database appends instead of scattering. And one that is
the same each time it is made."""

from __future__ import annotations

import os
import time
import uuid

_OF_DEATHS = uuid.UUID("7c9e1a54-3b0d-5e6f-8a21-4d5c6b7a8990")


_last = 0


def new() -> str:
    """A new id, as text; later than every one that this thread made before it.

    48 bits of milliseconds, 12 of a fraction of one, 62 of chance. No lock, which a fork could leave closed: two
    threads at the same moment may share a tick, and chance tells them apart.
    """
    global _last  # noqa: PLW0603 - order needs the last value
    ticks = _last = max((time.time_ns() << 12) // 1_000_000, _last + 1)
    chance = int.from_bytes(os.urandom(8), "big") >> 2
    return str(uuid.UUID(int=(ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62 | chance))


def of_death(queue: str, message_id: str, redrive: int) -> str:
    """The id of a message's death: the same when it dies a second time because its first death was not acknowledged."""
    return str(uuid.uuid5(_OF_DEATHS, f"{queue}\n{message_id}\n{redrive}"))
