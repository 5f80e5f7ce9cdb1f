"""What became of messages that were sent: items, letters and figures move in one transaction, each once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import F

from agents.deadletters.models import Letter
from agents.deadletters.values import State as LetterState
from agents.operations.models import Item, Operation
from agents.operations.services import judging, steps, telling
from agents.operations.services.lines import add_lines
from agents.operations.values import AWAITED, Grade, ItemState
from core import clock, crash
from core.among import Listed, among, listed, still_is
from core.crash import Point
from core.transitions import StaleStateError

TRIES = 5
LETTERS = {
    ItemState.PROCESSED: LetterState.PROCESSED,
    ItemState.UNKNOWN: LetterState.UNKNOWN,
    ItemState.FAILED_SAME: LetterState.HELD,
    ItemState.FAILED_NEW: LetterState.HELD,
}
LONGEST_WHY = 300


class Outcome(NamedTuple):
    """What became of one letter's message at one redrive."""

    letter: UUID
    number: int
    to: ItemState
    grade: Grade | None = None
    why: str = ""
    by: str = "postroom"


class Held(NamedTuple):
    """Where a letter is, while its row is locked."""

    state: str
    redrives: int


class Step(NamedTuple):
    """Items that move together."""

    before: str
    after: ItemState
    grade: str
    why: str


def settle(outcomes: Sequence[Outcome]) -> int:
    """Note what became of these; those that are noted already, or were never sent, are passed over. Returns how many
    moved. Safe to repeat. What follows for their operations is looked at after the commit."""
    if not outcomes:
        return 0
    crash.here(Point.SETTLE)
    for attempt in range(TRIES):
        try:
            with transaction.atomic():
                moved, touched = _settle({(each.letter, each.number): each for each in outcomes})
                _after_commit(touched)
                return moved
        except (StaleStateError, OperationalError):
            # Somebody moved one of them in between, or the database chose us to step back: look again.
            if attempt == TRIES - 1:
                raise
    raise AssertionError


def _after_commit(operations: list[Operation]) -> None:
    """What fails there is logged, and found by the sweep. A partial has no name to be logged by."""
    transaction.on_commit(lambda: follow_up(operations), robust=True)


def follow_up(operations: Iterable[Operation]) -> None:
    """What may halt, end or go on because of what was settled."""
    crash.here(Point.SETTLE)
    for operation in operations:
        judging.follow_up(operation)


def _settle(outcomes: dict[tuple[UUID, int], Outcome]) -> tuple[int, list[Operation]]:
    letters = lock_letters({letter for letter, _ in outcomes})
    now, moves, figures = (
        clock.now(),
        defaultdict[Step, list[int]](list),
        defaultdict[UUID, Counter[str]](Counter),
    )
    changed: dict[UUID, tuple[LetterState, Outcome]] = {}
    moved: list[Outcome] = []
    for item in Item.objects.filter(among("letter", letters), state__in=AWAITED).order_by("pk"):
        outcome = outcomes.get((item.letter, item.number)) if item.letter else None
        if outcome is None or item.state == outcome.to:
            continue
        step = Step(item.state, outcome.to, str(outcome.grade or ""), outcome.why[:LONGEST_WHY])
        moves[step].append(item.pk)
        moved.append(outcome)
        figures[item.plan_id].update(delta(step))
        if target := letter_after(outcome.to):
            changed[outcome.letter] = (target, outcome)
    for step, ids in moves.items():
        move_items(ids, step, now)
    _move_letters(letters, changed, now)
    _note(moved)
    touched = [add_figures(plan, counts) for plan, counts in sorted(figures.items())]
    return len(moved), touched


def _note(moved: Iterable[Outcome]) -> None:
    """The ledger is told of what it does not know by itself."""
    concluded = [each for each in moved if each.grade in telling.CONCLUDED]
    letters = telling.letters_of(each.letter for each in concluded)
    telling.note(
        [
            telling.settled(
                letters[each.letter], each.number, each.to, telling.CONCLUDED[each.grade], each.by, each.why
            )
            for each in concluded
            if each.letter in letters
        ]
    )


