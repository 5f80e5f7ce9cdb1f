"""A process's slots: takes them, and renews from a thread what is in flight still."""

from __future__ import annotations

import logging
import time
from threading import Event, Lock, Thread

from postroom.backpressure import throttle
from postroom.backpressure.slots import TAKEN, Slots, SlotsAwayError
from postroom.runtime.api import Outgoing

log = logging.getLogger(__name__)

# Seconds after which a slot is renewed no more: its recipient tells nobody when it is done (it has no library).
LONGEST = 3600.0
RENEWED_AT_ONCE = 500


class SlotRoom:
    """Slots in Redis, for the senders of this process."""

    def __init__(self, redis_url: str, most: int, most_for_all: int, lease: float) -> None:
        import redis

        self._client = redis.Redis.from_url(redis_url)
        self._most, self._most_for_all, self._lease = most, most_for_all, lease
        self._slots: dict[str, Slots] = {}
        # (sender, queue) → message id → when it was taken.
        self._held: dict[tuple[str, str], dict[str, float]] = {}
        self._lock, self._end = Lock(), Event()
        self._thread: Thread | None = None

    def enter(self, outgoing: Outgoing) -> str:
        queue, message_id = outgoing.queue, outgoing.message_id
        answer = self._of(outgoing.sender).take(queue, message_id, self._most, self._most_for_all)
        if answer == TAKEN:
            self._hold(outgoing)
        return throttle.full(answer, queue, self._most, self._most_for_all)

    def leave(self, sender: str, queue: str, message_id: str) -> None:
        with self._lock:
            self._held.get((sender, queue), {}).pop(message_id, None)
        self._of(sender).release(queue, [message_id])

    def close(self) -> None:
        """What is in flight stays so until it is settled, or its lease runs out."""
        self._end.set()
        if self._thread:
            self._thread.join(1.0)
        self._client.close()

    def _of(self, sender: str) -> Slots:
        with self._lock:
            if sender not in self._slots:
                self._slots[sender] = Slots(self._client, sender, self._lease)
            return self._slots[sender]

    def _hold(self, outgoing: Outgoing) -> None:
        with self._lock:
            held = self._held.setdefault((outgoing.sender, outgoing.queue), {})
            held.setdefault(outgoing.message_id, time.monotonic())
            if self._thread is None:
                self._thread = Thread(target=self._renew_until_closed, name="postroom-slots", daemon=True)
                self._thread.start()

    def _renew_until_closed(self) -> None:
        silent = False
        while not self._end.wait(self._lease / 3):
            try:
                self._renew_all()
                silent = False
            except SlotsAwayError as problem:
                if not silent:
                    log.warning("what is in flight is not renewed: %s", problem)
                silent = True

    def _renew_all(self) -> None:
        with self._lock:
            pairs = [(pair, dict(held)) for pair, held in self._held.items()]
        for (sender, queue), held in pairs:
            young = [each for each, since in held.items() if time.monotonic() - since < LONGEST]
            alive: set[str] = set()
            for start in range(0, len(young), RENEWED_AT_ONCE):
                alive |= self._of(sender).renew(queue, young[start : start + RENEWED_AT_ONCE])
            self._forget((sender, queue), held.keys() - alive)

    def _forget(self, pair: tuple[str, str], over: set[str]) -> None:
        with self._lock:
            held = self._held.get(pair, {})
            for each in over:
                held.pop(each, None)
            if not held:
                self._held.pop(pair, None)
