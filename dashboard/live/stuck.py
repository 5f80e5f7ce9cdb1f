"""The topic `stuck`: causes as they are now; and how many stand for themselves, for the rail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agents.queues.stuck import selectors
from agents.queues.stuck.selectors import Cause
from core import clock
from core.access.api import Permission
from dashboard.live.api import Row, State
from dashboard.live.counts import Waiting


class Stuck:
    """Verdicts become unknown by the mere passing of time, so it is read without a hint as well."""

    name = "stuck"
    permission = Permission.SEE

    def load(self) -> State:
        return State(
            None, {str(each.row.pk): Row(each.place, shown(each)) for each in selectors.all_causes()}
        )


def shown(cause: Cause) -> dict[str, Any]:
    """What changes while a page is open."""
    row = cause.row
    return {
        "environment": row.environment,
        "verdict": str(cause.verdict),
        "sentence": cause.sentence,
        "messages": f"{row.messages:,}",
        "frees": f"{row.frees:,}",
        "oldest_at": clock.rfc3339(row.oldest_at),
        "seen_at": clock.rfc3339(row.seen_at),
    }


def waiting() -> Iterable[Waiting]:
    """Place by place, so that each sees their own."""
    return [Waiting(place, number) for place, number in selectors.by_place()]
