"""Samples into minutes, tens of minutes and hours. Each cell is written whole, so a crash leaves nothing twice.

A minute is written with every sample; the longer stretches when a minute is over, from what the minutes add up to.
After a start they are made anew from the minutes that were written, so no sample is missing in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connections

from agents.queues import tallies
from agents.queues.models import QueueCell
from agents.queues.tallies import COLUMNS, SKETCHES
from agents.queues.values import Tally
from agents.topology.levels import LEVELS, start_of
from core.databases import TELEMETRY

LONGER = LEVELS[1:]
Cells = dict[tuple[int, int, int], Tally]  # by level, start and queue


class Writer:
    """One for each broker: its queues' cells are written by nobody else. For a transaction of its caller's."""

    def __init__(self) -> None:
        self._minute = 0
        self._open: dict[int, Tally] = {}
        self._longer: Cells = {}

    def add(self, minute: int, samples: Mapping[int, Tally]) -> None:
        """Samples of one moment, by queue. When it raises, this object must be made anew."""
        if minute != self._minute:
            self._turn(minute, samples)
        for id, tally in samples.items():
            tallies.add(self._open.setdefault(id, Tally()), tally)
        put({(1, minute, id): self._open[id] for id in samples})

    def _turn(self, minute: int, ids: Iterable[int]) -> None:
        """A minute is over: it counts in the longer stretches. The first one begins with what is stored."""
        if self._minute:
            self._close()
            self._open = {}
        else:
            self._restore(minute, list(ids))
        self._minute = minute

    def _close(self) -> None:
        changed: Cells = {}
        for level in LONGER:
            start = start_of(level, self._minute)
            for id, tally in self._open.items():
                key = (level, start, id)
                tallies.add(self._longer.setdefault(key, Tally()), tally)
                changed[key] = self._longer[key]
        put(changed)
        self._longer = {
            key: tally for key, tally in self._longer.items() if key[1] == start_of(key[0], self._minute)
        }

    def _restore(self, minute: int, ids: list[int]) -> None:
        """From the last hour that was written to: its minutes, added up anew."""
        newest = _newest_minute(ids)
        if newest is None:
            return
        for start, id, tally in _minutes(start_of(60, newest), ids):
            if start == minute:
                self._open[id] = tally
                continue
            for level in LONGER:
                tallies.add(self._longer.setdefault((level, start_of(level, start), id), Tally()), tally)
        put(self._longer)
        self._longer = {
            key: tally for key, tally in self._longer.items() if key[1] == start_of(key[0], minute)
        }


def put(cells: Cells) -> None:
    """Past the ORM's objects: a thousand rows come here every few seconds."""
    if not cells:
        return
    table = QueueCell._meta.db_table
    columns = ("level", "start", "queue_id", *COLUMNS, *SKETCHES)
    names = ", ".join(f'"{name}"' for name in columns)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns[3:])
    statement = (
        f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(["%s"] * len(columns))}) '  # noqa: S608
        f"ON CONFLICT (level, start, queue_id) DO UPDATE SET {changes}"
    )
    rows = [(*key, *tallies.stored(tally)) for key, tally in cells.items()]
    with connections[TELEMETRY].cursor() as cursor:
        cursor.executemany(statement, rows)


def _newest_minute(ids: list[int]) -> int | None:
    rows = QueueCell.objects.filter(level=1, queue_id__in=ids[:500])
    return rows.order_by("-start").values_list("start", flat=True).first()


def _minutes(since: int, ids: list[int]) -> Iterable[tuple[int, int, Tally]]:
    """From there on, the first first."""
    wanted, names = set(ids), ("start", "queue_id", *COLUMNS, *SKETCHES)
    rows: Any = QueueCell.objects.filter(level=1, start__gte=since).order_by("start")
    for row in rows.values_list(*names, named=True).iterator(2_000):
        if row.queue_id in wanted:
            yield row.start, row.queue_id, tallies.loaded(row)
