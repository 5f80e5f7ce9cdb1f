"""Groups are merged, split, and merges taken back by hand. What is decided here counts at once for deaths that come;
the letters that are there follow in portions (moving.py)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import F, Q

from agents.deadletters.leaving import Mark, Rule, dump, load
from agents.deadletters.models import FailureGroup, GroupAlias, GroupChange, GroupMove, GroupSplit, Letter
from agents.deadletters.services import figures, moving
from agents.deadletters.services.grouping import FIELDS, TOPIC, hold_decisions
from agents.deadletters.services.triage import TriageError, target
from agents.deadletters.values import MoveKind, MoveState, Triage
from core import clock, hints, ids
from core.access.api import Permission, Place, require
from core.access.audit.api import Action
from core.access.services import Actor
from core.among import among
from core.transitions import StaleStateError, advance

MOST_IDS = 10_000
# Of a group that is split, so many letters are looked at before it is said whether any is meant; or all, if it has
# fewer.
LOOKED_AT = 5_000


class Turn(msgspec.Struct, frozen=True):
    """Deaths of a group that bear this value of a field go into another one."""

    group: UUID
    field: str
    value: str
    into: UUID


class Led(msgspec.Struct, frozen=True):
    """What led to a group, or on from it, before it was merged."""

    fingerprints: list[str] = []
    turns: list[Turn] = []


# ---- Merge -----------------------------------------------------------------------------------------------------
def merge(into: FailureGroup, others: Sequence[FailureGroup], actor: Actor) -> list[GroupMove]:
    """All letters belong to `into` from now on, also those that die later. Raises TriageError and
    PermissionRefusedError."""
    moves = _merge(into, others, actor)
    moving.begin(moves)
    return _as_they_are(moves)


@transaction.atomic
def _merge(into: FailureGroup, others: Sequence[FailureGroup], actor: Actor) -> list[GroupMove]:
    locked = _locked({into.pk, *(each.pk for each in others)}, actor)
    if not others or any(each.pk == into.pk for each in others):
        raise TriageError("groups", "Name other groups than the one that they are merged into.")
    if len({each.environment for each in locked.values()}) != 1:
        raise TriageError("groups", "Only groups of one environment can be merged.")
    moves = [_move(locked[each.pk], into, actor, kind=MoveKind.MERGE, rule=Rule(all=True)) for each in others]
    sources = [each.pk for each in others]
    GroupAlias.objects.filter(group__in=sources).update(group=into.pk)
    GroupSplit.objects.filter(group__in=sources).update(group=into.pk)
    GroupSplit.objects.filter(into__in=sources).update(into=into.pk)
    GroupSplit.objects.filter(group=F("into")).delete()
    FailureGroup.objects.filter(pk__in=sources).update(going_to=into.pk)
    _changed(into, actor, f"merged with {', '.join(each.title[:80] for each in others)}")
    actor.record(Action.GROUPS_MERGED, target(into), after={"merged": [str(id) for id in sources]})
    hints.hint(TOPIC)
    return moves


def _led(group: FailureGroup) -> Led:
    turns = GroupSplit.objects.filter(Q(group=group.pk) | Q(into=group.pk)).order_by("pk")
    return Led(
        list(group.aliases.order_by("pk").values_list("fingerprint", flat=True)),
        [Turn(each.group_id, each.field, each.value, each.into_id) for each in turns],
    )


# ---- Split -----------------------------------------------------------------------------------------------------
def split(
    group: FailureGroup, actor: Actor, *, field: str = "", value: str = "", letters: Collection[UUID] = ()
) -> GroupMove:
    """A new group of those letters that bear this value of a field, or of these letters. Later deaths with that value
    follow; a letter that dies again as it did before stays where it is. Raises TriageError, PermissionRefusedError."""
    move = _split(group, actor, field, value, letters)
    moving.begin([move])
    return _as_they_are([move])[0]


@transaction.atomic
def _split(group: FailureGroup, actor: Actor, field: str, value: str, letters: Collection[UUID]) -> GroupMove:
    locked = _locked({group.pk}, actor)
    rule = _rule(field, value, letters)
    first = _first_meant(group, rule, "letters" if letters else "value")
    now = clock.now()
    new = _apart(locked[group.pk], first, (field and f"{field} {value}") or f"{len(letters)} letters", now)
    if field:
        by = actor.subject.name
        GroupSplit.objects.create(group=group, field=field, value=value, into=new, at=now, by=by)
    move = _move(locked[group.pk], new, actor, kind=MoveKind.SPLIT, rule=rule)
    _changed(group, actor, f"{new.title[-120:]} was split off")
    what = {"field": field, "value": value} if field else {"letters": sorted(map(str, letters))}
    actor.record(Action.GROUP_SPLIT, target(group), after={"into": str(new.pk), **what})
    hints.hint(TOPIC)
    return move


def _rule(field: str, value: str, letters: Collection[UUID]) -> Rule:
    if bool(field) == bool(letters):
        raise TriageError("field", "Name either a field with its value, or letters.")
    if letters and len(letters) > MOST_IDS:
        raise TriageError("letters", f"At most {MOST_IDS:,} letters; split by the value of a field.")
    if field and field not in FIELDS:
        raise TriageError("field", f"A group is split by one of {', '.join(FIELDS)}.")
    return Rule(marks=(Mark(field=field, value=value),)) if field else Rule(letters=frozenset(letters))


def _first_meant(group: FailureGroup, rule: Rule, named: str) -> Letter | None:
    """A letter that is meant, once it is clear that there are some and that there are others. Of a large group only so
    many are looked at: None where that leaves it open, and the move finds out."""
    rows = Letter.objects.filter(group=group.pk)
    some = list(rows.order_by("state", "-last_died_at", "-id").values("pk", *rule.columns)[: LOOKED_AT + 1])
    meant = [row["pk"] for row in some if rule.means(row)]
    if not meant and rule.letters:
        meant = list(rows.filter(among("pk", rule.letters)).values_list("pk", flat=True)[:1])
    # Letters may be on their way here: this one waits for them.
    whole = len(some) <= LOOKED_AT and not group.moves_in.filter(state=MoveState.MOVING).exists()
    if not meant and (whole or rule.letters):
        raise TriageError(named, "No letter of the group is meant by this.")
    if whole and len(meant) == len(some):
        raise TriageError(named, "Every letter of the group is meant by this.")
    return Letter.objects.filter(pk=meant[0]).first() if meant else None


def _apart(group: FailureGroup, first: Letter | None, by: str, now: datetime) -> FailureGroup:
    like: Any = first or group
    new = FailureGroup(
        id=ids.new(),
        environment=group.environment,
        queue=like.queue,
        agent=like.agent,
        # Deaths find it by the split, not by a fingerprint of its own.
        fingerprint=group.fingerprint,
        title=f"{group.title[:380]} · {by[:110]}",
        failure_type=like.failure_type,
        failure_message=like.failure_message,
        formed=group.formed | {"split": by, "from": str(group.pk)},
        first_died_at=like.first_died_at,
        last_died_at=like.last_died_at,
        since=now,
    )
    new.save(force_insert=True)
    return new


# ---- Taken back ------------------------------------------------------------------------------------------------
def undo(merge: GroupMove, actor: Actor) -> GroupMove:
    """A merge is taken back: what led to its source leads there again, and the letters that came that way go back.
    Raises TriageError and PermissionRefusedError."""
    move = _undo(merge, actor)
    moving.begin([move])
    return _as_they_are([move])[0]


@transaction.atomic
def _undo(merge: GroupMove, actor: Actor) -> GroupMove:
    locked = _taken({merge.source_id, merge.into_id}, actor)
    source, into = locked[merge.source_id], locked[merge.into_id]
    was = GroupMove.objects.get(pk=merge.pk)
    if was.kind != MoveKind.MERGE or was.state == MoveState.UNDONE:
        raise TriageError("move", "Only a merge can be taken back, and only once.")
    _check_here(into)
    _stop(was, lambda: _say_undone(source, into, actor))
    if was.state == MoveState.DONE:
        _apart_again(source, into, was)
    FailureGroup.objects.filter(pk=source.pk).update(merged_into=None, going_to=None)
    back = _move(into, source, actor, kind=MoveKind.UNDO, rule=_way_back(was, into), undoes=was)
    _lead_back(was, source, into)
    actor.record(Action.GROUP_MERGE_UNDONE, target(into), after={"given_back": str(source.pk)})
    hints.hint(TOPIC)
    return back


def _say_undone(source: FailureGroup, into: FailureGroup, actor: Actor) -> None:
    for group, other in ((into, source), (source, into)):
        _changed(group, actor, f"the merge with {other.title[:200]} was taken back")


def _stop(merge: GroupMove, history: Callable[[], None]) -> None:
    """Whoever moves its letters can commit nothing more."""
    try:
        advance(
            GroupMove.objects.filter(state=merge.state),
            pk=merge.pk,
            from_states=(MoveState.MOVING, MoveState.DONE),
            to=MoveState.UNDONE,
            history=history,
            changes={"until": None, "token": "", "ended_at": clock.now()},
        )
    except StaleStateError:
        raise TriageError("move", "It has just come to its end: try again.") from None


def _apart_again(source: FailureGroup, into: FailureGroup, merge: GroupMove) -> None:
    """What the source kept a copy of is its own again, and groups that had been merged into it are, too."""
    figures.take_back(source, into)
    moving.came_back(into, source, -source.came_back)
    earlier = GroupMove.objects.filter(
        into=source.pk, kind=MoveKind.MERGE, state=MoveState.DONE, pk__lt=merge.pk
    )
    rows = FailureGroup.objects.filter(pk__in=earlier.values("source"), merged_into=into.pk)
    rows.update(merged_into=source.pk)


def _way_back(merge: GroupMove, into: FailureGroup) -> Rule:
    """Letters of fingerprints that led to the source, those that splits had led there, and those put there by name."""
    led = msgspec.convert(merge.led, Led)
    marks = [Mark(fingerprints=frozenset(led.fingerprints))] if led.fingerprints else []
    for turn in led.turns:
        if turn.into != merge.source_id:
            continue
        # Split from the very group that it was merged into, or from another one.
        of = () if turn.group == into.pk else _fingerprints(turn.group)
        marks.append(Mark(frozenset(of), turn.field, turn.value))
    named = GroupMove.objects.filter(into=merge.source_id, kind=MoveKind.SPLIT).values_list("rule", flat=True)
    letters = {id for rule in named for id in load(rule).letters}
    return Rule(marks=tuple(marks), letters=frozenset(letters))


def _fingerprints(group: UUID) -> list[str]:
    return list(GroupAlias.objects.filter(group=group).values_list("fingerprint", flat=True))


def _lead_back(merge: GroupMove, source: FailureGroup, into: FailureGroup) -> None:
    led = msgspec.convert(merge.led, Led)
    rows = GroupAlias.objects.filter(among("fingerprint", led.fingerprints), environment=into.environment)
    rows.filter(group=into.pk).update(group=source.pk)
    for turn in led.turns:
        _turn_back(turn, source, into, merge)


def _turn_back(turn: Turn, source: FailureGroup, into: FailureGroup, merge: GroupMove) -> None:
    """As it was before the merge, if it is as the merge left it."""
    now = {"field": turn.field, "value": turn.value}
    moved = {
        "group": into.pk if turn.group == source.pk else turn.group,
        "into": into.pk if turn.into == source.pk else turn.into,
    }
    then: dict[str, Any] = {"group_id": turn.group, "into_id": turn.into}
    if moved["group"] == moved["into"]:
        GroupSplit.objects.create(**now, **then, at=merge.asked_at, by=merge.by)
    else:
        GroupSplit.objects.filter(**now, **moved).update(group=turn.group, into=turn.into)


# ---- What they share -------------------------------------------------------------------------------------------
def _taken(wanted: Collection[UUID], actor: Actor) -> dict[UUID, FailureGroup]:
    """Locked, once no death is being sorted into groups."""
    hold_decisions(alone=True)
    rows = FailureGroup.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    found = {row.pk: row for row in rows}
    for row in found.values():
        # What is merged or split as a whole is triaged as a whole.
        for part in row.parts.all():
            require(actor.subject, Permission.TRIAGE, Place(part.environment, part.queue, part.agent))
    return found


def _locked(wanted: Collection[UUID], actor: Actor) -> dict[UUID, FailureGroup]:
    found = _taken(wanted, actor)
    for row in found.values():
        _check_here(row)
    return found


def _check_here(row: FailureGroup) -> None:
    other = row.going_to or row.merged_into
    if other:
        says = f"“{row.title[:80]}” was merged into “{other.title[:80]}”: take that group, or take the merge back."
        raise TriageError("groups", says)


def _move(
    source: FailureGroup,
    into: FailureGroup,
    actor: Actor,
    *,
    kind: MoveKind,
    rule: Rule,
    undoes: GroupMove | None = None,
) -> GroupMove:
    return GroupMove.objects.create(
        id=ids.new(),
        kind=kind,
        source=source,
        into=into,
        rule=dump(rule),
        led=msgspec.to_builtins(_led(source)) if kind is MoveKind.MERGE else {},
        asked_at=clock.now(),
        by=actor.subject.name,
        reason=actor.why[:2_000],
        letters=Letter.objects.filter(group=source.pk).count(),
        undoes=undoes,
    )


def _changed(group: FailureGroup, actor: Actor, reason: str) -> None:
    by = actor.subject.name
    state = Triage(group.state)
    GroupChange.objects.create(
        group=group, before=state, after=state, at=clock.now(), by=by, reason=reason[:2_000]
    )


def _as_they_are(moves: Sequence[GroupMove]) -> list[GroupMove]:
    """By now, in their order."""
    found = GroupMove.objects.select_related("source", "into").in_bulk([each.pk for each in moves])
    return [found[each.pk] for each in moves]
