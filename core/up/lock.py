"""One `up` per data directory: a lock that the kernel takes back when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from core.up.failures import StartRefusedError

# A killed `up` leaves a guardian that still ends its children and holds the lock meanwhile.
CLEARING_SECONDS = 10.0


def take(path: Path, wait: float = CLEARING_SECONDS) -> int:
    """The locked file's handle. It stays locked until the last process that holds the handle ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + wait
    while not _locked(handle):
        if _holder_lives(handle) or time.monotonic() > until:
            os.close(handle)
            raise StartRefusedError(
                f"Postroom runs already on {path.parent.parent}. Stop that one first, or give this one its own "
                "data directory: POSTROOM_DATA_DIR=…"
            )
        time.sleep(0.1)
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder_lives(handle: int) -> bool:
    """Whether the `up` that wrote its number lives; without it, only its guardian is still at work."""
    number = os.pread(handle, 20, 0).strip()
    if not number.isdigit():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
