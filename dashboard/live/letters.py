"""How many letters are held, for the rail."""

from __future__ import annotations

from collections.abc import Iterable

from agents.deadletters import selectors
from dashboard.live.counts import Waiting


def held() -> Iterable[Waiting]:
    """Place by place, so that each sees their own."""
    return [Waiting(place, number) for place, number in selectors.held_by_place()]
