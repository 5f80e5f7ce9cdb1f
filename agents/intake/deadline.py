"""One timer for all bodies that are being read: they all get the same time, so the oldest is the first to be late.

A timer for each costs half of what a small request takes of the event loop.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadlines:
    """Who reads, the oldest first. Only the event loop's thread touches it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._open: dict[Reading, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def reading(self) -> Reading:
        """For a `with` around what may take so long. TimeoutError comes out of it when it is too long."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        return Reading(self, task, loop.time() + self._seconds)

    def opened(self, reading: Reading) -> None:
        self._open[reading] = None
        if self._timer is None:
            self._set(reading.due)

    def closed(self, reading: Reading) -> None:
        self._open.pop(reading, None)

    def _set(self, due: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(due, self._ring)

    def _ring(self) -> None:
        now = asyncio.get_running_loop().time()
        self._timer = None
        while self._open:
            oldest = next(iter(self._open))
            if oldest.due > now:
                self._set(oldest.due)
                return
            del self._open[oldest]
            oldest.end()


class Reading:
    """One reader's time."""

    __slots__ = ("_asked", "_deadlines", "_late", "_task", "due")

    def __init__(self, deadlines: Deadlines, task: asyncio.Task[object], due: float) -> None:
        self._deadlines, self._task, self.due = deadlines, task, due
        self._asked = task.cancelling()
        self._late = False

    def __enter__(self) -> None:
        self._deadlines.opened(self)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _: TracebackType | None
    ) -> None:
        self._deadlines.closed(self)
        # Who was cancelled by somebody else as well stays cancelled.
        if self._late and self._task.uncancel() <= self._asked and kind is asyncio.CancelledError:
            raise TimeoutError from problem

    def end(self) -> None:
        self._late = True
        self._task.cancel()
