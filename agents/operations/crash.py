"""Named points at which a test may have this process killed. Without the environment variable they cost a comparison.

TEST_CRASH_AT=publish:3      die at the third time that this process comes to `publish`
"""

from __future__ import annotations

import os
import signal
from enum import StrEnum

VARIABLE = "TEST_CRASH_AT"


class Point(StrEnum):
    """Where an operation can be cut in two."""

    SEAL = "seal"  # a portion of members is committed, and not the last
    CLAIM = "claim"  # the claim is committed, nothing was sent
    PUBLISH = "publish"  # the attempt is committed and some of it was sent
    RECORD = "record"  # all is sent, and nobody noted it
    SETTLE = "settle"  # outcomes are read, and not yet written
    PURGE = "purge"  # a portion is purged, and not the last
    RESTORE = "restore"  # a portion is restored, and not the last


def _read(text: str) -> tuple[str, int]:
    point, _, times = text.partition(":")
    return point, int(times or 1)


_wanted, _left = _read(os.environ.get(VARIABLE, ""))


def here(point: Point) -> None:
    """Die here, when a test wants it so."""
    global _left  # noqa: PLW0603 - a process dies once
    if point != _wanted:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
