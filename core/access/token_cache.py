"""Remembers who stands behind a token or JWT for a moment, so that intake need not ask the database each time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from core import clock
from core.access.api import Subject

MOST = 10_000
LOOK_AGAIN_SECONDS = 1.0
USE_NOTED_SECONDS = 60.0


@dataclass(slots=True)
class Entry:
    """A subject, until when its proof is good, and when its use was last written down. A JWT has no token's id."""

    subject: Subject
    expires_at: float
    token_id: int = 0
    used_noted_at: float = 0.0


class TokenCache:
    """Holds at most MOST entries. Empty whenever the access stamp moved; the stamp is read once a second at most."""

    def __init__(self, read_stamp: Callable[[], int]) -> None:
        self._read_stamp = read_stamp
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()
        self._stamp = -1
        self._looked_at = float("-inf")

    @property
    def stamp(self) -> int:
        """The stamp as it was within the last second."""
        self.refresh()
        return self._stamp

    def fresh(self) -> bool:
        """May `get` be trusted without asking the database first?"""
        return clock.monotonic() - self._looked_at < LOOK_AGAIN_SECONDS

    def refresh(self) -> None:
        """Read the stamp when it is due, and forget everything if it moved."""
        if self.fresh():
            return
        now, stamp = clock.monotonic(), self._read_stamp()
        with self._lock:
            if stamp != self._stamp:
                self._entries.clear()
            self._stamp, self._looked_at = stamp, now

    def get(self, digest: str) -> Entry | None:
        with self._lock:
            entry = self._entries.get(digest)
            if entry is None:
                return None
            if entry.expires_at <= clock.unix():
                del self._entries[digest]
                return None
            self._entries.move_to_end(digest)
            return entry

    def put(self, digest: str, entry: Entry, stamp: int) -> None:
        """Remember an entry read while the stamp was `stamp`; dropped when it has moved since."""
        with self._lock:
            if stamp != self._stamp:
                return
            self._entries[digest] = entry
            while len(self._entries) > MOST:
                self._entries.popitem(last=False)

    def forget(self) -> None:
        """Access changed in this very process: do not wait for the second to pass."""
        with self._lock:
            self._entries.clear()
            self._looked_at = float("-inf")
            self._stamp = -1
