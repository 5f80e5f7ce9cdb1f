"""The process that ends what `up` leaves behind when it is killed with -9.

`up` holds the other end of its standard input and writes what there is: `+ GROUP SIGNAL` for a process group that
lives, `- GROUP` for one that ended, `folder PATH` for the folder of sockets. The end of the input is the end of
`up`, whatever it died of. Only the standard library: it has to start fast and stay small.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

# All of it has to be over in 5 seconds.
GRACE_SECONDS, KILL_SECONDS = 3.0, 1.0


def main() -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # What ends a whole terminal must not end the one that cleans up after it.
        signal.signal(each, signal.SIG_IGN)
    groups, folder = listen(sys.stdin)
    end(groups)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def listen(lines: Iterable[str]) -> tuple[dict[int, int], Path | None]:
    """The groups that live (with the signal that ends each) when the input ends, and the folder to remove."""
    groups: dict[int, int] = {}
    folder: Path | None = None
    for line in lines:
        match line.rstrip("\n").split(" ", 2):
            case ["+", group, number]:
                groups[int(group)] = int(number)
            case ["-", group]:
                groups.pop(int(group), None)
            case ["folder", *path]:
                folder = Path(" ".join(path))
    return groups, folder


def end(groups: dict[int, int]) -> None:
    """Send each group its signal, wait a little, then leave none alive."""
    for group, number in groups.items():
        _send(group, number)
    _until(lambda: not any(_lives(group) for group in groups), GRACE_SECONDS)
    for group in groups:
        _send(group, signal.SIGKILL)
    _until(lambda: not any(_lives(group) for group in groups), KILL_SECONDS)


def _send(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _until(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)


if __name__ == "__main__":
    main()
