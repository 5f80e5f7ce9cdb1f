"""The figures beside the rail's titles: how many things want this very person.

A room offers what waits, each thing with its place and perhaps one account that it does not wait for; the sums are
worked out for each subject from one reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from core.access import selectors
from core.access.api import SOMEWHERE, Kind, Permission, Place, Subject, may
from dashboard.live.api import Row, State


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many things in one place. They do not wait for the account `not_for`."""

    place: Place
    number: int = 1
    not_for: tuple[str, str] = (Kind.ANONYMOUS, "")


@dataclass(frozen=True, slots=True)
class Count:
    """A figure of the rail: whose right it takes to do something about it, and what waits now."""

    name: str
    permission: Permission
    waiting: Callable[[], Iterable[Waiting]]


def approvals() -> Iterable[Waiting]:
    """Nobody approves what they asked for themselves."""
    for approval in selectors.waiting():
        yield Waiting(approval.place, not_for=(approval.asked_by_kind, approval.asked_by_id))


@dataclass(frozen=True, slots=True)
class Counts:
    """The topic: a row per figure, `{"count": n}`."""

    counts: tuple[Count, ...]
    name: str = "counts"
    permission: Permission = Permission.SEE

    def load(self) -> State:
        every = ((count, each) for count in self.counts for each in count.waiting())
        return State(None, {str(number): _row(count, each) for number, (count, each) in enumerate(every)})

    def seen_by(self, subject: Subject, rows: Mapping[str, Row]) -> Mapping[str, Row]:
        found: Counter[str] = Counter()
        permission = {count.name: count.permission for count in self.counts}
        for row in rows.values():
            name = row.data["name"]
            if row.data["not_for"] != [subject.kind, subject.id] and may(
                subject, permission[name], row.place
            ):
                found[name] += row.data["number"]
        return {count.name: Row(SOMEWHERE, {"count": found[count.name]}) for count in self.counts}


def _row(count: Count, each: Waiting) -> Row:
    return Row(each.place, {"name": count.name, "number": each.number, "not_for": [*each.not_for]})
