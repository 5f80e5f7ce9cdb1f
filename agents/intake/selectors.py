"""What other rooms may know of intake."""

from __future__ import annotations

import json

from agents.intake.trouble import BELIEVED_SECONDS, TABLE, Trouble
from core import clock, live_redis

__all__ = ["Trouble", "troubles"]


def troubles() -> list[Trouble]:
    """The intake processes that cannot commit, the longest first. Raises live_redis.Unreachable."""
    rows = live_redis.table(live_redis.client(), TABLE).values()
    found = [Trouble(**json.loads(row)) for row in rows]
    fresh = [each for each in found if clock.unix() - each.at <= BELIEVED_SECONDS]
    return sorted(fresh, key=lambda each: each.since)
