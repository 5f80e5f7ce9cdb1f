"""Deaths into groups: in the transaction that keeps them; later for letters that were kept before there were groups.

A better way of forming fingerprints makes others of the same deaths. Groups that an earlier one formed live on: where a
fingerprint is new, letters of such groups are formed anew, and theirs is the death if they are the same today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from agents.deadletters import fingerprint, selectors, words
from agents.deadletters.fingerprint import Died, Formed, is_current
from agents.deadletters.models import (
    Death,
    FailureGroup,
    GroupAlias,
    GroupChange,
    GroupPart,
    GroupRate,
    GroupSplit,
    Letter,
    LetterText,
)
from agents.deadletters.seal import SealError
from agents.deadletters.values import Arrival, State, Triage
from core import clock, hints, ids

TOPIC = "groups"
BY = "capture"
BATCH = 200
# Of older groups that a new fingerprint may belong to, and of letters of each: more are not looked at for one death.
MOST_OLDER, SAMPLES = 50, 5
# What a chart is drawn from: minutes for a while, hours for as long as letters are kept.
STEPS = (60, 3600)
# What a group can be split by.
FIELDS = (
    *(
        "queue",
        "agent",
        "version",
        "workflow",
        "task",
        "sender",
        "instance",
        "failure_type",
        "failure_message",
    ),
    *("failure_reason", "failure_class", "fingerprint"),
)


@dataclass(slots=True)
class Fallen:
    """A death that is to find its group; `letter` bears what the death said of it."""

    letter: Letter
    formed: Formed
    died_at: datetime
    # The redrive that it came after, and whether it is the failure that the letter had before.
    redrive: int = 0
    same: bool = False
    # Given: it stays there.
    group: FailureGroup | None = None


def died(arrival: Arrival) -> Died:
    """What an arrival's fingerprint is formed of."""
    last: Mapping[str, Any] = arrival.contents.attempts[-1] if arrival.contents.attempts else {}
    why = arrival.failure
    who = arrival.agent or arrival.queue
    return Died(who, str(why.reason), why.type, why.message, str(last.get("traceback") or ""))


def fingerprint_of(letter: Letter) -> str:
    """As it is formed today, whenever the letter was kept."""
    if not letter.fingerprint or is_current(letter.fingerprint):
        return letter.fingerprint
    return fingerprint.form(_died(letter)).fingerprint


def is_same(letter: Letter, formed: Formed) -> bool:
    """Is a further death the failure that the letter had: of its fingerprint, or of one that leads to its group?"""
    if formed.fingerprint == fingerprint_of(letter):
        return True
    known = GroupAlias.objects.filter(environment=letter.environment, fingerprint=formed.fingerprint)
    return letter.group_id is not None and known.filter(group=letter.group_id).exists()


def assign(fallen: Sequence[Fallen]) -> None:
    """Give each its group, make those that are new, and count. In the caller's transaction; rows are taken in one
    order, so that nobody waits in a circle."""
    if not fallen:
        return
    now = clock.now()
    homeless = [each for each in fallen if each.group is None]
    _name([each for each in fallen if each.group is not None])
    groups = _groups({(each.letter.environment, each.formed): each for each in homeless}, now)
    splits = _splits({group.pk for group in groups.values()})
    for each in homeless:
        group = groups[each.letter.environment, each.formed.fingerprint]
        each.group = _split(group, splits, each.letter)
    _count(fallen, now)
    hints.hint(TOPIC)


def backfill(most: int = BATCH) -> int:
    """Up to `most` letters that have no group yet; returns how many there were."""
    rows = list(Letter.objects.filter(group=None).order_by("pk")[:most])
    with transaction.atomic():
        fallen = [Fallen(row, fingerprint.form(_died(row)), row.last_died_at) for row in rows]
        assign(fallen)
        for each in fallen:
            assert each.group
            said = each.formed.fingerprint
            Letter.objects.filter(pk=each.letter.pk, group=None).update(group=each.group, fingerprint=said)
            Death.objects.filter(letter=each.letter.pk, fingerprint="").update(fingerprint=said)
        _index(rows)
    return len(rows)


def _index(rows: Sequence[Letter]) -> None:
    """Those that were kept before there were words."""
    known = set(LetterText.objects.filter(letter__in=rows).values_list("letter", flat=True))
    LetterText.objects.bulk_create(
        LetterText(letter=row, said=words.said(row)) for row in rows if row.pk not in known
    )


