"""How far the spans were read, by each of those who read them in the order of commit."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from agents.topology.models import Reading


class Reads(IntEnum):
    """Who reads: the number of its row."""

    EDGES = 1
    WORKFLOWS = 2


class Place(NamedTuple):
    """How far the spans were read."""

    cursor: str
    window_cursor: str
    revision: int


class Step(NamedTuple):
    """What one step did. `more`: there is a backlog, so do not wait before the next one."""

    spans: int
    more: bool
    revision: int


class OvertakenError(Exception):
    """Another reader has the lease and wrote since. Leave the spans to it."""


def place(who: Reads = Reads.EDGES) -> Place:
    """Where the last writer stopped; the beginning when nobody ever wrote."""
    row = Reading.objects.filter(pk=who).first()
    return Place(row.cursor, row.window_cursor, row.revision) if row else Place("", "", 0)


def move(who: Reads, before: Place, after: Place, token: int) -> None:
    """Compare-and-set of a reading, in the transaction that writes what was read: a reader whose lease passed to
    another changes nothing.

    Raises OvertakenError.
    """
    Reading.objects.get_or_create(pk=who)
    changed = Reading.objects.filter(pk=who, revision=before.revision, token__lte=token).update(
        cursor=after.cursor, window_cursor=after.window_cursor, revision=after.revision, token=token
    )
    if changed != 1:
        raise OvertakenError(f"The reading moved on from revision {before.revision}.")
