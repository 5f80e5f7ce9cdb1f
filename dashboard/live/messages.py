"""The topic `messages`: those that were heard of last, as the page *Messages* shows them."""

from __future__ import annotations

from typing import Any

from agents.ledger import selectors
from agents.ledger.models import MessageRow
from agents.ledger.values import HELD_BY_AGENT, UNDER_WAY, Settled, moment
from core import clock
from core.access.api import Permission, Place
from dashboard.live.api import Row, State

# A page shows as many at most; what is older changes when it is heard of, and is among these then.
MOST = 300
# What stands beside a state that Postroom concluded.
SETTLED = {
    Settled.HAND: "settled by hand",
    Settled.LEFT_QUEUE: "nobody confirmed",
    Settled.UNKNOWN: "outcome unknown",
}


class Messages:
    """States become `lost` by the mere passing of time, so it is read without a hint as well."""

    name = "messages"
    permission = Permission.SEE

    def load(self) -> State:
        rows = list(MessageRow.objects.order_by("-heard", "-pk")[:MOST])
        states = selectors.shown_states(rows)
        return State(None, {str(row.pk): _row(row, state) for row, state in zip(rows, states, strict=True)})


def _row(row: MessageRow, state: str) -> Row:
    place = selectors.place_of(row)
    return Row(
        place, shown(row, state), also=(Place(row.environment, row.queue or None, row.sender or None),)
    )


def shown(row: MessageRow, state: str) -> dict[str, Any]:
    """What changes while a page is open."""
    return {
        "message_id": row.message_id,
        "environment": row.environment,
        "state": state,
        "settled": settled(row),
        "since": _time(row.since),
        "holder": holder(row),
        "attempt": tries(row),
        "heard": _time(row.heard),
    }


def holder(row: MessageRow) -> str:
    """Who has it now: an agent, also while it asks for input; the queue it waits in; or nobody any more."""
    if row.state in HELD_BY_AGENT or row.waits_for:
        return row.instance or row.agent or "—"
    return row.queue or "—" if row.state in UNDER_WAY else "—"


def settled(row: MessageRow) -> str:
    """How sure the state is, where nobody told it who was there."""
    return SETTLED.get(Settled(row.settled), "") if row.settled else ""


def tries(row: MessageRow) -> str:
    """`3`, or `1 after 2 redrives`."""
    again = f" after {row.redrive} redrive{'s' if row.redrive > 1 else ''}" if row.redrive else ""
    return f"{row.attempt or '—'}{again}"


def _time(stamp: int) -> str | None:
    found = moment(stamp)
    return clock.rfc3339(found) if found else None
