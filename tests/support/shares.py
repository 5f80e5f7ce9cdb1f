"""Which tests stay together on one of xdist's workers, and which of them begin first.

What is expensive to start (a house, a console, an `up`) is started once for a file; files that start the same thing
are one share. xdist's own mark for this changes a test's id after it was collected, which pytest does not allow any
more: the mark is taken, nothing is said, and every worker starts everything.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# The beginning of a file's path, and the name of its share. The first that fits counts; other files stand alone.
SHARES = (
    # These have a console of their own.
    ("tests/browser/test_topology.", "browser topology"),
    ("tests/browser/test_agents.", "browser agents"),
    ("tests/browser/test_messages.", "browser messages"),
    ("tests/browser/test_alerts.", "browser alerts"),
    ("tests/browser/test_letters_way.", "browser letters"),
    ("tests/browser/test_operations_cases.", "browser operations"),
    # One `up` at a time: how soon it is back is measured.
    ("tests/browser/test_way_for_real.", "up"),
    ("tests/browser/", "browser"),
    ("tests/acceptance/test_up_", "up"),
    ("tests/acceptance/test_intake_kills.", "up"),
)
# What takes longest begins first, so that nobody waits for one worker at the end.
FIRST = (
    "up",
    "browser",
    "tests/acceptance/",
    "sdk/tests/",
    "tests/contract/",
    "tests/integration/",
)
# Of these the first ones are wide: a house, a browser or a whole `up` for every file.
WIDE = 3


def share_of(test: str) -> str:
    """The share that a test belongs to, by its id."""
    file = test.partition("::")[0]
    return next((share for beginning, share in SHARES if file.startswith(beginning)), file)


def place_of(test: str) -> int:
    """Where in the queue a test's share stands."""
    share = share_of(test)
    return next((place for place, first in enumerate(FIRST) if share.startswith(first)), len(FIRST))


def is_wide(test: str) -> bool:
    """Whether a test's share begins with something that is expensive to start."""
    return place_of(test) < WIDE


class Shares(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out whole shares, in the order of the tests."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)
