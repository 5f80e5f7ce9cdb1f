"""Content that this process has had already: bounded by bytes, the least recently used goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MOST_BYTES: Final = 64_000_000


class Cache:
    """Safe for threads; two that ask for the same at once fetch it once."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._held = most_bytes, 0
        self._contents: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._fetching: dict[str, threading.Lock] = {}

    def has(self, key: str) -> bool:
        return key in self._contents

    def get_or(self, key: str, fetch: Callable[[], bytes]) -> bytes:
        with self._lock:
            if key in self._contents:
                self._contents.move_to_end(key)
                return self._contents[key]
            turn = self._fetching.setdefault(key, threading.Lock())
        with turn:
            return self._fetched(key, fetch)

    def keep(self, key: str, content: bytes) -> None:
        """What alone is more than all room is not kept."""
        with self._lock:
            self._held += len(content) - len(self._contents.pop(key, b""))
            self._contents[key] = content
            while self._held > self._most:
                self._held -= len(self._contents.popitem(last=False)[1])

    def _fetched(self, key: str, fetch: Callable[[], bytes]) -> bytes:
        """By the first of those who waited for their turn; the others find it."""
        with self._lock:
            found = self._contents.get(key)
        if found is None:
            found = fetch()
            self.keep(key, found)
        with self._lock:
            self._fetching.pop(key, None)
        return found
