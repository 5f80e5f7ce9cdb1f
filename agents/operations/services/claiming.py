"""A worker takes the next members in hand: letters, items and figures in one transaction, under a lease."""

from __future__ import annotations

import os
import secrets
import socket
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, QuerySet

from agents.deadletters.models import Letter
from agents.deadletters.values import State as LetterState
from agents.operations.models import Claim, Item, Operation
from agents.operations.outgoing import Outgoing
from agents.operations.services import steps, who
from agents.operations.services.lines import add_lines
from agents.operations.values import FLAGS, PERMISSIONS, TAKEN_FROM, Action, ItemState, State
from core import clock
from core.access.api import Decision, may
from core.among import Listed, among, still_is
from core.transitions import StaleStateError

# How long a worker may be silent before its items are somebody else's.
LEASE = timedelta(seconds=30)
# What a portion's bodies may weigh: all of them are in memory at once.
HEAVIEST = 8 * 1024 * 1024


class NotAllowedError(Exception):
    """Whoever started the operation may no longer do this there."""


class Taken(NamedTuple):
    """One member in hand."""

    item: int
    letter: Outgoing
    number: int
    # The letter's id in words, as its message bears it.
    key: str


@dataclass(slots=True)
class Portion:
    """What a worker holds, and since when somebody does. `until` is by the worker's own monotonic clock: after it,
    nothing may be sent."""

    operation: Operation
    claim: Claim
    taken: list[Taken]
    since: datetime
    until: float
    # Items that the broker may have or not, and that it can be asked about when it is back.
    doubted: set[int] = field(default_factory=set)

    @property
    def held(self) -> bool:
        return clock.monotonic() < self.until

    @property
    def mine(self) -> QuerySet[Claim]:
        """The claim, as long as it is ours."""
        return Claim.objects.filter(pk=self.claim.pk, token=self.claim.token)


class Waiting(NamedTuple):
    """An item that is next."""

    pk: int
    letter: UUID | None
    flags: int


class Picked(NamedTuple):
    """The next waiting items: those to take, and those to leave out with the reason."""

    taken: list[tuple[Waiting, Outgoing]]
    left: dict[str, list[int]]


def claim(operation: Operation, most: int, bound: int | None = None) -> Portion | None:
    """Up to `most` members; None when none of the waiting ones could be taken this time. `bound`: how many the ladder
    lets be in hand altogether. Raises StaleStateError when the operation does not run (any more)."""
    began = clock.monotonic()
    with transaction.atomic():
        picked = pick(operation, most)
        now = clock.now()
        leave_out(picked.left, now)
        portion = _take(operation, picked.taken, now, began) if picked.taken else None
        taken, left = len(picked.taken), sum(map(len, picked.left.values()))
        counts = {"waiting": -taken - left, "claimed": taken, "left_out": left}
        count(operation, counts, taken, bound)
    return portion


def pick(operation: Operation, most: int) -> Picked:
    """Look at the next waiting items, and lock them and their letters."""
    items = _next(operation, most)
    flagged: list[Waiting] = []
    taken: list[tuple[Waiting, Outgoing]] = []
    left = defaultdict[str, list[int]](list)
    for item in items:
        if item.flags & operation.mask:
            left[_of_flags(item.flags & operation.mask)].append(item.pk)
        else:
            flagged.append(item)
    letters = _lock({item.letter for item in flagged if item.letter})
    weight, wanted = 0, TAKEN_FROM[Action(operation.action)]
    for item in flagged:
        letter = letters.get(item.letter) if item.letter else None
        if letter is None or letter.state != wanted:
            left[f"it is {letter.state} by now" if letter else "it is gone"].append(item.pk)
            continue
        weight += letter.body_size
        if taken and weight > HEAVIEST:
            break
        taken.append((item, letter))
    _check_rights(operation, (letter for _, letter in taken))
    return Picked(taken, left)


def leave_out(left: dict[str, list[int]], now: datetime) -> None:
    """Items that are not taken, with the reason."""
    for why, ids in left.items():
        rows = Item.objects.filter(among("pk", ids), still_is("state", ItemState.WAITING))
        if rows.update(state=ItemState.LEFT_OUT, since=now, why=why) != len(ids):
            raise StaleStateError("Another worker has these items.")


