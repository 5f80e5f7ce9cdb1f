"""Named points at which a test may have a process killed. Without the environment variable they cost a comparison.

TEST_CRASH_AT=publish:3      die at the third time that this process comes to `publish`
TEST_CRASH_AT=publish:3:stop stop there instead, once, so that the test may kill what this process talks to
TEST_CRASH_AT=/a/folder      as the file `at` in that folder says, whenever there is one. Its line may end with a word
                             of the command line of who is meant, as in publish:3:stop:worker. Whoever obeys takes
                             the file away, so it is one process, and leaves `taken` with its number and the line
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

VARIABLE = "TEST_CRASH_AT"
AT, TAKEN = "at", "taken"


class Point(StrEnum):
    """Where something can be cut in two."""

    CAPTURE = (
        "capture"  # letters are read and not committed; or committed, and whoever sent them was not told
    )
    SEAL = "seal"  # members are committed, and the plan is not closed
    CLAIM = "claim"  # the claim is committed, or the attempt on messages that wait; nothing was sent
    PUBLISH = "publish"  # the attempt is committed and some of it was sent
    RECORD = "record"  # all is sent, and nobody noted it; or the broker was asked for it, and nobody noted the answer
    SETTLE = "settle"  # outcomes are read and not written; or written, and nothing followed for the operation
    PURGE = "purge"  # a portion is purged, and the operation not looked at again
    RESTORE = "restore"  # a portion is restored, and the operation not looked at again
    MOVE = "move"  # a portion of letters has gone to another group: before that is committed, or after it


class Order(NamedTuple):
    """What a test wants."""

    point: str
    times: int
    signal: signal.Signals
    who: str


def _read(line: str) -> Order:
    point, times, how, who = (*line.strip().split(":"), "", "", "")[:4]
    return Order(point, int(times or 1), signal.SIGSTOP if how == "stop" else signal.SIGKILL, who)


_given = os.environ.get(VARIABLE, "")
_folder = Path(_given) if _given.startswith("/") else None
_order = _read("" if _folder else _given)
# How often this process came to a point, for each line that it found in the file.
_times: dict[str, int] = {}


def here(point: Point) -> None:
    """Die or stop here, when a test wants it so."""
    global _order  # noqa: PLW0603 - a process dies once
    if _folder is not None:
        _look(_folder, point)
        return
    if point != _order.point:
        return
    _order = _order._replace(times=_order.times - 1)
    if _order.times <= 0:
        wanted, _order = _order, _read("")
        os.kill(os.getpid(), wanted.signal)


def _look(folder: Path, point: Point) -> None:
    with suppress(FileNotFoundError):
        line = (folder / AT).read_text(encoding="utf-8")
        order = _read(line)
        if point != order.point or (order.who and order.who not in sys.argv):
            return
        _times[line] = _times.get(line, 0) + 1
        if _times[line] >= order.times and _take(folder, line):
            os.kill(os.getpid(), order.signal)


def _take(folder: Path, line: str) -> bool:
    """Whoever takes the file away is the one; raises FileNotFoundError when another was first."""
    mine = folder / f"{AT}.{os.getpid()}"
    (folder / AT).rename(mine)
    if mine.read_text(encoding="utf-8") != line:
        # Another order stands there by now: it is somebody's, perhaps ours, the next time.
        mine.rename(folder / AT)
        return False
    mine.write_text(f"{os.getpid()} {line}", encoding="utf-8")
    mine.rename(folder / TAKEN)
    return True
