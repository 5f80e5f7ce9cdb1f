"""What the broker says of a message that was to leave its queue, and where its item goes for that."""

from __future__ import annotations

import pytest

from agents.operations.services.shifting import CUT_OFF, LOST, UNNOTED, WENT, Fate, fate
from agents.operations.values import ItemState
from core.brokers.waiting import Moved

APPLIED, OUT = Fate(ItemState.APPLIED), Fate(ItemState.LEFT_OUT, WENT)


@pytest.mark.parametrize(
    ("moved", "tried", "remembers", "kept", "in_custody", "found"),
    [
        (Moved.MOVED, False, True, True, False, APPLIED),
        (Moved.ALREADY, True, True, True, False, APPLIED),
        (Moved.UNKNOWN, False, False, True, False, Fate(ItemState.UNKNOWN, CUT_OFF)),
        (Moved.GONE, False, True, True, False, OUT),
        (Moved.GONE, True, True, True, False, OUT),
        (Moved.GONE, False, True, False, False, Fate(ItemState.UNKNOWN, LOST)),
        (Moved.GONE, True, True, False, False, Fate(ItemState.UNKNOWN, LOST)),
        (Moved.GONE, True, True, False, True, APPLIED),
        (Moved.GONE, False, False, True, False, OUT),
        (Moved.GONE, True, False, True, False, Fate(ItemState.UNKNOWN, UNNOTED)),
        (Moved.GONE, True, False, True, True, APPLIED),
        (Moved.UNSENT, True, False, True, False, None),
        (Moved.REFUSED, True, True, False, False, None),
        (Moved.UNROUTABLE, False, False, True, False, None),
    ],
)
def test_an_answer__its_fate(
    moved: Moved, tried: bool, remembers: bool, kept: bool, in_custody: bool, found: Fate | None
) -> None:
    assert fate(moved, tried=tried, remembers=remembers, kept=kept, in_custody=in_custody) == found
