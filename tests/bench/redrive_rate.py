"""Whether a rate holds: every message's moment, as Redis itself saw it, and the fullest and emptiest second of them."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Self

import redis

SECOND = 1.0


class Seconds(NamedTuple):
    """How many messages went in the fullest and in the emptiest window of a second."""

    most: int
    least: int


def seconds(stretches: Sequence[Sequence[float]]) -> Seconds:
    """Over windows that begin at any message: the fullest anywhere, also across a pause; the emptiest among those that
    lie within a stretch without one."""
    every = sorted(moment for stretch in stretches for moment in stretch)
    most = max(_within(every, moment) for moment in every)
    inside = [
        _within(stretch, moment)
        for stretch in stretches
        for moment in stretch
        if moment + SECOND <= stretch[-1]
    ]
    return Seconds(most, min(inside))


def _within(moments: Sequence[float], start: float) -> int:
    return bisect_left(moments, start + SECOND) - bisect_left(moments, start)


class Watch:
    """As a context: `moments` are those at which something was pushed onto the queue, by the clock of Redis."""

    def __init__(self, url: str, queue: str) -> None:
        self.moments: list[float] = []
        self._client = redis.Redis.from_url(url)
        self._queue, self._ready = queue, threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Its own command is the last that the listener sees.
        self._client.lpush("watch-is-over", "")
        self._thread.join()

    def _listen(self) -> None:
        with self._client.monitor() as monitor:
            self._ready.set()
            for said in monitor.listen():
                command = said["command"]
                if command.startswith("LPUSH watch-is-over"):
                    return
                if command.startswith(f"LPUSH {self._queue} "):
                    self.moments.append(said["time"])
