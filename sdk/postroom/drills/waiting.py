"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable


class NeverCameError(Exception):
    """What the drill waited for did not come in time. Its logs say why."""


def until(holds: Callable[[], bool], what: str, seconds: float = 60.0, every: float = 0.05) -> float:
    """Returns how long it took. Raises NeverCameError with what was waited for."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise NeverCameError(f"Waited {seconds:g} s for {what}, and it did not come.")
        time.sleep(every)
    return time.monotonic() - began
