"""`postroom.events` on Redis: a stream, read as one consumer of one group, whoever leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

STREAM, GROUP, CONSUMER, FIELD = "postroom.events", "postroom", "watcher", b"e"
AT_ONCE = 1_000
WAIT_MS = 1_000
# First what a watcher before us had read and not settled, then what nobody has read.
UNSETTLED, NEW = "0", ">"


class RedisEvents:
    """An open stream."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_connect_timeout=2.0, socket_timeout=5.0, retry=Retry(NoBackoff(), 0)
        )
        self._from = UNSETTLED
        self._held: list[bytes] = []
        self._join()

    def read(self) -> Sequence[bytes]:
        entries = self._read()
        if not entries and self._from == UNSETTLED:
            self._from = NEW
            entries = self._read()
        self._held = [id for id, _ in entries]
        # An entry that was deleted meanwhile has no fields; it only wants to be settled.
        found = [fields[FIELD] for _, fields in entries if fields and FIELD in fields]
        if entries and not found:
            self.done()
        return found

    def done(self) -> None:
        if not self._held:
            return
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xack(STREAM, GROUP, *self._held)
            pipeline.xdel(STREAM, *self._held)
            pipeline.execute()
        self._held = []

    def close(self) -> None:
        self._redis.close()

    def _join(self) -> None:
        try:
            self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except redis.ResponseError as problem:
            if "BUSYGROUP" not in str(problem):
                raise

    def _read(self) -> list[tuple[bytes, dict[bytes, bytes]]]:
        found: Any = self._redis.xreadgroup(
            GROUP, CONSUMER, {STREAM: self._from}, count=AT_ONCE, block=WAIT_MS
        )
        return list(found[0][1]) if found else []
