"""Letters go from one group to another in portions, each committed with its figures and with how far the move is.

A worker holds a move by a lease with a token, and whoever lost it can commit nothing more. Killed at any point, the
next one goes on from what is committed. Moves that share a group go one after the other, as they were asked for: what
comes of them is what would have come had each been done at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

from agents.deadletters.celery import move_soon
from agents.deadletters.leaving import Rule, load
from agents.deadletters.models import FailureGroup, GroupChange, GroupMove, Letter
from agents.deadletters.services import figures
from agents.deadletters.services.figures import Moved
from agents.deadletters.services.grouping import TOPIC
from agents.deadletters.values import MoveKind, MoveState, Triage
from core import clock, crash, hints
from core.among import among
from core.crash import Point
from core.transitions import StaleStateError, advance

log = structlog.get_logger(__name__)
# As many letters change their group in one commit, and as many are looked at in one reading.
PORTION, WINDOW = 1_000, 20_000
LEASE = timedelta(seconds=30)
# How long a worker stays with one move, and how long a request does before it leaves the rest to a worker.
TURN_SECONDS, AT_ONCE_SECONDS = 15.0, 0.5
BY = "postroom"


class Some(NamedTuple):
    """The next letters that may go, how many of the group were looked at, whether these are the last, and the last
    letter looked at where that is how they are found."""

    letters: Sequence[UUID]
    looked: int
    last: bool
    upto: UUID | None = None


def begin(moves: Iterable[GroupMove]) -> None:
    """A small one is done when this returns; of a large one the first portion is, and workers go on."""
    until = clock.monotonic() + AT_ONCE_SECONDS
    for move in moves:
        if clock.monotonic() >= until or not _work(move.pk, portions=1):
            move_soon(move.pk)


def go_on(id: UUID) -> None:
    """A worker's turn with this move."""
    done = _work(id, until=clock.monotonic() + TURN_SECONDS)
    if not done and _open().filter(pk=id).exists() and not waits_for(id):
        move_soon(id)


def due() -> list[UUID]:
    """Moves that could go on and that nobody works on."""
    rows = _open().filter(_free(clock.now())).order_by("pk").values_list("pk", flat=True)
    return [id for id in rows[:100] if not waits_for(id)]


def waits_for(id: UUID) -> GroupMove | None:
    """The move that has to be done before this one: the first that shares a group with it and was asked for earlier."""
    groups = _open().filter(pk=id).values_list("source", "into").first() or ()
    shared = Q(source__in=groups) | Q(into__in=groups)
    return _open().filter(shared, pk__lt=id).order_by("pk").first()


def _open() -> QuerySet[GroupMove]:
    return GroupMove.objects.filter(state=MoveState.MOVING)


def _free(now: datetime) -> Q:
    return Q(until=None) | Q(until__lt=now)


# ---- A turn ----------------------------------------------------------------------------------------------------
def _work(id: UUID, *, portions: int = 0, until: float = 0.0) -> bool:
    """So many portions, or until then; True when the move is done, and whoever waited for it is told."""
    move = None if waits_for(id) else _hold(id)
    if move is None:
        return False
    try:
        done = _moved_all(move, portions, until) and _close(move)
        _let_go(move)
    except StaleStateError as lost:
        log.info("a move of letters is another's, or was taken back", move=str(id), problem=str(lost))
        return False
    if done:
        for next_ in _open().filter(Q(source__in=_groups(move)) | Q(into__in=_groups(move))):
            move_soon(next_.pk)
    return done


def _hold(id: UUID) -> GroupMove | None:
    """With a token of one's own, unless another has it."""
    now, token = clock.now(), secrets.token_hex(16)
    if not _open().filter(_free(now), pk=id).update(token=token, until=now + LEASE, active_at=now):
        return None
    move = GroupMove.objects.select_related("source", "into").get(pk=id, token=token)
    if not move.looked:
        # Others may have come since it was asked for, by moves that were asked for before.
        move.letters = Letter.objects.filter(group=move.source_id).count()
        _mine(move).update(letters=move.letters)
    return move


def _mine(move: GroupMove) -> QuerySet[GroupMove]:
    return _open().filter(pk=move.pk, token=move.token)


def _let_go(move: GroupMove) -> None:
    GroupMove.objects.filter(pk=move.pk, token=move.token).update(until=None)


def _groups(move: GroupMove) -> tuple[UUID, UUID]:
    return move.source_id, move.into_id


def _moved_all(move: GroupMove, portions: int, until: float) -> bool:
    """False when there was no time for all of them."""
    rule = load(move.rule)
    for number, some in enumerate(_portions(move, rule), start=1):
        _portion(move, rule, some)
        crash.here(Point.MOVE)
        if not some.last and ((portions and number >= portions) or (until and clock.monotonic() > until)):
            return False
    return True


# ---- Which letters ---------------------------------------------------------------------------------------------
def _portions(move: GroupMove, rule: Rule) -> Iterator[Some]:
    if rule.all:
        return _next_of_all(move)
    if not rule.marks:
        return _next_named(move, rule)
    if move.upto is None and Letter.objects.filter(group=move.source_id)[: PORTION + 1].count() <= PORTION:
        return _next_of_few(move, rule)
    return _next_by_looking(move, rule)


def _next_of_all(move: GroupMove) -> Iterator[Some]:
    """Whoever went is no longer there, and nobody comes: later deaths go elsewhere."""
    rows = Letter.objects.filter(group=move.source_id).order_by().values_list("pk", flat=True)
    while some := list(rows[:PORTION]):
        yield Some(some, len(some), last=len(some) < PORTION)


def _next_named(move: GroupMove, rule: Rule) -> Iterator[Some]:
    for some, last in _cut(sorted(rule.letters)[move.looked :]):
        yield Some(some, len(some), last)