def _next(operation: Operation, most: int) -> list[Waiting]:
    rows = Item.objects.filter(plan=operation.plan_id, state=ItemState.WAITING).order_by("ordinal")
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True)
    return [Waiting(*row) for row in rows.values_list(*Waiting._fields)[:most]]


def _lock(ids: Iterable[UUID]) -> dict[UUID, Outgoing]:
    """Always in the same order: so nobody waits in a circle."""
    return outgoing(Letter.objects.select_for_update().filter(among("pk", ids)).order_by("pk"))


def outgoing(rows: QuerySet[Letter]) -> dict[UUID, Outgoing]:
    """These letters as they are."""
    return {row[0]: Outgoing(*row) for row in rows.values_list(*Outgoing._fields)}


def _check_rights(operation: Operation, letters: Iterable[Outgoing]) -> None:
    subject = who.subject_of(operation)
    permission = PERMISSIONS[Action(operation.action)]
    for place in {letter.place for letter in letters}:
        decision = (
            may(subject, permission, place) if subject else Decision(False, f"{operation.by_name} is gone.")
        )
        if not decision:
            raise NotAllowedError(decision.reason)


def _take(
    operation: Operation, taken: Sequence[tuple[Waiting, Outgoing]], now: datetime, began: float
) -> Portion:
    hands = [Taken(item.pk, letter, letter.redrives + 1, str(letter.pk)) for item, letter in taken]
    ids = Listed(each.key for each in hands)
    rows = Letter.objects.filter(among("pk", ids), still_is("state", LetterState.HELD))
    if rows.update(state=LetterState.CLAIMED, since=now, redrives=F("redrives") + 1) != len(ids):
        raise StaleStateError("Another operation has these letters.")
    say(ids, LetterState.HELD, LetterState.CLAIMED, operation, now)
    held = Claim.objects.create(
        operation=operation, token=secrets.token_hex(16), worker=name(), until=now + LEASE
    )
    _hold(operation, held, hands, now)
    return Portion(operation, held, hands, now, began + LEASE.total_seconds())


def _hold(operation: Operation, held: Claim, hands: Iterable[Taken], now: datetime) -> None:
    """The items, with the numbers of their redrives."""
    step = operation.step + 1 if operation.step < len(operation.plan.how.canary) else 0
    numbers: dict[int, list[int]] = defaultdict(list)
    for each in hands:
        numbers[each.number].append(each.item)
    for number, some in numbers.items():
        Item.objects.filter(among("pk", some), still_is("state", ItemState.WAITING)).update(
            state=ItemState.CLAIMED, claim=held.pk, number=number, step=step, since=now
        )


def say(
    ids: Iterable[UUID | str], before: LetterState, after: LetterState, operation: Operation, now: datetime
) -> None:
    """The letters' own history. They differ in nothing but their letter, so they are written as one."""
    add_lines(ids, before, after, now, operation.by_name, str(operation))


def count(operation: Operation, counts: Mapping[str, int], taken: int, bound: int | None) -> None:
    """The figures, if the operation still runs and the ladder lets so many in; else nothing of this happened."""
    rows = Operation.objects.filter(pk=operation.pk, state=State.RUNNING, step=operation.step)
    if bound is not None:
        in_hand = F("selected") - F("waiting") - F("left_out") - F("untouched")
        rows = rows.alias(in_hand=in_hand).filter(in_hand__lte=bound + operation.begun_with.spent - taken)
    changes = {name: F(name) + number for name, number in counts.items() if number}
    if not rows.update(**changes, active_at=clock.now()):
        raise StaleStateError(f"{operation} does not run, or another worker was first.")
    steps.hint(operation)


def name() -> str:
    """This worker, for people."""
    return f"{socket.gethostname()}/{os.getpid()}"


def _of_flags(flags: int) -> str:
    kinds = [str(kind).replace("_", " ") for kind, flag in FLAGS.items() if flags & flag]
    return f"left out: {', '.join(kinds)}"
