"""The group commit of small things: heartbeats and lifecycle events each have their own, so they neither wait for
spans nor hold them.

Requests that arrive while a commit runs share the next one.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from django.db import DatabaseError, connections

from agents.intake.decode_heartbeats import Heard
from agents.intake.refusals import RefusalError, UnavailableError
from agents.intake.trouble import Alarm
from core import metrics

log = structlog.get_logger(__name__)
T = TypeVar("T")
# What one transaction takes at most: other writers of the database wait for it.
TOGETHER = 2_000


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """What is done with one sort of things: `keep` has committed them to this database when it returns."""

    item: str
    title: str
    database: str
    keep: Callable[[Sequence[T]], object]


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """A request that waits for its answer."""

    heard: Heard[T]
    answer: asyncio.Future[None]


class Pulse(Generic[T]):
    """Takes things from an event loop, and answers when they are committed. Admission bounds what waits."""

    def __init__(self, work: Work[T], alarm: Alarm) -> None:
        self._what, self._alarm = work, alarm
        self._waiting: queue.SimpleQueue[Job[T] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"intake-{work.item}")
        self._open = False

    def start(self) -> None:
        self._open = True
        self._thread.start()

    def close(self) -> None:
        """Takes no more. For the event loop's thread."""
        self._open = False
        self._waiting.put(None)

    def join(self) -> None:
        """Returns when all that was taken is answered. Blocks."""
        self._thread.join()

    async def keep(self, heard: Heard[T]) -> None:
        """Returns when these are committed. Raises a RefusalError; then nothing of them is promised."""
        if not heard.good:
            return
        if not self._open:
            raise UnavailableError("Intake is ending. Send the same request again.")
        job = Job(heard, asyncio.get_running_loop().create_future())
        self._waiting.put(job)
        await job.answer

    def _work(self) -> None:
        ending = False
        while not ending:
            group, ending = self._group()
            if group:
                self._commit(group)
        connections[self._what.database].close()

    def _group(self) -> tuple[list[Job[T]], bool]:
        """What waits, at least one request, and whether it was the last."""
        group: list[Job[T]] = []
        size = 0
        while size < TOGETHER and not (group and self._waiting.empty()):
            job = self._waiting.get()
            if job is None:
                return group, True
            group.append(job)
            size += len(job.heard.good)
        return group, False

    def _commit(self, group: list[Job[T]]) -> None:
        try:
            self._what.keep([each for job in group for each in job.heard.good])
        except Exception as problem:
            self._failed(group, problem)
            return
        self._alarm.clear()
        metrics.INTAKE_KEPT.labels(self._what.item).inc(sum(len(job.heard.good) for job in group))
        _answer(group, None)

    def _failed(self, group: list[Job[T]], problem: Exception) -> None:
        """One request's fault must not cost its neighbours."""
        connections[self._what.database].close()
        if len(group) > 1:
            for job in group:
                self._commit([job])
            return
        log.error("a request could not be written", item=self._what.item, exc_info=problem)
        why = f": {problem}" if isinstance(problem, DatabaseError) else "; the log says why."
        self._alarm.raise_(f"{self._what.title} cannot be written{why}")
        _answer(group, UnavailableError("Nothing of this request was kept. Send the same request again."))


def _answer(group: Iterable[Job[T]], refusal: RefusalError | None) -> None:
    """Back to the event loop. A sender that left meanwhile has cancelled its answer."""
    for job in group:
        job.answer.get_loop().call_soon_threadsafe(_settle, job.answer, refusal)


def _settle(answer: asyncio.Future[None], refusal: RefusalError | None) -> None:
    if answer.done():
        return
    if refusal:
        answer.set_exception(refusal)
    else:
        answer.set_result(None)
