"""Evidence becomes outcomes: what the ledger was told, further deaths, queues that were left, and time that is over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from agents.deadletters.fingerprint import is_same_said
from agents.deadletters.models import Letter
from agents.deadletters.signals import DiedAgain
from agents.ledger import api as ledger
from agents.ledger.values import EPOCH
from agents.operations.models import Cursor, Item, Operation
from agents.operations.services import around, settling, telling
from agents.operations.services.settling import Outcome
from agents.operations.values import AWAITED, Grade, ItemState, State
from agents.queues import selectors as queues
from agents.queues.values import QueueKey
from core import clock
from core.brokers.api import find

LEDGER = "ledger"
AT_ONCE = 2_000
PORTION = 500
# A message that left its queue so long ago and neither died nor came back was handled, as far as its queue can tell.
LEFT_FOR = timedelta(seconds=30)
# By how much a clock elsewhere may be behind ours.
SKEW = timedelta(seconds=2)
GRADES = {ledger.Source.SPAN: Grade.SPAN}


class Candidate(NamedTuple):
    """An item whose outcome is awaited, with what its message is known by."""

    item: Item
    letter: Letter


def begin() -> Cursor:
    """Where the ledger is read from: what it was told before the first operation is of no interest."""
    found = Cursor.objects.filter(pk=LEDGER).first()
    return found or Cursor.objects.get_or_create(name=LEDGER, defaults={"position": ledger.newest()})[0]


def follow_ledger() -> int:
    """Read what the ledger was told since, and settle what it shows. Returns how many events were read; a crash in
    between reads them again, which changes nothing."""
    cursor = begin()
    heard = ledger.events_since(cursor.position, limit=AT_ONCE)
    if not heard.events:
        return 0
    settling.settle(_of_events([told.event for told in heard.events]))
    Cursor.objects.filter(pk=LEDGER, position=cursor.position).update(position=heard.cursor)
    return len(heard.events)


def _of_events(events: Sequence[ledger.Event]) -> list[Outcome]:
    """A death that leaves a letter is settled by it, which says more; of others there is only the event. What was
    concluded here is no evidence."""
    ends = [each for each in events if _is_success(each) or _is_bare_death(each)]
    if not ends:
        return []
    awaited = _awaited({each.message_id for each in ends})
    return [
        _outcome(event, each) for event in ends for each in awaited[event.message_id] if _is_of(event, each)
    ]


def _is_success(event: ledger.Event) -> bool:
    return event.kind is ledger.Kind.SUCCEEDED and not event.settles


def _is_bare_death(event: ledger.Event) -> bool:
    return event.kind is ledger.Kind.DEAD and event.source in {ledger.Source.CELERY, ledger.Source.SPAN}


def _outcome(event: ledger.Event, candidate: Candidate) -> Outcome:
    grade, letter = GRADES.get(event.source, Grade.EVENT), candidate.letter
    if event.kind is ledger.Kind.SUCCEEDED:
        return Outcome(letter.pk, candidate.item.number, ItemState.PROCESSED, grade)
    fault = event.error or ledger.Fault()
    said = fault.type, fault.message
    same = is_same_said((letter.failure_type, letter.failure_message), said)
    return _failed(letter.pk, candidate.item.number, grade, said, same=same)


def _is_of(event: ledger.Event, candidate: Candidate) -> bool:
    """Is it about this redrive? Who does not know of redrives says only when."""
    if event.environment and event.environment != candidate.letter.environment:
        return False
    if event.redrive:
        return event.redrive == candidate.item.number
    if event.source in {ledger.Source.LIBRARY, ledger.Source.POSTROOM}:
        return False
    sent = candidate.item.sent_at or candidate.item.since
    return sent is not None and event.at >= sent - SKEW


def _awaited(messages: Iterable[str]) -> dict[str, list[Candidate]]:
    found: dict[str, list[Candidate]] = defaultdict(list)
    letters = {row.pk: row for row in Letter.objects.filter(message_id__in=set(messages), redrives__gt=0)}
    items = Item.objects.filter(letter__in=letters, state__in=AWAITED) if letters else Item.objects.none()
    for item in items:
        if item.letter:
            letter = letters[item.letter]
            found[letter.message_id].append(Candidate(item, letter))
    return found


def died_again(deaths: Sequence[DiedAgain], **_: object) -> None:
    """Letters whose redriven message died: the items fail in the transaction that keeps the deaths, and the ledger is
    told whether or not anybody still waited for an outcome."""
    telling.note(telling.of_deaths(deaths))
    settling.settle([_of_death(each) for each in deaths])


def _of_death(death: DiedAgain) -> Outcome:
    """Custody says whether it is the same: it has the traceback, and knows what people made one group of."""
    said = death.why.type, death.why.message
    return _failed(death.letter_id, death.number, Grade.EVENT, said, same=death.same)


def _failed(letter: UUID, number: int, grade: Grade, said: tuple[str, str], *, same: bool) -> Outcome:
    to = ItemState.FAILED_SAME if same else ItemState.FAILED_NEW
    return Outcome(letter, number, to, grade, ": ".join(said))


def give_up() -> int:
    """What had no outcome within its time is unknown. Returns how many."""
    due = Item.objects.filter(state=ItemState.DISPATCHED, due__lt=clock.now()).order_by("due")[:PORTION]
    outcomes = [
        Outcome(item.letter, item.number, ItemState.UNKNOWN, why="no outcome was seen in time")
        for item in due
        if item.letter
    ]
    return settling.settle(outcomes)


def left_queues() -> int:
    """Where RabbitMQ says that nothing of a queue waits or is under way any more, what was sent there long enough ago
    was taken, and whoever took it told nobody: the weakest grade. Returns how many."""
    running = Operation.objects.filter(dispatched__gt=0).exclude(state=State.REJECTED).select_related("plan")
    return sum(_left(operation) for operation in running[:100])


def _left(operation: Operation) -> int:
    keys = around.keys(operation, list(operation.plan.parts.all()))
    empty = {key: at for key in keys if (at := _empty_since(key))}
    if not empty:
        return 0
    rows = Item.objects.filter(plan=operation.plan_id, state=ItemState.DISPATCHED).order_by("ordinal")[
        :PORTION
    ]
    letters = Letter.objects.in_bulk([item.letter for item in rows if item.letter])
    silent = _untold(letters.values())
    target = operation.plan.how.target_queue
    outcomes = []
    for item in rows:
        letter = letters.get(item.letter) if item.letter else None
        at = empty.get(QueueKey(letter.broker, target or letter.queue)) if letter else None
        if letter and at and letter.pk in silent and item.sent_at and item.sent_at + LEFT_FOR < at:
            outcomes.append(Outcome(letter.pk, item.number, ItemState.PROCESSED, Grade.LEFT_QUEUE))
    return settling.settle(outcomes)


def _empty_since(key: QueueKey) -> datetime | None:
    """The moment at which the queue was seen with nothing in it and nothing in anybody's hand."""
    broker, state = find(key.broker), queues.queue(key)
    if broker is None or broker.kind != "rabbitmq" or state is None or not state.is_fresh():
        return None
    return state.sampled_at if state.depth == 0 and state.unacknowledged == 0 else None


def _untold(letters: Iterable[Letter]) -> set[UUID]:
    """Those of whose message nobody but Postroom told anything since it was sent: who tells, tells the end too."""
    rows = list(letters)
    told = ledger.messages({ledger.Key(row.environment, row.message_id) for row in rows if row.message_id})
    return {row.pk for row in rows if _is_untold(row, told.get(ledger.Key(row.environment, row.message_id)))}


def _is_untold(row: Letter, message: ledger.Message | None) -> bool:
    if message is None or (message.state == ledger.Kind.SENT and message.redrive == row.redrives):
        return True
    return row.since > EPOCH + timedelta(microseconds=message.heard)
