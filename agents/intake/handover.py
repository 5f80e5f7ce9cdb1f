"""Hands things from one thread to another in groups: the taker gets all there is, the giver waits while it is much."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Handover(Generic[T]):
    """Bounded by weight. A group that is heavier than the bound still passes, alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: list[T] = []
        self._weight = 0
        self._closed = False
        self._changed = threading.Condition()

    def give(self, things: list[T], weight: int) -> None:
        """Waits while what is held and not yet taken is at the bound."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._weight + weight <= self._most)
            self._held += things
            self._weight += weight
            self._changed.notify_all()

    def take(self) -> list[T]:
        """All there is, waiting until there is something. Empty: closed, and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._held) or self._closed)
            taken, self._held, self._weight = self._held, [], 0
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