def letter_after(state: ItemState) -> LetterState | None:
    """Where an outcome takes the letter. A death that was captured took it back to `held` already."""
    return LETTERS.get(state)


def delta(step: Step) -> dict[str, int]:
    """What a step changes in an operation's figures."""
    found = Counter({step.before: -1})
    found[step.after] += 1
    if step.grade:
        found[f"grade_{step.grade}"] += 1
    return dict(found)


def lock_letters(ids: Iterable[UUID | str]) -> dict[UUID, Held]:
    """As they are, kept for this transaction, always in the same order: so nobody waits in a circle."""
    rows = Letter.objects.select_for_update().filter(among("pk", ids)).order_by("pk")
    return {id: Held(*row) for id, *row in rows.values_list("pk", *Held._fields)}


def lock_and_count(ids: Listed[str], state: LetterState) -> int:
    """How many of these letters are in a state. They are locked as by `lock_letters`, and no row is read out."""
    rows = Letter.objects.select_for_update().filter(among("pk", ids)).order_by("pk").values("state")
    locked, given = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FILTER (WHERE state = %s) FROM ({locked}) AS locked",  # noqa: S608 - our own
            [str(state), *given],
        )
        return int(cursor.fetchone()[0])


def move_items(ids: Collection[int], step: Step, now: datetime) -> None:
    """Compare-and-set. Raises StaleStateError unless every one of them moved."""
    rows = Item.objects.filter(among("pk", ids), still_is("state", step.before))
    changes = {
        "state": step.after,
        "since": now,
        "grade": step.grade,
        "why": step.why,
        "claim": None,
        "due": None,
    }
    if rows.update(**changes) != len(ids):
        raise StaleStateError(f"Items are no longer {step.before}.")


def move_letters(
    ids: Iterable[UUID | str], before: LetterState, after: LetterState, by: str, reason: str, now: datetime
) -> None:
    """Compare-and-set with history. Raises StaleStateError unless every one of them moved."""
    some = listed(ids)
    if Letter.objects.filter(among("pk", some), still_is("state", before)).update(
        state=after, since=now
    ) != len(some):
        raise StaleStateError(f"Letters are no longer {before}.")
    add_lines(some, before, after, now, by, reason)


def add_figures(plan: UUID, counts: Counter[str] | dict[str, int]) -> Operation:
    """In the transaction that moves the items, and as its last step but the hint."""
    operation = Operation.objects.get(plan=plan)
    changes = {name: F(name) + number for name, number in counts.items() if number}
    Operation.objects.filter(pk=operation.pk).update(**changes)
    steps.hint(operation)
    return operation


def _move_letters(
    letters: dict[UUID, Held], changed: dict[UUID, tuple[LetterState, Outcome]], now: datetime
) -> None:
    """Letters that were on their way go where the outcome says, through `dispatched` where that was not noted yet."""
    first: dict[tuple[LetterState, LetterState, str, str], list[UUID]] = defaultdict(list)
    steps_of: dict[tuple[LetterState, LetterState, str, str], list[UUID]] = defaultdict(list)
    for id, (target, outcome) in changed.items():
        row = letters[id]
        if row.redrives != outcome.number or row.state not in {"claimed", "dispatched", "unknown"} - {
            str(target)
        }:
            continue
        reason = f"outcome of redrive {outcome.number}: {outcome.grade or 'none seen in time'}"
        before = LetterState(row.state)
        if before is LetterState.CLAIMED:
            first[before, LetterState.DISPATCHED, outcome.by, "its outcome came first"].append(id)
            before = LetterState.DISPATCHED
        steps_of[before, target, outcome.by, reason].append(id)
    # From there they go on together with those that were dispatched before.
    for (before, after, by, reason), ids in (first | steps_of).items():
        move_letters(ids, before, after, by, reason, now)
