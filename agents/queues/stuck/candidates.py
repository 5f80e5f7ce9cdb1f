"""Which messages are looked at: those in one state for longer than anything usual. Bounded, in a few questions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import Q, QuerySet

from agents.ledger.models import MessageRow
from agents.ledger.values import HELD_BY_AGENT, Kind
from agents.queues.stuck.findings import MANY_ATTEMPTS
from core.databases import TELEMETRY

SECOND = 1_000_000
# Younger than this nothing is looked at.
YOUNGEST_S = 5.0
RETRY_S = 30.0
# What one look takes in at most: with more, counts are at least so many.
MOST_WAITING = 50_000
MOST_GROUPS = 500
MOST_HELD = 2_000
MOST_CHILDREN = 5_000
FLOW_S = 15.0
LATELY_S = 5.0
WAITING = (Kind.SENT, Kind.WAITING)
ENDS = (Kind.SUCCEEDED, Kind.DEAD, Kind.EXPIRED, Kind.REFUSED, Kind.PURGED)
TAKEN = (*HELD_BY_AGENT, Kind.RETRYING, *ENDS)


class Where(NamedTuple):
    """A queue as messages name it."""

    environment: str
    broker: str
    queue: str


class Group(NamedTuple):
    """Messages that wait in one queue beyond the least time."""

    where: Where
    messages: int
    since: int  # of the oldest


class Flow(NamedTuple):
    """What the last seconds saw of a queue; `moved`: when one of it was last taken or done, 0 for never;
    `left_lately`: of those who left, the last ones."""

    entered: int = 0
    left: int = 0
    moved: int = 0
    left_lately: int = 0

    @property
    def leaving(self) -> float:
        """A second; over the last seconds or the very last ones, whichever is more: who slows down does so in both, a
        few slow messages one behind the other only in the shorter."""
        return max(self.left / FLOW_S, self.left_lately / LATELY_S)


def waiting(now: int) -> list[Group]:
    """By queue, those with the oldest first."""
    table = MessageRow._meta.db_table
    statement = (
        "SELECT environment, broker, queue, COUNT(*), MIN(since) FROM ("  # noqa: S608 - names of ours
        f"SELECT environment, broker, queue, since FROM {table} "
        f"WHERE state IN (%s, %s) AND since < %s AND waits_for = '' LIMIT {MOST_WAITING}) AS late "
        f"GROUP BY environment, broker, queue ORDER BY MIN(since) LIMIT {MOST_GROUPS}"
    )
    with connections[TELEMETRY].cursor() as cursor:
        cursor.execute(statement, [*map(str, WAITING), now - int(YOUNGEST_S * SECOND)])
        return [Group(Where(*row[:3]), row[3], row[4]) for row in cursor.fetchall()]


def first_of(group: Group) -> MessageRow | None:
    """The message of a group that waits longest."""
    rows = MessageRow.objects.filter(
        state__in=WAITING, since=group.since, waits_for="", **group.where._asdict()
    )
    return rows.order_by("pk").first()


def some_of(where: Where, before: int, limit: int) -> list[str]:
    """Ids of messages that wait there since before then, the oldest first."""
    rows = MessageRow.objects.filter(state__in=WAITING, since__lt=before, waits_for="", **where._asdict())
    return list(rows.order_by("since").values_list("message_id", flat=True)[:limit])


def held(now: int) -> list[MessageRow]:
    """In somebody's hands, retrying or waiting for input, for longer than anything usual; the oldest first."""
    young = now - int(YOUNGEST_S * SECOND)
    wanted = (
        Q(state__in=HELD_BY_AGENT, since__lt=young)
        | Q(state__in=HELD_BY_AGENT, attempt__gt=MANY_ATTEMPTS, first_seen__lt=young)
        | Q(state=Kind.RETRYING, attempt__gte=MANY_ATTEMPTS, first_seen__lt=young)
        | Q(state=Kind.RETRYING, first_seen__lt=now - int(RETRY_S * SECOND))
        | Q(state=Kind.WAITING, since__lt=young) & ~Q(waits_for="")
    )
    return list(_under_way().filter(wanted).order_by("since")[:MOST_HELD])


def in_hand(queues: Collection[Where]) -> dict[Where, int]:
    """How many messages of each of these queues somebody has in hand, whatever their age."""
    names = {each.queue for each in queues}
    rows = MessageRow.objects.filter(state__in=HELD_BY_AGENT, queue__in=names)
    found: dict[Where, int] = {}
    for row in rows.values_list("environment", "broker", "queue")[:MOST_WAITING]:
        found[Where(*row)] = found.get(Where(*row), 0) + 1
    return found


def children(parents: Sequence[MessageRow]) -> list[MessageRow]:
    """Messages under way that these sent."""
    ids = list({row.message_id for row in parents})
    found: list[MessageRow] = []
    for start in range(0, len(ids), 500):
        found += _under_way().filter(parent_id__in=ids[start : start + 500])[: MOST_CHILDREN - len(found)]
    return found


def flows(queues: Collection[Where], now: int) -> dict[tuple[str, str], Flow]:
    """Of the queues with these names, by broker and name."""
    names = sorted({each.queue for each in queues})
    if not names:
        return {}
    since, table = now - int(FLOW_S * SECOND), MessageRow._meta.db_table
    ends, taken = _listed(ENDS), _listed(TAKEN)
    statement = (
        "SELECT broker, queue, SUM(CASE WHEN first_seen >= %s THEN 1 ELSE 0 END), "  # noqa: S608 - names of ours
        f"SUM(CASE WHEN state IN ({ends}) THEN 1 ELSE 0 END), "
        f"MAX(CASE WHEN state IN ({taken}) THEN heard ELSE 0 END), "
        f"SUM(CASE WHEN state IN ({ends}) AND heard >= %s THEN 1 ELSE 0 END) "
        f"FROM {table} WHERE heard >= %s AND queue IN ({', '.join(['%s'] * len(names))}) GROUP BY broker, queue"
    )
    with connections[TELEMETRY].cursor() as cursor:
        cursor.execute(statement, [since, now - int(LATELY_S * SECOND), since, *names])
        return {(row[0], row[1]): Flow(*map(int, row[2:])) for row in cursor.fetchall()}


def told_of(broker: str, since: int, until: int, sources: int = 0) -> bool:
    """Whether anybody told of messages on a broker then; with `sources`, by one of these ways."""
    rows = MessageRow.objects.filter(heard__gte=since, heard__lte=until, broker=broker)
    said: Any = rows.order_by("-heard").values_list("sources", flat=True)[:1_000]
    return any(not sources or each & sources for each in said)


def _under_way() -> QuerySet[MessageRow]:
    return MessageRow.objects.filter(state__in=(*WAITING, *HELD_BY_AGENT, Kind.RETRYING))


def _listed(kinds: Sequence[Kind]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)
