"""The figures of groups go with their letters: deaths by part, by minute and by hour, taken from one group and given to
another in the transaction that moves the letters. Whoever calls holds both groups locked, so nobody counts meanwhile.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Max, Min

from agents.deadletters.models import Death, FailureGroup, GroupPart, GroupRate
from agents.deadletters.services.grouping import STEPS, floor
from core.among import among

ROWS = 500
TRIES = 3


class Key(NamedTuple):
    """A part of a group."""

    queue: str
    agent: str
    version: str
    workflow: str


class Span(NamedTuple):
    """So many deaths between two moments."""

    deaths: int
    first: datetime
    last: datetime

    def with_(self, other: Span) -> Span:
        return Span(self.deaths + other.deaths, min(self.first, other.first), max(self.last, other.last))


@dataclass(slots=True)
class Figures:
    """Deaths by part, and by (seconds, moment, version)."""

    parts: dict[Key, Span] = field(default_factory=dict)
    rates: Counter[tuple[int, datetime, str]] = field(default_factory=Counter)

    def add(self, key: Key, died_at: datetime) -> None:
        one = Span(1, died_at, died_at)
        self.parts[key] = self.parts[key].with_(one) if key in self.parts else one
        for seconds in STEPS:
            self.rates[seconds, floor(died_at, seconds), key.version] += 1


class Moved(NamedTuple):
    """A letter that goes; what its parts are told from where that was not written down."""

    pk: UUID
    queue: str
    workflow: str


def carry(letters: Collection[Moved], source: FailureGroup, into: FailureGroup) -> None:
    """The deaths of these letters that `source` counts are counted by `into`."""
    parts = {row.pk: row for row in source.parts.all()}
    left = {_key(row): row.deaths for row in parts.values()}
    of = {each.pk: each for each in letters}
    figures, deaths = Figures(), defaultdict[Key, list[UUID]](list)
    names = ("pk", "letter_id", "counted_in", "died_at", "agent", "version")
    for pk, letter, part, died_at, agent, version in Death.objects.filter(among("letter", of)).values_list(
        *names
    ):
        key = Key(of[letter].queue, agent, version, of[letter].workflow)
        if part is not None:
            if part not in parts:
                continue
            key = _key(parts[part])
        if left.get(key, 0) > 0:
            left[key] -= 1
            figures.add(key, died_at)
            deaths[key].append(pk)
    given = give(into, take(source, figures))
    for key, some in deaths.items():
        Death.objects.filter(among("pk", some)).update(counted_in=given[key])


def take(group: FailureGroup, wanted: Figures) -> Figures:
    """Out of a group, as much of it as is there; minutes are dropped earlier than deaths. Returns what was taken."""
    rows = {_key(row): row for row in group.parts.all()}
    taken = Figures()
    for key, span in wanted.parts.items():
        row = rows.get(key)
        if row is None or not (number := min(row.deaths, span.deaths)):
            continue
        taken.parts[key] = Span(number, span.first, span.last)
        row.deaths -= number
        row.save(update_fields=["deaths"]) if row.deaths else row.delete()
    gone: list[GroupRate] = []
    kept: list[GroupRate] = []
    for rate in _rates(group, wanted.rates):
        number = min(rate.deaths, wanted.rates[rate.seconds, rate.at, rate.version])
        taken.rates[rate.seconds, rate.at, rate.version] = number
        rate.deaths -= number
        (kept if rate.deaths else gone).append(rate)
    GroupRate.objects.filter(among("pk", [each.pk for each in gone])).delete()
    _put(kept)
    number = sum(span.deaths for span in taken.parts.values())
    FailureGroup.objects.filter(pk=group.pk).update(deaths=F("deaths") - number)
    return taken


def give(group: FailureGroup, figures: Figures) -> dict[Key, int]:
    """Into a group; returns its parts that count them."""
    rows = {_key(row): row for row in group.parts.all()}
    for key, span in figures.parts.items():
        row = rows.get(key)
        if row is None:
            row = rows[key] = GroupPart(group=group, environment=group.environment, **key._asdict())
            row.first_died_at, row.last_died_at = span.first, span.last
        row.deaths += span.deaths
        row.first_died_at, row.last_died_at = (
            min(row.first_died_at, span.first),
            max(row.last_died_at, span.last),
        )
        row.save()
    known = {(row.seconds, row.at, row.version): row for row in _rates(group, figures.rates)}
    for (seconds, at, version), number in figures.rates.items():
        rate = known.setdefault(
            (seconds, at, version), GroupRate(group=group, seconds=seconds, at=at, version=version)
        )
        rate.deaths += number
    _put(known.values())
    _widen(group, figures.parts.values())
    return {key: rows[key].pk for key in figures.parts}


def whole(group: FailureGroup) -> Figures:
    """All that a group counts."""
    parts = {_key(row): Span(row.deaths, row.first_died_at, row.last_died_at) for row in group.parts.all()}
    rates = group.rates.values_list("seconds", "at", "version", "deaths")
    return Figures(parts, Counter({(seconds, at, version): number for seconds, at, version, number in rates}))


def leave_only(group: FailureGroup, kept: Figures) -> None:
    """A group counts no more than this of what it counts. Its parts stay the same rows, to which deaths point."""
    before = whole(group)
    too_much = Figures(
        {
            key: span._replace(
                deaths=span.deaths - kept.parts[key].deaths if key in kept.parts else span.deaths
            )
            for key, span in before.parts.items()
        },
        before.rates - kept.rates,
    )
    take(group, too_much)


def narrow(group: FailureGroup) -> None:
    """The first and the last death of each part of a group that some went from, from the deaths that are left.

    They are read beside the transaction, and count only where as many are counted afterwards. Where they are fewer,
    letters of it have expired or died of something else since: then it keeps the moments that it has."""
    for _ in range(TRIES):
        before = FailureGroup.objects.values_list("deaths", flat=True).get(pk=group.pk)
        rows = Death.objects.filter(
            letter__group=group.pk, counted_in__in=list(group.parts.values_list("pk", flat=True))
        )
        found = (
            rows.order_by().values_list("counted_in").annotate(Count("pk"), Min("died_at"), Max("died_at"))
        )
        spans = {part: Span(*span) for part, *span in found}
        if _narrowed(group, spans) == before:
            return


@transaction.atomic
def _narrowed(group: FailureGroup, spans: dict[int, Span]) -> int:
    """Returns how many deaths it counts by now."""
    counted = FailureGroup.objects.select_for_update().get(pk=group.pk).deaths
    parts = list(group.parts.all())
    for row in parts:
        span = spans.get(row.pk)
        if span and span.deaths == row.deaths and (row.first_died_at, row.last_died_at) != span[1:]:
            row.first_died_at, row.last_died_at = span.first, span.last
            row.save(update_fields=["first_died_at", "last_died_at"])
    if parts:
        first, last = min(row.first_died_at for row in parts), max(row.last_died_at for row in parts)
        FailureGroup.objects.filter(pk=group.pk).update(first_died_at=first, last_died_at=last)
    return counted


def _widen(group: FailureGroup, spans: Iterable[Span]) -> None:
    """Read anew: `group` may be older than what was counted."""
    together = list(spans)
    if not together:
        return
    row = FailureGroup.objects.only("deaths", "first_died_at", "last_died_at").get(pk=group.pk)
    first, last = min(each.first for each in together), max(each.last for each in together)
    if row.deaths:
        first, last = min(first, row.first_died_at), max(last, row.last_died_at)
    number = sum(each.deaths for each in together)
    FailureGroup.objects.filter(pk=group.pk).update(
        deaths=F("deaths") + number, first_died_at=first, last_died_at=last
    )


def _key(row: GroupPart) -> Key:
    return Key(row.queue, row.agent, row.version, row.workflow)


def _rates(group: FailureGroup, wanted: Iterable[tuple[int, datetime, str]]) -> list[GroupRate]:
    """Those of the group that are among the wanted ones."""
    keys = set(wanted)
    rows = GroupRate.objects.filter(among("at", {at for _, at, _ in keys}), group=group)
    return [row for row in rows if (row.seconds, row.at, row.version) in keys]


def _put(rates: Iterable[GroupRate]) -> None:
    """As they are now, whether they were there or not."""
    GroupRate.objects.bulk_create(
        [
            GroupRate(
                group_id=row.group_id, seconds=row.seconds, at=row.at, version=row.version, deaths=row.deaths
            )
            for row in rates
        ],
        ROWS,
        update_conflicts=True,
        unique_fields=["group", "seconds", "at", "version"],
        update_fields=["deaths"],
    )
