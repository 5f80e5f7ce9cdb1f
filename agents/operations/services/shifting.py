"""Waiting messages are moved to another queue, or purged into custody: a portion after the other, by one worker at a
time, with the attempt written down before it is made.

What the broker did is noted after it did it. A worker that dies in between is followed by one that asks again: Redis
knows by its markers; on RabbitMQ a message that is gone after an attempt is unknown, for nobody can tell whether it
was moved or consumed.
"""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
from django.db import transaction
from django.db.models import F

from agents.operations.models import Item, Operation
from agents.operations.services import controlling, steps, who
from agents.operations.services.waiting import Queue, of
from agents.operations.values import PERMISSIONS, Action, ItemState, State
from core import clock, leases
from core.access.api import PermissionRefusedError, require
from core.brokers import waiting
from core.brokers.waiting import Moved, Waits, Wanted
from core.transitions import StaleStateError

PORTION: Final = 200
LEASE: Final = timedelta(seconds=60)
# Names deaths of messages that were taken off their queue, so that each is one death however often it is told.
DEATHS: Final = UUID("0f6a5c7e-8a55-5e0c-9d5a-1f6e0b6f5a21")
TAKEN_OFF: Final = "TakenOff"
AFTER: Final = {
    Moved.MOVED: ItemState.APPLIED,
    Moved.ALREADY: ItemState.APPLIED,
    Moved.GONE: ItemState.LEFT_OUT,
    Moved.UNKNOWN: ItemState.UNKNOWN,
}
WHY: Final = {
    ItemState.LEFT_OUT: "it waited there no longer",
    ItemState.UNKNOWN: "it is where it was, where it was to go, or both: the connection was lost in between",
}
HALTS: Final = {
    Moved.UNROUTABLE: "no queue takes the messages: {} is not there",
    Moved.REFUSED: "the broker refuses the messages: {} is full",
}


def apply(operation: Operation) -> bool:
    """The next portion; False when nothing can be done now. Raises BrokerError, StaleStateError."""
    lease = leases.take(f"operation:{operation.pk}", LEASE)
    if lease is None:
        return False
    try:
        return _portion(operation)
    finally:
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
    _attempt(operation, items)
    found = _shift(operation, queue, items)
    _record(operation, items, found, tried if queue.broker.kind == "rabbitmq" else set())
    return _goes_on(operation, found)


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


def _attempt(operation: Operation, items: Sequence[Item]) -> None:
    """From here on nobody may think that nothing was done."""
    with transaction.atomic():
        ids = [item.pk for item in items]
        Item.objects.filter(pk__in=ids, state=ItemState.WAITING).update(number=1, sent_at=clock.now())
        same = Operation.objects.filter(pk=operation.pk, state=State.RUNNING)
        if not same.update(active_at=clock.now()):
            raise StaleStateError(f"{operation} does not run.")


def _shift(operation: Operation, queue: Queue, items: Sequence[Item]) -> Sequence[Moved]:
    wanted = [Wanted(item.message, f"{operation.pk}:{item.ordinal}") for item in items]
    with waiting.shifter(queue.broker) as there:
        if operation.action == Action.MOVE:
            return there.move(queue.name, wanted, operation.plan.how.target_queue)
        return there.keep(queue.name, wanted, lambda message, mark: letter(operation, queue, message, mark))


def _record(operation: Operation, items: Sequence[Item], found: Sequence[Moved], tried: set[int]) -> None:
    by_state: dict[ItemState, list[int]] = defaultdict(list)
    for item, moved in zip(items, found, strict=True):
        state = AFTER.get(moved)
        if state is ItemState.LEFT_OUT and item.pk in tried:
            state = ItemState.UNKNOWN
        if state:
            by_state[state].append(item.pk)
    counts, now = Counter[str](), clock.now()
    with transaction.atomic():
        for state, ids in by_state.items():
            rows = Item.objects.filter(pk__in=ids, state=ItemState.WAITING)
            if rows.update(state=state, since=now, why=WHY.get(state, "")) != len(ids):
                raise StaleStateError("Another worker has these items.")
            counts[str(state)] += len(ids)
            counts["waiting"] -= len(ids)
        changes = {name: F(name) + number for name, number in counts.items()}
        Operation.objects.filter(pk=operation.pk).update(**changes, active_at=now)
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
        "death_id": str(uuid5(DEATHS, mark)),
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
