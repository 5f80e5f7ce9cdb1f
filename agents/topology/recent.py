"""The last minutes of the whole graph, kept up by reading what changed: what live shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from agents.topology.drawing import Drawing, Drawn
from agents.topology.models import EdgeCell, EdgeRow
from agents.topology.rollups import COUNTS, SKETCHES, edge_of, tally_of
from agents.topology.selectors import KNOWN_FOR
from agents.topology.values import MINUTE, Edge, Tally

MINUTES = 5
# Spans come late: older minutes are looked at too, but not at every reading.
FRESH = 2
ALL_EVERY = 20
AT_ONCE = 500
SAYS_IT_CHANGED = ("last_seen", "calls", "received", "matched", "errors")

Cell = tuple[int, int]


class Recent:
    """One reader's memory of the last minutes. Not for two threads at once."""

    def __init__(self) -> None:
        self._drawing = Drawing(MINUTES)
        self._edges: dict[int, Edge] = {}
        self._last_seen: dict[int, int] = {}
        self._seen: dict[Cell, tuple[int, ...]] = {}
        self._tallies: dict[int, dict[int, Tally]] = {}
        self._newest = 0
        self._minute = 0
        self._readings = 0

    def read(self, minute: int) -> tuple[dict[str, Drawn], set[str]]:
        """Everything that is different since the last reading, now that this minute runs."""
        first = minute - MINUTES + 1
        lately = EdgeRow.objects.filter(last_seen__gte=(minute - KNOWN_FOR) * MINUTE)
        touched = self._know(lately.filter(pk__gt=self._newest)) | self._forget_cells(first)
        whole = minute != self._minute or self._readings % ALL_EVERY == 0
        changed = self._changed(first if whole else minute - FRESH + 1)
        # An edge that was forgotten is back.
        self._know(EdgeRow.objects.filter(pk__in=[pk for pk, _ in changed if pk not in self._edges]))
        for edge_id, start, tally in _read(changed):
            self._tallies.setdefault(edge_id, {})[start] = tally
            self._last_seen[edge_id] = max(self._last_seen.get(edge_id, 0), tally.last_seen)
            touched.add(edge_id)
        self._minute, self._readings = minute, self._readings + 1
        self._draw(touched, minute)
        return self._drawing.settle()

    def _know(self, rows: QuerySet[EdgeRow]) -> set[int]:
        new = {row.pk: row for row in rows.iterator()}
        self._edges |= {pk: edge_of(row) for pk, row in new.items()}
        self._last_seen |= {pk: row.last_seen for pk, row in new.items()}
        self._newest = max(self._newest, *new, 0)
        return set(new)

    def _forget_cells(self, first: int) -> set[int]:
        """The minutes that passed out of the window."""
        old = [cell for cell in self._seen if cell[1] < first]
        for cell in old:
            del self._seen[cell]
            self._tallies.get(cell[0], {}).pop(cell[1], None)
        return {edge_id for edge_id, _ in old}

    def _changed(self, first: int) -> list[Cell]:
        """The cells whose counts are others than we know. The counts alone are cheap to read."""
        rows = EdgeCell.objects.filter(level=1, start__gte=first).values_list(
            "edge_id", "start", *SAYS_IT_CHANGED
        )
        changed: list[Cell] = []
        for edge_id, start, *counts in rows.iterator(5_000):
            now = tuple(counts)
            if self._seen.get((edge_id, start)) != now:
                self._seen[edge_id, start] = now
                changed.append((edge_id, start))
        return changed

    def _draw(self, touched: Iterable[int], minute: int) -> None:
        for edge_id in touched:
            if edge_id in self._edges:
                self._drawing.put(self._edges[edge_id], self._whole(edge_id))
        long_ago = (minute - KNOWN_FOR) * MINUTE
        for edge_id in [pk for pk, seen in self._last_seen.items() if seen < long_ago]:
            self._drawing.drop(self._edges.pop(edge_id))
            del self._last_seen[edge_id]

    def _whole(self, edge_id: int) -> Tally:
        tallies = self._tallies.get(edge_id, {})
        if len(tallies) == 1:
            return next(iter(tallies.values()))
        whole = Tally(last_seen=self._last_seen[edge_id])
        for tally in tallies.values():
            whole.add(tally)
        return whole


def _read(cells: list[Cell]) -> Iterator[tuple[int, int, Tally]]:
    by_minute: dict[int, list[int]] = {}
    for edge_id, start in cells:
        by_minute.setdefault(start, []).append(edge_id)
    for start, edge_ids in by_minute.items():
        for at in range(0, len(edge_ids), AT_ONCE):
            for row in _cells(start, edge_ids[at : at + AT_ONCE]):
                yield row.edge_id, start, tally_of(row)


def _cells(start: int, edge_ids: list[int]) -> Iterator[Any]:
    rows = EdgeCell.objects.filter(level=1, start=start, edge_id__in=edge_ids)
    return rows.values_list("edge_id", *COUNTS, *SKETCHES, named=True).iterator(5_000)
