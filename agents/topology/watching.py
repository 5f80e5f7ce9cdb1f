"""The watcher's part of topology: follow the span store, and say when the graph has changed."""

from __future__ import annotations

from datetime import timedelta

from agents.spans import services
from agents.topology.reader import Reader
from core import hints, watch
from core.watch import Turn

TOPIC = "topology"
# Nobody is shown more than four pictures a second; reading as often costs least and loses nothing.
EVERY = timedelta(milliseconds=250)


class Follower:
    """Keeps a reader for as long as nothing goes wrong; after an error the next call begins with a new one."""

    def __init__(self) -> None:
        self._reader: Reader | None = None
        self._token = 0

    def follow(self, turn: Turn) -> None:
        """Read what is new, and go on while there is more."""
        reader = self._of(turn)
        self._reader = None
        moved = False
        while turn.wanted:
            step = reader.step()
            moved = moved or step.spans > 0
            if not step.more:
                break
        self._reader = reader
        if moved:
            hints.hint(TOPIC)

    def _of(self, turn: Turn) -> Reader:
        if self._reader is None or self._token != turn.token:
            self._token = turn.token
            return Reader(services.store(), turn.token)
        return self._reader


watch.register(TOPIC, EVERY, Follower().follow)
