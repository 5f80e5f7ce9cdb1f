"""A handler that is held up while it sends says so: `waiting`, with `waits_for` the room in a queue.

A throttle that blocks looks from outside like a handler that hangs. After TOLD_AFTER seconds the thread that tells of
long work tells of this as well; when it goes on, `running` is told again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

from postroom import events, moments
from postroom.runtime import settling
from postroom.runtime.api import About, Incoming
from postroom.runtime.decisions import Desk

TOLD_AFTER: Final = 1.0
ROOM: Final = "room in "
_lock = Lock()


class Held:
    """One sending that has not come through yet. `event` makes what is told of it, once."""

    __slots__ = ("_about", "_incoming", "_queue", "since", "told")

    def __init__(self, about: About, incoming: Incoming, queue: str) -> None:
        self._about, self._incoming, self._queue = about, incoming, queue
        self.since, self.told = time.time(), False

    def event(self) -> bytes:
        made = events.make(
            events.WAITING, self._incoming.message_id, settling.common(self._about, self._incoming)
        )
        made["at"], made["waits_for"] = moments.text(self.since), f"{ROOM}{self._queue}"
        return events.encode(made)


@contextmanager
def held_up(desk: Desk | None, about: About, queue: str) -> Iterator[None]:
    """Around what may block."""
    if desk is None:
        yield
        return
    held = Held(about, desk.incoming, queue)
    desk.held = held
    try:
        yield
    finally:
        with _lock:
            desk.held = None
            if held.told:
                desk.events.append(settling.running(about, desk.incoming, time.time()))


def due(desk: Desk) -> list[bytes]:
    """What is to be told now of a desk that is held up; each sending is told of once."""
    with _lock:
        held = desk.held
        if held is None or held.told or time.time() - held.since < TOLD_AFTER:
            return []
        held.told = True
        return [held.event()]
