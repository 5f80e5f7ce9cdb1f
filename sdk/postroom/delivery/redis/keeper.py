"""Claims are kept alive while their process lives: one thread per channel renews them, and sweeps for everybody.

A process that is stopped or killed renews nothing, so its claims run out, and any other worker's sweep puts the
messages back at the head of their queues.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Final

import redis

from postroom.delivery.redis import keys, scripts

logger = logging.getLogger(__name__)

SWEPT_AT_ONCE: Final = 100


class Keeper:
    """The claims that one channel holds. Any thread may hold and drop."""

    def __init__(self, client: redis.Redis, lease: float, sweep_every: float) -> None:
        self._client, self._lease, self._sweep_every = client, lease, sweep_every
        self._held: dict[str, weakref.ref[Any] | None] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._orphaned = False
        self._renew = client.register_script(scripts.RENEW)
        self._sweep = client.register_script(scripts.SWEEP)

    def start(self) -> None:
        """Begin to renew and to sweep; does nothing the second time."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="postroom-claims", daemon=True)
            self._thread.start()

    def hold(self, tag: str, message: Any = None) -> None:
        """Renew this claim from now on. Once the channel is lost, only for as long as somebody has the message."""
        with self._lock:
            self._held[tag] = None if message is None else weakref.ref(message)

    def drop(self, tags: Iterable[str]) -> None:
        with self._lock:
            for tag in tags:
                self._held.pop(tag, None)

    def stop(self) -> None:
        """Renew nothing any more."""
        self._stop.set()

    def orphan(self) -> None:
        """The channel is lost, but what runs goes on running, and settles by itself: its claims are kept."""
        self._orphaned = True

    def sweep(self) -> tuple[int, int]:
        """Give back claims that ran out and move what is due; answers how many of each."""
        names = (keys.UNACKED, keys.UNACKED_DUE, keys.DELAYED, keys.DELAYED_MESSAGES)
        expired, due = self._sweep(args=[*names, SWEPT_AT_ONCE, self._lease / 2])
        if expired:
            logger.warning("%d messages of workers that fell silent are back in their queues", expired)
        return int(expired), int(due)

    def renew(self) -> None:
        """Renew all that is held, and let go of what is lost."""
        if not (tags := self._tags()):
            return
        lost = [tag.decode() for tag in self._renew(args=[keys.UNACKED_DUE, self._lease, *tags])]
        with self._lock:
            late = [tag for tag in lost if self._held.pop(tag, self) is not self]
        if late:
            logger.warning(
                "%d claims ran out before they were renewed; other workers have the messages", len(late)
            )

    def _tags(self) -> list[str]:
        if self._orphaned:
            gc.collect()  # a message that only a cycle of references keeps is nobody's
        with self._lock:
            if self._orphaned:
                self._held = {
                    tag: of for tag, of in self._held.items() if of is not None and of() is not None
                }
            return list(self._held)

    def _run(self) -> None:
        renewed = time.monotonic()
        while not self._stop.wait(self._sweep_every) and (self._held or not self._orphaned):
            if time.monotonic() - renewed >= self._lease / 3:
                renewed = time.monotonic() if self._try(self.renew) else renewed
            if not self._orphaned:
                self._try(self._sweep_all)
        self._client.close()

    def _sweep_all(self) -> None:
        while SWEPT_AT_ONCE in self.sweep():
            pass

    def _try(self, step: Callable[[], None]) -> bool:
        try:
            step()
        except Exception:
            logger.debug("Redis did not answer; the next round tries again", exc_info=True)
            return False
        return True
