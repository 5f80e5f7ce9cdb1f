"""Named points at which a test may have this process killed. Without the environment variable they cost a comparison.

TEST_CRASH_AT=publish:3      die at the third time that this process comes to `publish`
TEST_CRASH_AT=publish:3:stop stop there instead, once, so that the test may kill what this process talks to
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


def _read(text: str) -> tuple[str, int, signal.Signals]:
    point, times, how = (*text.split(":"), "", "")[:3]
    return point, int(times or 1), signal.SIGSTOP if how == "stop" else signal.SIGKILL


_wanted, _left, _signal = _read(os.environ.get(VARIABLE, ""))


def here(point: Point) -> None:
    """Die or stop here, when a test wants it so."""
    global _left, _wanted  # noqa: PLW0603 - a process dies once
    if point != _wanted:
        return
    _left -= 1
    if _left <= 0:
        _wanted = ""
        os.kill(os.getpid(), _signal)
