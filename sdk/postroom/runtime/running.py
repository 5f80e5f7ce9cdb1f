"""Work that takes long enough is told of while it runs: one thread per process looks at all desks.

An attempt that ends within TOLD_AFTER seconds is not announced: its outcome says how long it took, which tells the
same with one event instead of two. Events of messages that the handler sent wait as long, and go out with the
settlement when it comes first.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Iterable
from typing import Final

from postroom.delivery.api import DeliveryError, Settler
from postroom.runtime import held
from postroom.runtime.decisions import Desk

logger = logging.getLogger(__name__)

TOLD_AFTER: Final = 0.1
MOST_LOOSE: Final = 5_000


class Teller:
    """Tells what has been on a desk for long. Safe for threads; begins its own thread when it is first needed."""

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._lock = threading.Lock()
        self._desks: dict[int, Desk] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._loose: list[bytes] = []

    def watch(self, desk: Desk) -> None:
        with self._lock:
            self._desks[id(desk)] = desk
        if self._thread is None:
            self._begin()

    def later(self, told: Iterable[bytes]) -> None:
        """Events of nobody's desk, within TOLD_AFTER; at once when many wait already."""
        with self._lock:
            self._loose.extend(told)
            full = len(self._loose) >= MOST_LOOSE
        if self._thread is None:
            self._begin()
            atexit.register(self._tell_loose)
        if full:
            self._tell_loose()

    def take(self, desk: Desk) -> list[bytes]:
        """The desk's events that nobody told yet; it is watched no longer."""
        with self._lock:
            self._desks.pop(id(desk), None)
            told, desk.events = desk.events, []
        return told

    @property
    def busy(self) -> int:
        return len(self._desks)

    def close(self) -> None:
        """Tells what is loose, and ends its thread."""
        self._stop.set()
        self._tell_loose()

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="postroom-running", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(TOLD_AFTER):
            if due := self._due():
                self._tell(due)
            if self._loose:
                self._tell_loose()

    def _due(self) -> list[tuple[Desk, list[bytes]]]:
        """What is to be told now, taken off the desks."""
        late, found = time.time() - TOLD_AFTER, []
        with self._lock:
            for desk in self._desks.values():
                desk.events += held.due(desk)
                if desk.since <= late and (desk.running or desk.events):
                    found.append((desk, ([desk.running()] if desk.running else []) + desk.events))
                    desk.running, desk.events = None, []
        return found

    def _tell(self, due: list[tuple[Desk, list[bytes]]]) -> None:
        try:
            self._settler.tell([event for _, told in due for event in told])
        except DeliveryError as problem:
            logger.warning("the broker takes no events, they wait for the next round: %s", problem)
            with self._lock:
                for desk, told in due:
                    desk.events = told + desk.events

    def _tell_loose(self) -> None:
        with self._lock:
            told, self._loose = self._loose, []
        if not told:
            return
        try:
            self._settler.tell(told)
        except DeliveryError as problem:
            logger.warning("the broker takes no events, they wait for the next round: %s", problem)
            with self._lock:
                kept = (told + self._loose)[-MOST_LOOSE:]
                lost, self._loose = len(told) + len(self._loose) - len(kept), kept
            if lost:
                logger.error("%d events of messages that were sent are lost: too many wait", lost)
