"""Waiting messages are moved to another queue, or purged into custody: a portion after the other, by one worker at a
time, with the attempt written down before it is made.

What the broker did is noted after it did it. A worker that dies in between is followed by one that asks again: Redis
knows by its markers, as long as it has kept its data since the attempt; on RabbitMQ, and on a Redis that lost its data,
a message that is gone after an attempt is unknown, for nobody can tell whether it was moved or consumed. What custody
holds is not gone: there the purge is known to have been done.
"""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

import msgspec
from django.db import transaction
from django.db.models import F, QuerySet

from agents.deadletters import selectors as custody
from agents.operations.models import Item, Operation
from agents.operations.services import controlling, steps, who
from agents.operations.services.waiting import Queue, of
from agents.operations.values import PERMISSIONS, Action, ItemState, State
from core import clock, crash, leases
from core.access.api import PermissionRefusedError, require
from core.brokers import waiting
from core.brokers.waiting import Moved, Shifter, Waits, Wanted
from core.crash import Point
from core.transitions import StaleStateError

PORTION: Final = 200
LEASE: Final = timedelta(seconds=60)
# Names deaths of messages that were taken off their queue, so that each is one death however often it is told.
DEATHS: Final = UUID("0f6a5c7e-8a55-5e0c-9d5a-1f6e0b6f5a21")
TAKEN_OFF: Final = "TakenOff"
WENT: Final = "it waited there no longer"
CUT_OFF: Final = "it is where it was, where it was to go, or both: the connection was lost in between"
UNNOTED: Final = "it waits there no longer: it was moved by a worker that died, or a consumer took it"
LOST: Final = "its broker lost its data: it was moved or consumed before that, or lost with the rest"
HALTS: Final = {
    Moved.UNROUTABLE: "no queue takes the messages: {} is not there",
    Moved.REFUSED: "the broker refuses the messages: {} is full",
}


class Fate(NamedTuple):
    """Where an item goes."""

    state: ItemState
    why: str = ""


class Answer(NamedTuple):
    """What the broker said of some items, in their order, and what that is worth."""

    found: Sequence[Moved]
    remembers: bool
    kept: bool


def fate(moved: Moved, *, tried: bool, remembers: bool, kept: bool, in_custody: bool) -> Fate | None:
    """None: it waits where it was. `tried`: nobody noted what an earlier attempt came to."""
    if in_custody or moved in {Moved.MOVED, Moved.ALREADY}:
        return Fate(ItemState.APPLIED)
    if moved is Moved.UNKNOWN:
        return Fate(ItemState.UNKNOWN, CUT_OFF)
    if moved is not Moved.GONE:
        return None
    if not kept:
        return Fate(ItemState.UNKNOWN, LOST)
    return Fate(ItemState.UNKNOWN, UNNOTED) if tried and not remembers else Fate(ItemState.LEFT_OUT, WENT)


def apply(operation: Operation) -> bool:
    """The next portion; False when nothing can be done now. Raises BrokerError, StaleStateError."""
    with _alone(operation) as alone:
        return alone and _portion(operation)


def look_after(operation: Operation) -> None:
    """What was under way when it was cancelled, and nobody noted: what the broker says now, without moving any more.
    Raises BrokerError, StaleStateError."""
    if not operation.plan.selection.queue:
        return
    with _alone(operation) as alone:
        items = list(_open_attempts(operation).order_by("ordinal")[:PORTION]) if alone else []
        if not items:
            return
        queue, life = of(operation.plan.selection), _life(operation)
        with waiting.shifter(queue.broker) as there:
            found = there.look(queue.name, _wanted(operation, items))
            answer = _answer(there, found, life)
        _record(operation, items, _fates(operation, items, answer, {item.pk for item in items}), set())


def _open_attempts(operation: Operation) -> QuerySet[Item]:
    """Of messages that wait: those of which nobody noted what an attempt came to."""
    return Item.objects.filter(plan=operation.plan_id, state=ItemState.WAITING, letter=None, number__gt=0)


@contextmanager
def _alone(operation: Operation) -> Iterator[bool]:
    """One worker at a time; False while it is another."""
    lease = leases.take(f"operation:{operation.pk}", LEASE)
    try:
        yield lease is not None
    finally:
        if lease is not None:
            leases.release(lease)


def _portion(operation: Operation) -> bool:
    items = list(
        Item.objects.filter(plan=operation.plan_id, state=ItemState.WAITING).order_by("ordinal")[:PORTION]
    )
    if not items:
        controlling.finish(operation)
        return False
    queue = of(operation.plan.selection)
    if not _allowed(operation, queue):
        return False
    tried = {item.pk for item in items if item.number}
    with waiting.shifter(queue.broker) as there:
        life = _life(operation) if tried else there.life()
        _attempt(operation, items, life)
        crash.here(Point.CLAIM)
        answer = _answer(there, _shift(operation, queue, there, items), life)
    crash.here(Point.RECORD)
    _record(operation, items, _fates(operation, items, answer, tried), set() if answer.remembers else tried)
    return _goes_on(operation, answer.found)


def _allowed(operation: Operation, queue: Queue) -> bool:
    """With the rights of now: who started it may have lost them."""
    subject = who.subject_of(operation)
    try:
        if subject is not None:
            require(subject, PERMISSIONS[Action(operation.action)], queue.place)
            return True
        said = f"{operation.by_name} is gone."
    except PermissionRefusedError as problem:
        said = str(problem)
    controlling.halt(operation, said)
    return False


