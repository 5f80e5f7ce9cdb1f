"""Deaths into groups: in the transaction that keeps them; later for letters that were kept before there were groups.

A fingerprint that nobody knows may say the same as another one, but for values: then its group is that one's
(grouping_by_place.py).

A better way of forming fingerprints makes others of the same deaths. Groups that an earlier one formed live on: where a
fingerprint is new, letters of such groups are formed anew, and theirs is the death if they are the same today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from agents.deadletters import fingerprint, selectors, words
from agents.deadletters.fingerprint import Died, Formed, Told, is_alike, is_current
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
from agents.deadletters.services import grouping_by_place as by_place
from agents.deadletters.values import Arrival, Contents, State, Triage
from core import clock, hints, ids

TOPIC = "groups"
BY = "capture"
BATCH = 200
# Of older groups that a new fingerprint may belong to, and of letters of each: more are not looked at for one death.
MOST_OLDER, SAMPLES = 50, 5
# What a chart is drawn from: minutes for a while, hours for as long as letters are kept.
STEPS = (60, 3600)
# A lock of PostgreSQL's; any number that nothing else has.
DECISIONS = 7_103_042_281
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
    # What it says at its place: asked for only where nobody knows its fingerprint.
    tell: Callable[[], Told]
    died_at: datetime
    # The redrive that it came after, and whether it is the failure that the letter had before.
    redrive: int = 0
    same: bool = False
    # Given: it stays there.
    group: FailureGroup | None = None
    # It found its group because it says the same as others there.
    joined: bool = False
    # Its row, which says where it is counted.
    death: Death | None = None


def died(arrival: Arrival) -> Died:
    """What an arrival's fingerprint is formed of."""
    last: Mapping[str, Any] = arrival.contents.attempts[-1] if arrival.contents.attempts else {}
    why = arrival.failure
    who = arrival.agent or arrival.queue
    return Died(who, str(why.reason), why.type, why.message, str(last.get("traceback") or ""))


def teller(arrival: Arrival) -> Callable[[], Told]:
    """What an arrival says at its place, once somebody asks."""
    return cache(lambda: by_place.told_of(died(arrival), arrival.contents))


def fingerprint_of(letter: Letter) -> str:
    """As it is formed today, whenever the letter was kept."""
    if not letter.fingerprint or is_current(letter.fingerprint):
        return letter.fingerprint
    return fingerprint.form(_died(letter)[0]).fingerprint


def is_same(letter: Letter, formed: Formed, tell: Callable[[], Told]) -> bool:
    """Is a further death the failure that the letter had: of its fingerprint, or of one that leads to its group, or
    would lead there?"""
    if formed.fingerprint == fingerprint_of(letter):
        return True
    home = home_of(letter.group)
    known = GroupAlias.objects.filter(environment=letter.environment, fingerprint=formed.fingerprint).first()
    if known:
        return known.group == home
    like = by_place.find(letter.environment, tell())
    return like is not None and (like.fingerprint == letter.fingerprint or by_place.group_of(like) == home)


def home_of(group: FailureGroup | None) -> FailureGroup | None:
    """Where the letters of a group belong: it may have been merged, and they still be on their way."""
    while group and (onward := group.going_to or group.merged_into):
        group = onward
    return group


