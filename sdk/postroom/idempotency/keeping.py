"""Leases are renewed while handlers run: one thread for the whole process, started with the first of them.

with keeping(store, fresh, lease=30):
    handle(message)
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from postroom.idempotency.api import Fresh, LeaseLostError, Store

logger = logging.getLogger(__name__)

TURN: Final = 0.5


@dataclass
class _Kept:
    store: Store
    fresh: Fresh
    lease: float
    renewed_at: float


class _Keeper:
    """What runs in this process now."""

    def __init__(self) -> None:
        self._lock, self._kept, self._pid = threading.Lock(), dict[int, _Kept](), 0

    def add(self, kept: _Kept) -> None:
        with self._lock:
            if self._pid != os.getpid():  # a fork brings the entries along, but not the thread
                self._kept, self._pid = {}, os.getpid()
                threading.Thread(target=self._run, name="postroom-leases", daemon=True).start()
            self._kept[id(kept)] = kept

    def remove(self, kept: _Kept) -> None:
        with self._lock:
            self._kept.pop(id(kept), None)

    def _run(self) -> None:
        while True:
            time.sleep(TURN)
            with self._lock:
                running = list(self._kept.values())
            for kept in running:
                if time.monotonic() - kept.renewed_at >= kept.lease / 3:
                    self._renew(kept)

    def _renew(self, kept: _Kept) -> None:
        try:
            kept.store.renew(kept.fresh, kept.lease)
            kept.renewed_at = time.monotonic()
        except LeaseLostError:
            self.remove(kept)
        except Exception:
            logger.warning(
                "the lease on %s was not renewed; the next turn tries again", kept.fresh.key, exc_info=True
            )


_keeper = _Keeper()


@contextmanager
def keeping(store: Store, fresh: Fresh, lease: float) -> Iterator[None]:
    """Renew this lease until the block ends. Finishing or releasing it is the caller's."""
    kept = _Kept(store, fresh, lease, time.monotonic())
    _keeper.add(kept)
    try:
        yield
    finally:
        _keeper.remove(kept)
