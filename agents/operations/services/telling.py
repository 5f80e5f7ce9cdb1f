"""What the ledger is to be told: written down with the change that it tells of, and handed over after the commit.

The ledger may lie in another database, so nothing commits both. Events keep their ids, so telling twice changes
nothing, and what was not handed over when a process died is handed over by the watcher.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog

from agents.deadletters.models import Letter
from agents.deadletters.signals import DiedAgain
from agents.ledger import api as ledger
from agents.ledger.api import Event, Fault, Kind, Settled
from agents.operations.models import Untold
from agents.operations.values import Grade, ItemState
from core import clock
from core.among import among

log = structlog.get_logger(__name__)
# Whoever wrote it down and tells it at once has so long for it.
GRACE = timedelta(seconds=10)
AT_ONCE = 50
LONGEST = 300
# By these grades nobody told the ledger anything; by the others it knows already.
CONCLUDED = {Grade.LEFT_QUEUE: Settled.LEFT_QUEUE, Grade.HAND: Settled.HAND, None: Settled.UNKNOWN}
KINDS = {
    ItemState.PROCESSED: Kind.SUCCEEDED,
    ItemState.FAILED_SAME: Kind.DEAD,
    ItemState.FAILED_NEW: Kind.DEAD,
    ItemState.UNKNOWN: Kind.SENT,
}
NEEDED = ("id", "message_id", "environment")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Event]).decode


class Noted(NamedTuple):
    """Events, and the row that holds them until they are told."""

    row: int
    events: Sequence[Event]


def note(events: Sequence[Event], grace: timedelta = timedelta()) -> Noted | None:
    """Part of the caller's transaction. With some grace the caller tells it itself, after the commit."""
    if not events:
        return None
    row = Untold.objects.create(events=_encode(events).decode(), due=clock.now() + grace)
    return Noted(row.pk, events)


def tell(noted: Noted | None) -> None:
    """Hand it over now, if the ledger is there; else the watcher does, later."""
    try:
        if noted:
            _hand_over(noted)
    except Exception as problem:
        log.warning("the ledger is told later", problem=str(problem).partition("\n")[0])


def tell_rest() -> int:
    """What waits for the ledger, the oldest first. Returns how many rows; what they hold is safe to tell again."""
    rows = list(Untold.objects.filter(due__lte=clock.now()).order_by("due")[:AT_ONCE])
    for row in rows:
        _hand_over(Noted(row.pk, _decode(row.events)))
    return len(rows)


def _hand_over(noted: Noted) -> None:
    ledger.tell(noted.events)
    Untold.objects.filter(pk=noted.row).delete()


def settled(letter: Letter, number: int, to: ItemState, how: Settled, by: str, why: str) -> Event:
    """What became of a message at one redrive, as far as Postroom can tell."""
    return _event(letter, number, KINDS[to], how, by=by[:LONGEST], why=why[:LONGEST])


def of_deaths(deaths: Iterable[DiedAgain]) -> list[Event]:
    """Messages that died again: not every consumer tells so, and custody has their letters."""
    some = list(deaths)
    letters = letters_of({each.letter_id for each in some})
    return [
        _event(letters[each.letter_id], each.number, Kind.DEAD, Settled.EVENT, error=_fault(each))
        for each in some
        if each.letter_id in letters
    ]


def letters_of(ids: Iterable[UUID]) -> dict[UUID, Letter]:
    """Those whose message has an id, which is all that the ledger knows it by."""
    rows = Letter.objects.filter(among("pk", set(ids))).exclude(message_id="").only(*NEEDED)
    return {row.pk: row for row in rows}


def _event(
    letter: Letter,
    number: int,
    kind: Kind,
    how: Settled,
    *,
    by: str = "",
    why: str = "",
    error: Fault | None = None,
) -> Event:
    return Event(
        id=f"settled-{letter.pk}-{number}-{how}",
        kind=kind,
        at=clock.now(),
        message_id=letter.message_id,
        environment=letter.environment,
        redrive=number,
        settled=how,
        by=by,
        why=why,
        error=error,
    )


def _fault(death: DiedAgain) -> Fault:
    why = death.why
    return Fault(class_=why.cls, reason=why.reason, type=why.type[:LONGEST], message=why.message)
