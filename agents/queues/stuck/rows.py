"""A message's row as a look sees it: where it is, who has it, how old it is. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from agents.ledger.models import MessageRow
from agents.ledger.values import HELD_BY_AGENT, Fault, moment
from agents.queues.stuck.candidates import WAITING, Where

# How the library says that a sender is held up: docs/concepts/wire.md.
ROOM = "room in "

_decode = msgspec.json.Decoder(Fault).decode


def where_of(row: MessageRow) -> Where:
    return Where(row.environment, row.broker, row.queue)


def waits(row: MessageRow) -> bool:
    return row.state in WAITING and not row.waits_for


def in_hand(row: MessageRow) -> bool:
    return row.state in HELD_BY_AGENT or bool(room_of(row))


def room_of(row: MessageRow) -> str:
    """The queue that its handler, which sends, waits for room in; empty when it does not."""
    return row.waits_for.removeprefix(ROOM) if row.waits_for.startswith(ROOM) else ""


def age_s(stamp: int, now: datetime) -> float:
    found = moment(stamp)
    return (now - found).total_seconds() if found else 0.0


def error_of(row: MessageRow) -> str:
    found = _decode(row.error) if row.error else Fault()
    return ": ".join(part for part in (found.type, found.message) if part)[:200]
