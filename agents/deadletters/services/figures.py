"""The figures of groups go with their letters: deaths by part, by minute and by hour, taken from one group and given to
another in the transaction that moves the letters. Whoever calls holds both groups locked, so nobody counts meanwhile.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Max, Min

from agents.deadletters.models import Death, FailureGroup, GroupPart
from agents.deadletters.services import rates
from agents.deadletters.services.grouping import STEPS, floor
from core.among import among

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


Parts = dict[Key, Span]


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
    figures: Parts = {}
    deaths = defaultdict[Key, list[UUID]](list)
    counted: Counter[tuple[int, datetime, str]] = Counter()
    names = ("pk", "letter_id", "counted_in", "died_at", "agent", "version")
    rows = Death.objects.filter(among("letter", of)).values_list(*names)
    for pk, letter, part, died_at, agent, version in rows:
        key = Key(of[letter].queue, agent, version, of[letter].workflow)
        if part is not None:
            if part not in parts:
                continue
            key = _key(parts[part])
        if left.get(key, 0) > 0:
            left[key] -= 1
            _add(figures, key, Span(1, died_at, died_at))
            counted.update((seconds, floor(died_at, seconds), key.version) for seconds in STEPS)
            deaths[key].append(pk)
    take(source, figures)
    given = give(into, figures)
    rates.carry(counted, source.pk, into.pk)
    for key, some in deaths.items():
        Death.objects.filter(among("pk", some)).update(counted_in=given[key])


def copy(source: FailureGroup, into: FailureGroup) -> None:
    """All that `source` counts is counted by `into`, and `source` keeps it: for whoever takes that back."""
    give(into, _whole(source))
    rates.copy(source.pk, into.pk)


def take_back(source: FailureGroup, into: FailureGroup) -> None:
    """What `copy` added goes out of `into`, as much as is still there; and that is what `source` counts."""
    kept = take(into, _whole(source))
    take(
        source,
        {key: span._replace(deaths=span.deaths - _deaths(kept, key)) for key, span in _whole(source).items()},
    )
    rates.take_back(source.pk, into.pk)


def take(group: FailureGroup, wanted: Parts) -> Parts:
    """Out of a group, as much of it as is there. Returns what was taken."""
    rows = {_key(row): row for row in group.parts.all()}
    taken: Parts = {}
    for key, span in wanted.items():
        row = rows.get(key)
        if row is None or not (number := min(row.deaths, span.deaths)):
            continue
        taken[key] = span._replace(deaths=number)
        row.deaths -= number
        row.save(update_fields=["deaths"]) if row.deaths else row.delete()
    number = sum(span.deaths for span in taken.values())
    FailureGroup.objects.filter(pk=group.pk).update(deaths=F("deaths") - number)
    return taken


def give(group: FailureGroup, parts: Parts) -> dict[Key, int]:
    """Into a group; returns its parts that count them."""
    rows = {_key(row): row for row in group.parts.all()}
    for key, span in parts.items():
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
    _widen(group, parts.values())
    return {key: rows[key].pk for key in parts}


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


def _whole(group: FailureGroup) -> Parts:
    return {_key(row): Span(row.deaths, row.first_died_at, row.last_died_at) for row in group.parts.all()}


def _add(parts: Parts, key: Key, span: Span) -> None:
    parts[key] = parts[key].with_(span) if key in parts else span


def _deaths(parts: Parts, key: Key) -> int:
    return parts[key].deaths if key in parts else 0