def _life(operation: Operation) -> str:
    """Of the broker's data, before the first attempt that nobody noted the end of."""
    return Operation.objects.values_list("life", flat=True).get(pk=operation.pk)


def _attempt(operation: Operation, items: Sequence[Item], life: str) -> None:
    """From here on nobody may think that nothing was done."""
    with transaction.atomic():
        ids = [item.pk for item in items]
        Item.objects.filter(pk__in=ids, state=ItemState.WAITING).update(number=1, sent_at=clock.now())
        same = Operation.objects.filter(pk=operation.pk, state=State.RUNNING)
        if not same.update(active_at=clock.now(), life=life):
            raise StaleStateError(f"{operation} does not run.")


def _shift(operation: Operation, queue: Queue, there: Shifter, items: Sequence[Item]) -> Sequence[Moved]:
    wanted = _wanted(operation, items)
    if operation.action == Action.MOVE:
        return there.move(queue.name, wanted, operation.plan.how.target_queue)
    return there.keep(queue.name, wanted, lambda message, mark: letter(operation, queue, message, mark))


def _wanted(operation: Operation, items: Sequence[Item]) -> list[Wanted]:
    return [Wanted(item.message, _mark(operation, item)) for item in items]


def _mark(operation: Operation, item: Item) -> str:
    return f"{operation.pk}:{item.ordinal}"


def _answer(there: Shifter, found: Sequence[Moved], life: str) -> Answer:
    """Asked after the look: what is not found on a broker that lost its data by then says nothing."""
    return Answer(found, there.remembers, Moved.GONE not in found or there.kept(life))


def _fates(
    operation: Operation, items: Sequence[Item], answer: Answer, tried: Set[int]
) -> Sequence[Fate | None]:
    gone = [item for item, moved in zip(items, answer.found, strict=True) if moved is Moved.GONE]
    in_custody = _in_custody(operation, gone)
    return [
        fate(
            moved,
            tried=item.pk in tried,
            remembers=answer.remembers,
            kept=answer.kept,
            in_custody=item.pk in in_custody,
        )
        for item, moved in zip(items, answer.found, strict=True)
    ]


def _in_custody(operation: Operation, items: Sequence[Item]) -> set[int]:
    """Those that an earlier attempt purged, and whose letters were captured: custody proves it."""
    if operation.action != Action.PURGE or not items:
        return set()
    deaths = {_death(_mark(operation, item)): item.pk for item in items}
    return {deaths[id] for id in custody.known_deaths(deaths)}


def _record(
    operation: Operation, items: Sequence[Item], fates: Sequence[Fate | None], open_: Set[int]
) -> None:
    """Where each is now. What waits where it was has no attempt behind it any more, but for those whose earlier one is
    `open_` still."""
    by_fate: dict[Fate | None, list[int]] = defaultdict(list)
    for item, found in zip(items, fates, strict=True):
        by_fate[found].append(item.pk)
    back = set(by_fate.pop(None, ())) - open_
    counts, now = Counter[str](), clock.now()
    with transaction.atomic():
        for found, ids in by_fate.items():
            assert found
            rows = Item.objects.filter(pk__in=ids, state=ItemState.WAITING)
            if rows.update(state=found.state, since=now, why=found.why) != len(ids):
                raise StaleStateError("Another worker has these items.")
            counts[str(found.state)] += len(ids)
            counts["waiting"] -= len(ids)
        Item.objects.filter(pk__in=back, state=ItemState.WAITING).update(number=0, sent_at=None)
        changes = {name: F(name) + number for name, number in counts.items()}
        Operation.objects.filter(pk=operation.pk).update(**changes, active_at=now, life="")
        steps.hint(operation)


def _goes_on(operation: Operation, found: Sequence[Moved]) -> bool:
    for moved, said in HALTS.items():
        if moved in found:
            controlling.halt(operation, said.format(operation.plan.how.target_queue or waiting.LETTERS))
            return False
    return Moved.UNSENT not in found


def letter(operation: Operation, queue: Queue, message: Waits, mark: str) -> bytes:
    """As docs/concepts/wire.md has it: somebody gave up on the message for its agent."""
    said = f"taken off {queue.name} by {operation.by_name}: {operation.reason}"
    letter_id, _, number = str(message.headers.get("postroom-redrive-id") or "").partition(":")
    redrive = {"letter_id": letter_id, "number": int(number)} if number.isdigit() else None
    data: dict[str, Any] = {
        "format": 1,
        "death_id": str(_death(mark)),
        "died_at": operation.created_at.isoformat(),
        "message_id": message.message_id,
        "task": message.headers.get("task") or "",
        "environment": queue.place.environment,
        "sender": message.headers.get("postroom-sender") or "",
        "workflow": message.headers.get("postroom-workflow") or "",
        "queue": queue.name,
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "broker": queue.broker.name,
        "failure": {"class": "permanent", "reason": "rejected", "type": TAKEN_OFF, "message": said},
        "attempts": [],
        "redrive": redrive,
        "headers": message.headers,
        "properties": message.properties,
        "content_type": message.content_type,
        "content_encoding": message.content_encoding,
        "body": base64.b64encode(message.body).decode(),
        "body_size": len(message.body),
    }
    return msgspec.json.encode(data, enc_hook=str)


def _death(mark: str) -> UUID:
    return uuid5(DEATHS, mark)
