"""What became of a portion: letters, items and figures move in one transaction, if the claim is still the worker's."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from agents.deadletters.models import Letter
from agents.deadletters.values import State as LetterState
from agents.ledger import api as ledger
from agents.operations.models import Item, Operation
from agents.operations.services import settling, steps, telling
from agents.operations.services.claiming import Portion, Taken
from agents.operations.values import ItemState
from core import clock
from core.among import Listed, among, still_is
from core.brokers.api import Sent
from core.transitions import StaleStateError

# `None`: nothing was sent, for sure.
Fate = Sent | None
UNKNOWN_WHY = "the broker cannot say whether it has the message"
SENT = (Sent.CONFIRMED, Sent.ALREADY)


def attempt(portion: Portion, lives: Mapping[str, str]) -> None:
    """Before the first is sent: from here on, nobody may think that nothing was. Raises StaleStateError."""
    if not portion.held or not portion.mine.update(attempted=True, lives=dict(lives)):
        raise StaleStateError("The claim is another's by now.")


def record(portion: Portion, fates: Mapping[int, Fate]) -> None:
    """Note what became of each item (by its id), and give the claim back; what is in doubt stays claimed, for whoever
    can ask the broker. Raises StaleStateError when the claim is another's by now: then the other one notes it."""
    with transaction.atomic():
        still = _still_claimed(portion)
        sent, lost, back = _sorted(portion, fates)
        now = clock.now()
        _dispatched(portion, sent, still, now)
        _unknown(portion, lost, still, now)
        _released(portion, back, still, now)
        _give_back(portion, now)
        counts = {
            "claimed": -len(sent) - len(lost) - len(back),
            "dispatched": len(sent),
            "unknown": len(lost),
            "waiting": len(back),
        }
        events = _events(portion, sent, lost, fates)
        untold = telling.note(events, telling.GRACE)
        # Last: every other worker of the operation waits for its row.
        _count(portion.operation, counts, now)
    telling.tell(untold)


def _still_claimed(portion: Portion) -> Set[str]:
    """Keys of the letters, locked before their items, as by whoever settles: nobody waits in a circle, and while they
    are locked no item of theirs moves. Mostly that is all of them, and then none is read."""
    keys = Listed(each.key for each in portion.taken)
    if settling.lock_and_count(keys, LetterState.CLAIMED) == len(keys):
        return set(keys)
    rows = Letter.objects.filter(among("pk", keys), still_is("state", LetterState.CLAIMED))
    return set(map(str, rows.values_list("pk", flat=True)))


def _give_back(portion: Portion, now: datetime) -> None:
    given = portion.mine.update(until=now) if portion.doubted else portion.mine.delete()[0]
    if not given:
        raise StaleStateError("The claim is another's by now.")


def _sorted(portion: Portion, fates: Mapping[int, Fate]) -> tuple[list[Taken], list[Taken], list[Taken]]:
    """Those that are still claimed: an outcome may have come first, and then it is noted already."""
    rows = _claimed(portion, Listed(each.item for each in portion.taken))
    if rows.count() != len(portion.taken):
        still = set(rows.values_list("pk", flat=True))
        portion.taken = [each for each in portion.taken if each.item in still]
    sent: list[Taken] = []
    lost: list[Taken] = []
    back: list[Taken] = []
    for each in portion.taken:
        if each.item not in portion.doubted:
            fate = fates.get(each.item)
            (sent if fate in SENT else lost if fate is Sent.UNKNOWN else back).append(each)
    return sent, lost, back


def _claimed(portion: Portion, items: Iterable[int]) -> QuerySet[Item]:
    """Those of these items that the claim still holds."""
    return Item.objects.filter(
        among("pk", items), still_is("state", ItemState.CLAIMED), claim=portion.claim.pk
    )


def _dispatched(portion: Portion, sent: Sequence[Taken], still: Set[str], now: datetime) -> None:
    options = portion.operation.plan.how
    due = now + timedelta(seconds=options.delay + options.jitter + options.outcome_within)
    _items(portion, sent, state=ItemState.DISPATCHED, since=now, sent_at=now, due=due)
    _letters(sent, still, LetterState.DISPATCHED, portion.operation, now)


def _unknown(portion: Portion, lost: Sequence[Taken], still: Set[str], now: datetime) -> None:
    _items(portion, lost, state=ItemState.UNKNOWN, since=now, why=UNKNOWN_WHY)
    _letters(lost, still, LetterState.UNKNOWN, portion.operation, now)


def _released(portion: Portion, back: Sequence[Taken], still: Set[str], now: datetime) -> None:
    """Nothing was sent, so the redrive's number was not used: the next claim takes the same."""
    _items(portion, back, state=ItemState.WAITING, since=now, number=0, step=0)
    moved = _letters(back, still, LetterState.HELD, portion.operation, now)
    if moved:
        rows = Letter.objects.filter(among("pk", moved), still_is("state", LetterState.HELD))
        rows.update(redrives=F("redrives") - 1)


def _items(portion: Portion, taken: Sequence[Taken], **changes: Any) -> None:
    """Raises StaleStateError unless every one of them moved."""
    if taken and _claimed(portion, (each.item for each in taken)).update(claim=None, **changes) != len(taken):
        raise StaleStateError("Items are no longer claimed.")


def _letters(
    taken: Sequence[Taken], still: Set[str], after: LetterState, operation: Operation, now: datetime
) -> Listed[str]:
    """Those that are still claimed; one that died again in the meantime is held already, and stays so."""
    moved = Listed(each.key for each in taken if each.key in still)
    if moved:
        settling.move_letters(moved, LetterState.CLAIMED, after, operation.by_name, str(operation), now)
    return moved


def _count(operation: Operation, counts: Mapping[str, int], now: datetime) -> None:
    changes = {name: F(name) + number for name, number in counts.items() if number}
    Operation.objects.filter(pk=operation.pk).update(**changes, active_at=now)
    steps.hint(operation)


def _events(
    portion: Portion, sent: Sequence[Taken], lost: Sequence[Taken], fates: Mapping[int, Fate]
) -> list[ledger.Event]:
    """The messages' own lives: sent again, or nobody knows. What was sent by whoever died since, or may have been, was
    so from when it was claimed at the earliest: what its consumer tells from then on is about this redrive."""
    target, now = portion.operation.plan.how.target_queue, clock.now()
    gone = {each.item for each in lost}

    def event(each: Taken) -> ledger.Event:
        at = now if fates.get(each.item) is Sent.CONFIRMED else portion.since
        return _event(each, target, at, ledger.Settled.UNKNOWN if each.item in gone else "")

    return [event(each) for each in (*sent, *lost) if each.letter.message_id]


def _event(taken: Taken, target: str, at: datetime, settled: str) -> ledger.Event:
    letter = taken.letter
    return ledger.Event(
        id=f"redrive-{taken.key}-{taken.number}",
        kind=ledger.Kind.SENT,
        at=at,
        source=ledger.Source.POSTROOM,
        message_id=letter.message_id,
        environment=letter.environment,
        broker=letter.broker,
        queue=target or letter.queue,
        agent=letter.agent,
        sender=letter.sender,
        task=letter.task,
        workflow=letter.workflow,
        trace_id=letter.trace_id,
        conversation_id=letter.conversation_id,
        redrive=taken.number,
        settled=settled,
        why=UNKNOWN_WHY if settled else "",
    )


def jittered(delay: float, jitter: float) -> float:
    """So many messages that died together need not come back together."""
    return delay + random.uniform(0, jitter) if jitter else delay  # noqa: S311 - nothing is secret about it
