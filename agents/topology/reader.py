"""Reads what the span store committed and keeps the edges up with it: what live shows, so little else is done here.

The store is the durable truth and the cursor moves with the counts, so a reader can be killed anywhere: the
next one feeds its window with the last minutes again, counting nothing, and goes on at the cursor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping

from agents.spans.api import Since, SpanStore
from agents.spans.values import Span
from agents.topology import places
from agents.topology.observed import Reporter
from agents.topology.pairing import Tallies, Window
from agents.topology.places import Place, Step
from agents.topology.rollups import Rollups
from core import clock

# A message that waits for longer than this is still paired: its sender is looked up in the store.
WINDOW_SECONDS = 600
MARK_EVERY = 30
BATCH = 5_000


class Reader:
    """One reader under one lease. After an error it must be thrown away and made anew."""

    def __init__(self, store: SpanStore, token: int) -> None:
        self._store = store
        self._token = token
        self._place = places.place()
        self._rollups = Rollups()
        self._window = Window(self._find)
        self._fed = ""
        self._marks: deque[tuple[float, str]] = deque()
        self._reporter = Reporter()
        self._remember()

    def step(self) -> Step:
        """Read one batch, count it, commit. Raises OvertakenError when another reader took over."""
        read = self._store.read_since(self._place.cursor, limit=BATCH)
        if read.cursor == self._place.cursor:
            return Step(0, False, self._place.revision)
        found: Tallies = {}
        self._feed(read, found)
        after = Place(read.cursor, self._window_start(read.cursor), self._place.revision + 1)
        self._rollups.write(found, before=self._place, after=after, token=self._token)
        self._place = after
        self._reporter.tell(read.rows)
        return Step(len(read.rows), read.more, after.revision)

    def _remember(self) -> None:
        """Feed the window with what was counted already, and count none of it again."""
        # Nothing was counted yet: an empty cursor as the end would be the end of everything.
        cursor, more = self._place.window_cursor, bool(self._place.cursor)
        while more:
            read = self._store.read_since(cursor, limit=BATCH, until=self._place.cursor)
            self._feed(read, {})
            self._reporter.tell(read.rows)
            cursor, more = read.cursor, read.more

    def _window_start(self, cursor: str) -> str:
        """The place of ten minutes ago, to within half a minute."""
        now = clock.unix()
        if not self._marks or now - self._marks[-1][0] >= MARK_EVERY:
            self._marks.append((now, cursor))
        start = self._place.window_cursor
        while self._marks and now - self._marks[0][0] >= WINDOW_SECONDS:
            start = self._marks.popleft()[1]
        return start

    def _feed(self, read: Since[Span], into: Tallies) -> None:
        self._fed = read.cursor
        self._window.feed(read.rows, into)

    def _find(self, keys: Iterable[bytes]) -> Mapping[bytes, Span]:
        """Only what was fed: a sender further on is counted with its receiver when it is read itself, so that a
        reader that is made anew in between remembers the same pairs that this one has counted."""
        return self._store.find_spans(keys, until=self._fed)
