"""The watcher: one leader by lease runs the loops that rooms registered; the others stand by.

A room offers its loops in a module `watching.py`, found when the watcher starts. A loop is called again and again
with its pause in between; it should do a bounded piece of work and return, and it may ask its turn whether it is
still wanted. One that crashes is logged, waits longer each time, and disturbs no other.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from core import leases, live_redis, metrics
from core.brokers.api import BrokerError
from core.database_errors import AWAY
from core.leases import Lease

log = structlog.get_logger(__name__)

LEASE = "watcher"
LIFE = timedelta(seconds=6)
RENEW_SECONDS = 1.5
STANDBY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# For what stands beside us and is awaited: once it is there again, nobody should have to wait for us.
LONGEST_WAIT_SECONDS = 5.0
AWAITED = (live_redis.Unreachable, BrokerError, *AWAY)
LEAVE_SECONDS = 3.0


@dataclass(slots=True)
class Turn:
    """A leader's time. `token` goes with every compare-and-set that a loop does."""

    lease: Lease
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def token(self) -> int:
        return self.lease.token

    @property
    def wanted(self) -> bool:
        """Whether the loop may go on: still the leader, and not asked to end."""
        return self.lease.held and not self.over.is_set()


@dataclass(frozen=True, slots=True)
class Loop:
    """A piece of work that the leader repeats."""

    name: str
    every: timedelta
    work: Callable[[Turn], None]


class LoopTakenError(Exception):
    """Another loop has this name already. Give the new one its own."""


_loops: dict[str, Loop] = {}


def register(name: str, every: timedelta, work: Callable[[Turn], None]) -> None:
    """Offer a loop to the watcher."""
    if name in _loops:
        raise LoopTakenError(f"There is a loop {name!r} already.")
    _loops[name] = Loop(name, every, work)


def registered() -> list[Loop]:
    return list(_loops.values())


def pause(loop: Loop, crashes: int, problem: Exception | None = None) -> float:
    """How long to wait: the loop's own pause, longer with each crash in a row; not for long where what is missing is a
    database, a broker or Redis."""
    every = loop.every.total_seconds()
    if problem is None:
        return every
    longest = LONGEST_WAIT_SECONDS if isinstance(problem, AWAITED) else LONGEST_PAUSE_SECONDS
    return backoff(max(every, 0.5), crashes, max(longest, every))


def backoff(first: float, failures: int, longest: float) -> float:
    """Doubled with each failure in a row up to the longest, less a random part of up to a quarter: those that failed
    together need not come back together."""
    # Beyond these doublings every pause is the longest, and a power of a day's failures is no number for a clock.
    doubled = first * 2.0 ** min(failures, 20)
    return min(doubled, longest) * random.uniform(0.75, 1.0)  # noqa: S311 - nothing is secret about it


class Watcher:
    """Leads when it can, until it is told to stop."""

    def __init__(self, loops: list[Loop] | None = None, lease: str = LEASE) -> None:
        self._loops = registered() if loops is None else loops
        self._lease = lease
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            lease = self._take()
            if lease is None:
                self._stopping.wait(STANDBY_SECONDS)
                continue
            log.info("this watcher leads", turn=lease.token, loops=[loop.name for loop in self._loops])
            metrics.LEADER.set(1)
            self._lead(Turn(lease))
            metrics.LEADER.set(0)

    def _take(self) -> Lease | None:
        try:
            return leases.take(self._lease, LIFE)
        except live_redis.Unreachable:
            metrics.REDIS_ERRORS.inc()
            return None

    def _lead(self, turn: Turn) -> None:
        """Run every loop in its own thread for as long as the lease is held."""
        threads = [
            threading.Thread(target=repeat, args=(loop, turn), name=loop.name, daemon=True)
            for loop in self._loops
        ]
        for thread in threads:
            thread.start()
        while turn.wanted and not self._stopping.wait(RENEW_SECONDS):
            self._renew(turn.lease)
        turn.over.set()
        for thread in threads:
            thread.join(timeout=LEAVE_SECONDS)
        self._leave(turn.lease)

    def _renew(self, lease: Lease) -> None:
        try:
            leases.renew(lease)
        except live_redis.Unreachable:
            # The lease runs out by itself; until then Redis may come back.
            metrics.REDIS_ERRORS.inc()

    def _leave(self, lease: Lease) -> None:
        log.info("this watcher leads no longer", turn=lease.token)
        try:
            leases.release(lease)
        except live_redis.Unreachable:
            metrics.REDIS_ERRORS.inc()


def repeat(loop: Loop, turn: Turn) -> None:
    """Call a loop until its turn is over, whatever it raises."""
    from django.db import close_old_connections

    crashes = 0
    structlog.contextvars.bind_contextvars(loop=loop.name)
    while turn.wanted:
        crashes, wait = _called(loop, turn, crashes)
        close_old_connections()
        turn.over.wait(wait)


def _called(loop: Loop, turn: Turn, crashes: int) -> tuple[int, float]:
    """Its crashes in a row after another call, and how long to wait then."""
    try:
        loop.work(turn)
    except live_redis.Unreachable as problem:
        wait = pause(loop, crashes + 1, problem)
        log.warning("a loop cannot reach Redis", again_in_s=round(wait, 1), problem=str(problem))
    except Exception as problem:
        wait = pause(loop, crashes + 1, problem)
        metrics.LOOP_CRASHES.labels(loop.name).inc()
        # Where from is said once: what is away for an hour is tried again some hundred times.
        said = log.warning if crashes and isinstance(problem, AWAITED) else log.exception
        said("a loop crashed", again_in_s=round(wait, 1), problem=str(problem))
    else:
        return 0, pause(loop, 0)
    return crashes + 1, wait