def _died(letter: Letter) -> Died:
    try:
        contents = selectors.contents_of(letter)
    except SealError:
        contents = None
    last = contents.attempts[-1] if contents and contents.attempts else {}
    who = letter.agent or letter.queue
    said = str(last.get("traceback") or "")
    return Died(who, letter.failure_reason, letter.failure_type, letter.failure_message, said)


def _name(fallen: Sequence[Fallen]) -> None:
    """Where a letter stays in its group, its fingerprint leads there, unless it leads somewhere already: it may be one
    that was formed otherwise before."""
    GroupAlias.objects.bulk_create(
        (
            GroupAlias(
                environment=each.letter.environment, fingerprint=each.formed.fingerprint, group=each.group
            )
            for each in fallen
            if each.group and not is_current(each.group.fingerprint)
        ),
        ignore_conflicts=True,
    )


# ---- Which group -----------------------------------------------------------------------------------------------
def _groups(
    fallen: Mapping[tuple[str, Formed], Fallen], now: datetime
) -> dict[tuple[str, str], FailureGroup]:
    """By environment and fingerprint; those that nobody knows are made."""
    wanted = {(place, formed.fingerprint): each for (place, formed), each in fallen.items()}
    found = _known(wanted)
    for key in sorted(wanted.keys() - found.keys()):
        found[key] = _older(wanted[key]) or _new(wanted[key], now)
    return found


def _older(each: Fallen) -> FailureGroup | None:
    """The group of an earlier algorithm whose letters have this fingerprint today; from now on it is known by it. Of
    several the first, from which others may have been split."""
    for group in _formed_earlier(each.letter):
        letters = list(_samples(group))
        if any(fingerprint.form(_died(letter)).fingerprint == each.formed.fingerprint for letter in letters):
            return _renewed(group, each)
    return None


def _formed_earlier(letter: Letter) -> Iterable[FailureGroup]:
    rows = FailureGroup.objects.filter(
        Q(failure_type=letter.failure_type) | Q(merged__failure_type=letter.failure_type),
        Exists(GroupPart.objects.filter(group=OuterRef("pk"), agent=letter.agent)),
        environment=letter.environment,
        merged_into=None,
    )
    current = Q(fingerprint__startswith=f"{fingerprint.ALGORITHM}.")
    return rows.exclude(current).distinct().order_by("pk")[:MOST_OLDER]


def _samples(group: FailureGroup) -> Iterable[Letter]:
    """The last ones, of those that are held if there are any: an index finds them."""
    for state in (State.HELD, *(each for each in State if each is not State.HELD)):
        rows = list(group.letters.filter(state=state).order_by("-last_died_at", "-id")[:SAMPLES])
        if rows:
            return rows
    return ()


def _renewed(group: FailureGroup, each: Fallen) -> FailureGroup:
    said = each.formed.fingerprint
    formed = group.formed | each.formed.dump()
    FailureGroup.objects.filter(pk=group.pk).update(fingerprint=said, formed=formed)
    alias = GroupAlias(environment=group.environment, fingerprint=said, group=group)
    GroupAlias.objects.bulk_create([alias], ignore_conflicts=True)
    kept = GroupAlias.objects.select_related("group").get(environment=group.environment, fingerprint=said)
    return kept.group


def _known(wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], FailureGroup]:
    rows = GroupAlias.objects.filter(fingerprint__in={said for _, said in wanted}).select_related("group")
    return {
        (row.environment, row.fingerprint): row.group
        for row in rows
        if (row.environment, row.fingerprint) in wanted
    }


def _new(each: Fallen, now: datetime) -> FailureGroup:
    """Made, unless somebody else made it in the same moment: then theirs."""
    letter, said = each.letter, each.formed.fingerprint
    group = FailureGroup(
        id=ids.new(),
        environment=letter.environment,
        queue=letter.queue,
        agent=letter.agent,
        fingerprint=said,
        title=each.formed.title,
        failure_type=letter.failure_type,
        failure_message=letter.failure_message,
        formed=each.formed.dump(),
        first_died_at=each.died_at,
        last_died_at=each.died_at,
        since=now,
    )
    group.save(force_insert=True)
    alias = GroupAlias(environment=letter.environment, fingerprint=said, group=group)
    GroupAlias.objects.bulk_create([alias], ignore_conflicts=True)
    kept = GroupAlias.objects.select_related("group").get(environment=letter.environment, fingerprint=said)
    if kept.group_id != group.pk:
        group.delete()
        return kept.group
    _change(group, "", Triage.NEW, now, "first death")
    return group