def _next_of_few(move: GroupMove, rule: Rule) -> Iterator[Some]:
    """An index finds them all."""
    rows = list(_described(Letter.objects.filter(group=move.source_id), rule).order_by("pk"))
    meant = [row["pk"] for row in rows if rule.means(row)]
    yield Some(meant, 0 if move.looked else len(rows), last=True)


def _next_by_looking(move: GroupMove, rule: Rule) -> Iterator[Some]:
    """All letters there are, by their ids, which never change: so none is passed over, whatever becomes of it."""
    upto = move.upto
    while rows := _window(rule, upto):
        upto = rows[-1]["pk"]
        here = [row for row in rows if row["group"] == move.source_id]
        looked, place = 0, {row["pk"]: number for number, row in enumerate(here, start=1)}
        for some, last in _cut([row["pk"] for row in here if rule.means(row)]):
            before, looked = looked, len(here) if last else place[some[-1]]
            end = last and len(rows) < WINDOW
            yield Some(some, looked - before, end, upto if last else some[-1])


def _cut(letters: Sequence[UUID]) -> Iterator[tuple[Sequence[UUID], bool]]:
    """In portions, each with whether it is the last; there is one in any case."""
    for start in range(0, max(len(letters), 1), PORTION):
        yield letters[start : start + PORTION], start + PORTION >= len(letters)


def _window(rule: Rule, upto: UUID | None) -> list[dict[str, Any]]:
    rows = Letter.objects.filter(pk__gt=upto) if upto else Letter.objects.all()
    return list(_described(rows, rule).order_by("pk")[:WINDOW])


def _described(rows: QuerySet[Letter], rule: Rule) -> QuerySet[Letter, dict[str, Any]]:
    described: QuerySet[Letter, dict[str, Any]] = rows.values("pk", "group", *sorted(rule.columns))
    return described


# ---- A portion -------------------------------------------------------------------------------------------------
@transaction.atomic
def _portion(move: GroupMove, rule: Rule, some: Some) -> None:
    """Raises StaleStateError when the move is no longer ours."""
    moved = _carry(move, rule, some.letters) if some.letters else 0
    now = clock.now()
    changes: dict[str, Any] = {"moved": F("moved") + moved, "looked": F("looked") + some.looked}
    changes |= {"upto": some.upto} if some.upto else {}
    if not _mine(move).update(**changes, active_at=now, until=now + LEASE):
        raise StaleStateError(f"{move} is another's.")
    move.looked, move.upto = move.looked + some.looked, some.upto or move.upto
    crash.here(Point.MOVE)
    hints.hint(TOPIC)


def _carry(move: GroupMove, rule: Rule, letters: Sequence[UUID]) -> int:
    """Those that are still there and still meant, with what the group counts of them."""
    here = (
        Letter.objects.select_for_update().filter(among("pk", letters), group=move.source_id).order_by("pk")
    )
    names = {"pk", "queue", "workflow", *rule.columns}
    rows = [Moved(row["pk"], row["queue"], row["workflow"]) for row in here.values(*names) if rule.means(row)]
    _lock(move)
    figures.carry(rows, move.source, move.into)
    Letter.objects.filter(among("pk", [row.pk for row in rows])).update(group=move.into_id)
    return len(rows)


def _lock(move: GroupMove) -> None:
    list(FailureGroup.objects.select_for_update().filter(pk__in=_groups(move)).order_by("pk"))


# ---- The end ---------------------------------------------------------------------------------------------------
def _close(move: GroupMove) -> bool:
    """All that was meant has gone. Raises StaleStateError."""
    if move.kind != MoveKind.MERGE:
        figures.narrow(move.source)
    with transaction.atomic():
        _lock(move)
        if move.kind == MoveKind.MERGE and not _merged(move):
            return False
        advance(
            _mine(move),
            pk=move.pk,
            from_states=(MoveState.MOVING,),
            to=MoveState.DONE,
            history=lambda: _say(move),
            changes={"ended_at": clock.now()},
        )
        hints.hint(TOPIC)
    return True


def _merged(move: GroupMove) -> bool:
    """What the source counted beside goes along: of letters that have expired, or died of something else since. It
    keeps a copy, for whoever takes the merge back."""
    if Letter.objects.filter(group=move.source_id).exists():
        return False
    figures.copy(move.source, move.into)
    row = FailureGroup.objects.get(pk=move.source_id)
    came_back(move.into, row, row.came_back)
    FailureGroup.objects.filter(merged_into=move.source_id).update(merged_into=move.into_id)
    FailureGroup.objects.filter(pk=move.source_id).update(merged_into=move.into_id, going_to=None)
    return True


def came_back(into: FailureGroup, source: FailureGroup, times: int) -> None:
    """The last time of both is that of `into`. The rows are locked."""
    if not times:
        return
    row = FailureGroup.objects.get(pk=into.pk)
    row.came_back = max(row.came_back + times, 0)
    if source.came_back_at and (row.came_back_at is None or source.came_back_at > row.came_back_at):
        row.came_back_at, row.came_back_letter = source.came_back_at, source.came_back_letter
        row.came_back_redrive = source.came_back_redrive
    row.save(update_fields=["came_back", "came_back_at", "came_back_letter", "came_back_redrive"])


def _say(move: GroupMove) -> None:
    row = GroupMove.objects.get(pk=move.pk)
    letters = f"{row.moved:,} letter{'' if row.moved == 1 else 's'}"
    state = Triage(FailureGroup.objects.values_list("state", flat=True).get(pk=move.into_id))
    reason = f"{letters} came from {move.source.title[:200]}"
    GroupChange.objects.create(
        group_id=move.into_id, before=state, after=state, at=clock.now(), by=BY, reason=reason
    )
