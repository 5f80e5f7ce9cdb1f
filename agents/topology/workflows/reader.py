"""Reads what the span store committed a second time, for workflows and whoever else follows spans.

Apart from the edges: those are shown live and must not wait for this. It takes more at a time, so that most of a run
is there when it is first looked at.
"""

from __future__ import annotations

from agents.spans import following
from agents.spans.api import SpanStore
from agents.topology import places
from agents.topology.places import Place, Reads, Step
from agents.topology.rollups import Rollups
from agents.topology.workflows.writer import Writer

BATCH = 5_000


class Reader:
    """One reader under one lease. After an error it must be thrown away and made anew."""

    def __init__(self, store: SpanStore, token: int) -> None:
        self._store = store
        self._token = token
        self._place = places.place(Reads.WORKFLOWS)
        self._runs = Writer(Rollups())

    def step(self) -> Step:
        """Read one batch, count it, commit. Raises OvertakenError when another reader took over."""
        read = self._store.read_since(self._place.cursor, limit=BATCH)
        if read.cursor == self._place.cursor:
            return Step(0, False, self._place.revision)
        # Before the place moves: whoever follows is told again when we are killed in between.
        following.tell(read.rows)
        after = Place(read.cursor, "", self._place.revision + 1)
        self._runs.write(read.rows, before=self._place, after=after, token=self._token)
        self._place = after
        return Step(len(read.rows), read.more, after.revision)