def _splits(groups: Collection[UUID]) -> dict[UUID, list[GroupSplit]]:
    found: dict[UUID, list[GroupSplit]] = defaultdict(list)
    for row in GroupSplit.objects.filter(group__in=groups).select_related("into").order_by("pk"):
        found[row.group_id].append(row)
    return found


def _split(group: FailureGroup, splits: Mapping[UUID, Iterable[GroupSplit]], letter: Letter) -> FailureGroup:
    for split in splits.get(group.pk, ()):
        if str(getattr(letter, split.field)) == split.value:
            return split.into
    return group


# ---- Counting --------------------------------------------------------------------------------------------------
def _count(fallen: Sequence[Fallen], now: datetime) -> None:
    by_group: dict[UUID, list[Fallen]] = defaultdict(list)
    for each in fallen:
        assert each.group
        by_group[each.group.pk].append(each)
    for id in sorted(by_group):
        _count_in(id, by_group[id], now)


def _count_in(id: UUID, fallen: Sequence[Fallen], now: datetime) -> None:
    group = FailureGroup.objects.select_for_update().get(pk=id)
    moments = [each.died_at for each in fallen]
    fresh = group.deaths == 0
    changes: dict[str, Any] = {
        "deaths": F("deaths") + len(fallen),
        "first_died_at": min([*moments] if fresh else [*moments, group.first_died_at]),
        "last_died_at": max([*moments] if fresh else [*moments, group.last_died_at]),
    }
    FailureGroup.objects.filter(pk=id).update(**changes | _came_back(fallen) | _new_again(group, now))
    _add_parts(id, fallen)
    _add_rates(id, fallen)


def _came_back(fallen: Sequence[Fallen]) -> dict[str, Any]:
    """A redriven letter that died the same way: its fault is still there."""
    back = [each for each in fallen if each.redrive and each.same]
    if not back:
        return {}
    last = max(back, key=lambda each: each.died_at)
    return {
        "came_back": F("came_back") + len(back),
        "came_back_at": last.died_at,
        "came_back_letter": last.letter.pk,
        "came_back_redrive": last.redrive,
    }


def _new_again(group: FailureGroup, now: datetime) -> dict[str, Any]:
    """What was resolved and strikes again is new; so is what was muted until now. The row is locked."""
    if group.state == Triage.RESOLVED or (group.state == Triage.MUTED and group.triage is Triage.NEW):
        over = "died again" if group.state == Triage.RESOLVED else "its mute is over"
        _change(group, group.state, Triage.NEW, now, over)
        return {"state": Triage.NEW, "since": now, "assigned_to": "", "muted_until": None}
    return {}


def _add_parts(id: UUID, fallen: Sequence[Fallen]) -> None:
    found: dict[tuple[str, str, str, str], list[Fallen]] = defaultdict(list)
    for each in fallen:
        letter = each.letter
        found[letter.queue, letter.agent, letter.version, letter.workflow].append(each)
    for (queue, agent, version, workflow), those in sorted(found.items(), key=lambda pair: pair[0]):
        key = {"queue": queue, "agent": agent, "version": version, "workflow": workflow}
        moments = [each.died_at for each in those]
        row, made = GroupPart.objects.get_or_create(
            group_id=id,
            **key,
            defaults={
                "environment": those[0].letter.environment,
                "deaths": len(those),
                "first_died_at": min(moments),
                "last_died_at": max(moments),
            },
        )
        if not made:
            GroupPart.objects.filter(pk=row.pk).update(
                deaths=F("deaths") + len(those),
                first_died_at=min([*moments, row.first_died_at]),
                last_died_at=max([*moments, row.last_died_at]),
            )


def _add_rates(id: UUID, fallen: Sequence[Fallen]) -> None:
    found: dict[tuple[int, datetime, str], int] = defaultdict(int)
    for each in fallen:
        for seconds in STEPS:
            found[seconds, floor(each.died_at, seconds), each.letter.version] += 1
    for (seconds, at, version), number in sorted(found.items()):
        key = {"group_id": id, "seconds": seconds, "at": at, "version": version}
        row, made = GroupRate.objects.get_or_create(**key, defaults={"deaths": number})
        if not made:
            GroupRate.objects.filter(pk=row.pk).update(deaths=F("deaths") + number)


def floor(moment: datetime, seconds: int) -> datetime:
    """The beginning of its minute or hour."""
    return moment - timedelta(seconds=moment.timestamp() % seconds)


def _change(group: FailureGroup, before: str, after: Triage, at: datetime, reason: str) -> None:
    GroupChange.objects.create(group=group, before=before, after=after, at=at, by=BY, reason=reason)
