"""The front door of the ledger, for the rooms above it.

What they tell is durable when `tell` returns, and telling it again changes nothing as long as the event keeps its id.
What they read is as of the last commit. A message that nobody told of is not there: an empty answer, never a guess.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from agents.ledger import table
from agents.ledger.models import EventRow
from agents.ledger.services import keeping
from agents.ledger.values import Event, Fault, Key, Kind, Message, Settled, Source, Told, now, told

__all__ = [
    "Event",
    "Fault",
    "Key",
    "Kind",
    "Message",
    "Settled",
    "Source",
    "Told",
    "events_since",
    "messages",
    "newest",
    "of_conversation",
    "of_trace",
    "tell",
]


class Heard(NamedTuple):
    """Events in the order of commit, and the cursor behind them."""

    events: list[Told]
    cursor: int


def tell(events: Sequence[Event]) -> None:
    """Postroom itself says what it did to messages: redriven (`sent` with its redrive number), purged; and what it
    concluded of them (`settled`), which counts until somebody who was there tells how it ended. Each names its
    environment. Committed when it returns; a message that nobody knew is there afterwards."""
    arrived = now()
    keeping.keep([told(_ours(each), arrived) for each in events])


def _ours(event: Event) -> Event:
    if event.source is Source.POSTROOM:
        return event
    return msgspec.structs.replace(event, source=Source.POSTROOM)


def messages(keys: Collection[Key]) -> dict[Key, Message]:
    """Those of these messages that are known."""
    return {key: message for key, (_, message) in table.find(keys).items()}


def of_trace(trace_id: str, environment: str = "") -> list[Message]:
    return _of("trace_id", trace_id, environment)


def of_conversation(conversation_id: str, environment: str = "") -> list[Message]:
    return _of("conversation_id", conversation_id, environment)


def newest() -> int:
    """The cursor behind everything that is committed now."""
    return EventRow.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def events_since(cursor: int, *, limit: int = 2_000) -> Heard:
    """What was committed after the cursor (0: everything), in the order of commit: none is skipped, and none comes
    twice to who keeps to the cursor. This is how an outcome is waited for."""
    rows = EventRow.objects.filter(pk__gt=cursor).order_by("pk").values_list("pk", "arrived", "body")[:limit]
    found = list(rows)
    return Heard(
        [table.event(body, arrived) for _, arrived, body in found], found[-1][0] if found else cursor
    )


def _of(column: str, value: str, environment: str) -> list[Message]:
    found = table.of(column, value) if value else []
    return [each for each in found if not environment or each.environment == environment]
