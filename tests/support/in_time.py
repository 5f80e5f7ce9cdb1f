"""A run that was given so many minutes: what has not begun by then is left for another run, and said by name.

Houses, browsers and whole `up`s are wide: one of them takes as long as a thousand of the others. They have the first
part of the time; then come the unit tests, all of them, and then what talks to one server. The order within each is
another one for another state of the code, so that a slow machine sees others of them each time. Without a number of
minutes nothing is left.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from hashlib import sha256

import pytest

from tests.support import shares

UNTIL, WIDE_UNTIL, SEED = "TESTS_UNTIL", "TESTS_WIDE_UNTIL", "TESTS_SEED"
FOR_THE_WIDE = 0.55
LEFT = "left for another run: the time that this one was given is over"


def given(minutes: float, seed: str) -> dict[str, str]:
    """What pytest's processes have to know, from now on."""
    now, seconds = time.time(), minutes * 60
    return {UNTIL: str(now + seconds), WIDE_UNTIL: str(now + seconds * FOR_THE_WIDE), SEED: seed}


def place_of(test: str, environ: Mapping[str, str] = os.environ) -> tuple[int, str]:
    """Where in the queue a test's share stands."""
    if UNTIL not in environ:
        return shares.place_of(test), ""
    share = shares.share_of(test)
    turn = 0 if shares.is_wide(test) else 1 if share.startswith("tests/unit/") else 2
    return turn, sha256(f"{environ.get(SEED, '')} {share}".encode()).hexdigest()


def too_late(test: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the time of tests such as this one is over."""
    until = environ.get(WIDE_UNTIL if shares.is_wide(test) else UNTIL)
    return until is not None and time.time() > float(until)


def leave_what_is_late(test: str) -> None:
    """Skips it, under the name of its share."""
    if too_late(test):
        pytest.skip(f"{shares.share_of(test)}: {LEFT}")
