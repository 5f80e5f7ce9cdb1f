"""Events in: kept once each, and their messages brought up to what they say, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple

from agents.ledger import table
from agents.ledger.fold import begin, fold, follow, in_order, needs_history
from agents.ledger.services import moving
from agents.ledger.table import Row
from agents.ledger.values import Key, Message, Sources, Told
from core import hints
from core.databases import TELEMETRY

TOPIC = "messages"
# What one transaction takes at most: topology and retention write the same database.
TOGETHER = 2_000


class Kept(NamedTuple):
    """What came of some events."""

    new: int
    repeated: int


class _Pending(NamedTuple):
    """A message whose row is being made: its number, what is known, and what was told now, in order."""

    id: int
    known: Message | None
    told: list[Told]

    @property
    def late(self) -> bool:
        """The history decides."""
        return self.known is not None and needs_history(self.known, self.told)


def keep(events: Sequence[Told], *, from_broker: bool = False, if_only: Sources | None = None) -> Kept:
    """Committed when it returns; repeating it changes nothing. Every event names its environment.

    Those from a broker may say where a message belongs that Celery's stream told of before, and that was put into
    the default environment for want of a better one. With `if_only`, messages that others than these told of are
    left as they are.
    """
    new = 0
    for start in range(0, len(events), TOGETHER):
        new += _keep(events[start : start + TOGETHER], from_broker, if_only)
    return Kept(new, len(events) - new)


def _keep(events: Sequence[Told], from_broker: bool, if_only: Sources | None) -> int:
    with table.alone():
        known = table.rows({each.event.message_id for each in events})
        if if_only is not None:
            events = _without(events, {row.key for _, row in known if row.sources & ~int(if_only)})
        moved = moving.to_their_environment(known, events) if from_broker else []
        pending = _pending(known, [*moved, *events])
        rows = [(each.id, one) for each in pending for one in each.told]
        new = table.add_events(rows)
        table.put_messages(list(_folded(pending, repeats=new < len(rows))))
        hints.hint(TOPIC, using=TELEMETRY)
    return max(0, new - len(moved))


def _without(events: Sequence[Told], known: Set[Key]) -> list[Told]:
    return [each for each in events if Key(each.event.environment, each.event.message_id) not in known]


def _pending(rows: Iterable[Row], events: Sequence[Told]) -> list[_Pending]:
    by_key: dict[Key, list[Told]] = {}
    for each in events:
        by_key.setdefault(Key(each.event.environment, each.event.message_id), []).append(each)
    known = {key: row for row in rows if (key := row[1].key) in by_key}
    next_id = table.next_id() if len(known) < len(by_key) else 0
    found = []
    for key, some in by_key.items():
        row = known.get(key)
        if row is None:
            found.append(_Pending(next_id, None, in_order(some)))
            next_id += 1
        else:
            found.append(_Pending(row[0], row[1], in_order(some)))
    return found


def _folded(pending: Iterable[_Pending], *, repeats: bool) -> Iterable[Row]:
    """Among repeats there may be one that says something else this time: the first to come is kept, and counts."""
    late = {each.id for each in pending if each.late or (repeats and each.known is not None)}
    histories = table.events_of(late) if late else {}
    for each in pending:
        if each.id in late:
            yield each.id, fold(histories[each.id])
        elif each.known is None:
            yield each.id, begin(each.told)
        else:
            yield each.id, follow(each.known, each.told)