def hold_decisions(*, alone: bool = False) -> None:
    """Until the transaction ends, nobody decides about groups by hand; `alone`: nor are deaths sorted into them. So no
    death goes where its group has just been merged or split. On SQLite one transaction writes at a time."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            shared = "" if alone else "_shared"
            cursor.execute(f"SELECT pg_advisory_xact_lock{shared}(%s)", [DECISIONS])


def assign(fallen: Sequence[Fallen]) -> None:
    """Give each its group, make those that are new, and count. In the caller's transaction; rows are taken in one
    order, so that nobody waits in a circle."""
    if not fallen:
        return
    hold_decisions()
    now = clock.now()
    homeless = [each for each in fallen if each.group is None]
    stay = [each for each in fallen if each.group is not None]
    groups = _groups({(each.letter.environment, each.formed): each for each in homeless}, now)
    splits = _Splits({group.pk for group in groups.values()})
    for each in homeless:
        group = groups[each.letter.environment, each.formed.fingerprint]
        each.group = splits.follow(group, each.letter)
    _name(stay)
    _count(fallen, now)
    hints.hint(TOPIC)


def backfill(most: int = BATCH) -> int:
    """Up to `most` letters that have no group yet; returns how many there were."""
    rows = list(Letter.objects.filter(group=None).order_by("pk")[:most])
    with transaction.atomic():
        fallen = [_fallen(row) for row in rows]
        assign(fallen)
        for each in fallen:
            assert each.group
            said = each.formed.fingerprint
            Letter.objects.filter(pk=each.letter.pk, group=None).update(group=each.group, fingerprint=said)
            Death.objects.filter(letter=each.letter.pk, fingerprint="").update(fingerprint=said)
            if each.death:
                each.death.save(update_fields=["counted_in"])
        _index(rows)
    return len(rows)


def _index(rows: Sequence[Letter]) -> None:
    """Those that were kept before there were words."""
    known = set(LetterText.objects.filter(letter__in=rows).values_list("letter", flat=True))
    LetterText.objects.bulk_create(
        LetterText(letter=row, said=words.said(row)) for row in rows if row.pk not in known
    )


def _fallen(row: Letter) -> Fallen:
    how, contents = _died(row)
    tell = cache(lambda: by_place.told_of(how, contents))
    death = row.died.order_by("-number").first()
    return Fallen(row, fingerprint.form(how), tell, row.last_died_at, death=death)


def _died(letter: Letter) -> tuple[Died, Contents | None]:
    """How it died last, and what custody keeps of it, if that can be read."""
    try:
        contents = selectors.contents_of(letter)
    except SealError:
        contents = None
    last = contents.attempts[-1] if contents and contents.attempts else {}
    who = letter.agent or letter.queue
    said = str(last.get("traceback") or "")
    how = Died(who, letter.failure_reason, letter.failure_type, letter.failure_message, said)
    return how, contents


def _name(fallen: Sequence[Fallen]) -> None:
    """Where a letter stays in its group, its fingerprint leads there, unless it leads somewhere already: it may be one
    that was formed otherwise before, or says the same as one that leads somewhere."""
    known = _known({(each.letter.environment, each.formed.fingerprint) for each in fallen})
    for each in fallen:
        environment = each.letter.environment
        if not each.group or (environment, each.formed.fingerprint) in known:
            continue
        like = by_place.find(environment, each.tell())
        if like or not is_current(each.group.fingerprint):
            by_place.lead(
                environment, each.formed, each.tell(), by_place.group_of(like) if like else each.group, like
            )


# ---- Which group -----------------------------------------------------------------------------------------------
def _groups(
    fallen: Mapping[tuple[str, Formed], Fallen], now: datetime
) -> dict[tuple[str, str], FailureGroup]:
    """By environment and fingerprint; those that nobody knows are made."""
    wanted = {(place, formed.fingerprint): each for (place, formed), each in fallen.items()}
    found = _known(wanted)
    unknown = {key: each for key, each in wanted.items() if key not in found}
    if unknown:
        by_place.lock({(place, each.tell().place) for (place, _), each in unknown.items()})
        # Somebody may have made them meanwhile.
        found |= _known(unknown)
    for key in sorted(unknown.keys() - found.keys()):
        each = unknown[key]
        found[key] = _older(each, _is_formed_so) or _alike(each) or _older(each, _says_so) or _new(each, now)
    return found


def _alike(each: Fallen) -> FailureGroup | None:
    """The group of a failure that says the same at the same place."""
    like = by_place.find(each.letter.environment, each.tell())
    if like is None:
        return None
    each.joined = True
    group = by_place.group_of(like)
    return by_place.lead(each.letter.environment, each.formed, each.tell(), group, like).group


def _older(each: Fallen, is_it: Callable[[Fallen, Letter], bool]) -> FailureGroup | None:
    """The group of an earlier algorithm whose letters would be this failure today; from now on it is known by its
    fingerprint. Of several the first, from which others may have been split."""
    for group in _formed_earlier(each.letter):
        if any(is_it(each, letter) for letter in _samples(group)):
            return _renewed(home_of(group) or group, each)
    return None


def _is_formed_so(each: Fallen, letter: Letter) -> bool:
    return fingerprint.form(_died(letter)[0]).fingerprint == each.formed.fingerprint


def _says_so(each: Fallen, letter: Letter) -> bool:
    return is_alike(each.tell(), by_place.told_of(*_died(letter)))


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
    return by_place.lead(group.environment, each.formed, each.tell(), group).group


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
    kept = by_place.lead(letter.environment, each.formed, each.tell(), group)
    if kept.group_id != group.pk:
        group.delete()
        return kept.group
    _change(group, "", Triage.NEW, now, "first death")
    return group


class _Splits:
    """What was split from groups by hand, and from what was split from them."""

    def __init__(self, groups: Collection[UUID]) -> None:
        self._of: dict[UUID, list[GroupSplit]] = {}
        self._look_up(groups)

    def follow(self, group: FailureGroup, letter: Letter) -> FailureGroup:
        """Where the letter belongs. One that comes back to where it was stays there: somebody merged it."""
        seen = {group.pk}
        while (onward := self._into(group, letter)) and onward.pk not in seen:
            seen.add(onward.pk)
            group = onward
        return onward or group

    def _into(self, group: FailureGroup, letter: Letter) -> FailureGroup | None:
        if group.pk not in self._of:
            self._look_up([group.pk])
        found = self._of[group.pk]
        return next((row.into for row in found if str(getattr(letter, row.field)) == row.value), None)

    def _look_up(self, groups: Collection[UUID]) -> None:
        self._of |= {id: [] for id in groups}
        for row in GroupSplit.objects.filter(group__in=groups).select_related("into").order_by("pk"):
            self._of[row.group_id].append(row)


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
    joined = [each.formed for each in fallen if each.joined]
    changes |= by_place.joined(group, joined) if joined else {}
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
        for each in those:
            if each.death:
                each.death.counted_in = row.pk


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
