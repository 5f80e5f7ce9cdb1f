"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# What is promised for a machine that has nothing else to do; beside other tests it has.
BUSY = 3 if "PYTEST_XDIST_WORKER" in os.environ else 1


def until(condition: Callable[[], T], what: str, seconds: float = 20.0) -> T:
    """Ask again and again until the answer is true; AssertionError, naming what was waited for, when it never is."""
    seconds *= BUSY
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for: {what}"
        time.sleep(0.02)
    return answer
