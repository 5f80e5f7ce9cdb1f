"""Group commit: requests that wait at the same time share one transaction, and each is answered after it.

Two threads, so that decoding overlaps with the database: one turns bodies into rows, the other writes what is
ready. While a commit runs the next group gathers by itself; nobody waits for a timer.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from agents.intake import limits, pipeline
from agents.intake.handover import Handover
from agents.intake.pipeline import Ready, Request
from agents.intake.refusals import RefusalError, UnavailableError
from agents.intake.trouble import Alarm
from agents.spans.api import Batch, SpanStore, StoreError
from core import metrics

log = structlog.get_logger(__name__)

Outcome = Ready | RefusalError


@dataclass(frozen=True, slots=True)
class Job:
    """A request that waits for its answer."""

    request: Request
    answer: asyncio.Future[Ready]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job whose rows are made."""

    job: Job
    ready: Ready

    @property
    def weight(self) -> int:
        """About what its rows take in memory."""
        return self.ready.size + self.ready.items * limits.ROW_WEIGHT


class Committer:
    """Takes requests from an event loop, and answers each when it is committed or when it cannot be."""

    def __init__(self, store: SpanStore, alarm: Alarm, now: Callable[[], int] = time.time_ns) -> None:
        self._store, self._alarm, self._now = store, alarm, now
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._ready: Handover[Prepared] = Handover(limits.MAX_WEIGHT_AHEAD)
        self._threads = (
            threading.Thread(target=self._prepare_all, name="intake-prepare"),
            threading.Thread(target=self._commit_all, name="intake-commit"),
        )
        self._open = False

    def start(self) -> None:
        self._open = True
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Takes no more. For the event loop's thread."""
        self._open = False
        self._waiting.put(None)

    def join(self) -> None:
        """Returns when all that was taken is answered. Blocks."""
        for thread in self._threads:
            thread.join()
        self._store.close()

    async def commit(self, request: Request) -> Ready:
        """What became of a request, once that is certain. Raises a RefusalError; then nothing of it is promised."""
        if not self._open:
            raise UnavailableError("Intake is ending. Send the same request again.")
        job = Job(request, asyncio.get_running_loop().create_future())
        self._waiting.put(job)
        return await job.answer

    # ---- The thread that decodes ---------------------------------------------------------------------------------

    def _prepare_all(self) -> None:
        """What is ready is handed on when nothing more waits, or when it is much."""
        held: list[Prepared] = []
        weight = 0
        while job := self._waiting.get():
            if prepared := self._prepare(job):
                held.append(prepared)
                weight += prepared.weight
            if held and (self._waiting.empty() or weight >= limits.MAX_WEIGHT_TOGETHER):
                self._ready.give(held, weight)
                held, weight = [], 0
        if held:
            self._ready.give(held, weight)
        self._ready.close()

    def _prepare(self, job: Job) -> Prepared | None:
        """None: it is answered already, because there is nothing to write."""
        try:
            ready = pipeline.prepare(job.request, self._now())
        except RefusalError as refusal:
            _answer([(job, refusal)])
            return None
        except Exception:
            log.exception("a request could not be prepared", signal=job.request.signal)
            _answer([(job, UnavailableError("This request could not be read. It is logged; look there."))])
            return None
        if ready.items:
            return Prepared(job, ready)
        _answer([(job, ready)])
        return None

    # ---- The thread that writes ----------------------------------------------------------------------------------

    def _commit_all(self) -> None:
        while group := self._ready.take():
            began = time.monotonic()
            _answer(self._commit(group))
            metrics.INTAKE_COMMIT_SECONDS.observe(time.monotonic() - began)

    def _commit(self, group: list[Prepared]) -> list[tuple[Job, Outcome]]:
        try:
            self._write(group)
        except StoreError as problem:
            self._alarm.raise_(str(problem) or str(type(problem).__doc__))
            refusal = UnavailableError(f"Nothing of this request was kept: {problem}")
            return [(made.job, refusal) for made in group]
        except Exception as problem:
            return self._one_by_one(group, problem)
        self._alarm.clear()
        return [(made.job, made.ready) for made in group]

    def _write(self, group: list[Prepared]) -> None:
        spans = tuple(span for made in group for span in made.ready.spans)
        logs = tuple(request for made in group for request in made.ready.logs)
        written = self._store.write(Batch(spans, logs))
        metrics.INTAKE_KEPT.labels("span").inc(written.spans)
        metrics.INTAKE_KEPT.labels("log").inc(written.logs)
        metrics.INTAKE_REPEATED.inc(written.repeated_spans + written.repeated_logs)

    def _one_by_one(self, group: list[Prepared], problem: Exception) -> list[tuple[Job, Outcome]]:
        """The store failed in a way it does not know: one request's fault must not cost its neighbours."""
        if len(group) > 1:
            return [outcome for made in group for outcome in self._commit([made])]
        log.error("a request could not be written", signal=group[0].job.request.signal, exc_info=problem)
        self._alarm.raise_("A request could not be written, for a reason that the log names.")
        return [(group[0].job, UnavailableError("The store could not take this request; the log says why."))]


def _answer(outcomes: list[tuple[Job, Outcome]]) -> None:
    """Back to the event loop, all together. A sender that left meanwhile has cancelled its answer."""
    loops = {job.answer.get_loop() for job, _ in outcomes}
    for loop in loops:
        loop.call_soon_threadsafe(_settle, [each for each in outcomes if each[0].answer.get_loop() is loop])


def _settle(outcomes: list[tuple[Job, Outcome]]) -> None:
    for job, outcome in outcomes:
        if job.answer.done():
            continue
        if isinstance(outcome, RefusalError):
            job.answer.set_exception(outcome)
        else:
            job.answer.set_result(outcome)
