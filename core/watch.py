"""The watcher: one leader by lease runs the loops that rooms registered; the others stand by.

A room offers its loops in a module `watching.py`, found when the watcher starts. A loop is called again and again
with its pause in between; it should do a bounded piece of work and return, and it may ask its turn whether it is
still wanted. One that crashes is logged, waits longer each time, and disturbs no other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from core import leases, live_redis, metrics
from core.leases import Lease

log = structlog.get_logger(__name__)

LEASE = "watcher"
LIFE = timedelta(seconds=6)
RENEW_SECONDS = 1.5
STANDBY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
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


def pause(loop: Loop, crashes: int) -> float:
    """How long to wait: the loop's own pause, doubled with each crash in a row up to half a minute."""
    every = loop.every.total_seconds()
    return min(max(every, 0.5) * 2**crashes, max(LONGEST_PAUSE_SECONDS, every)) if crashes else every


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
        try:
            loop.work(turn)
            crashes = 0
        except live_redis.Unreachable as problem:
            crashes += 1
            log.warning("a loop cannot reach Redis", again_in_s=pause(loop, crashes), problem=str(problem))
        except Exception as problem:
            crashes += 1
            metrics.LOOP_CRASHES.labels(loop.name).inc()
            log.exception("a loop crashed", again_in_s=pause(loop, crashes), problem=str(problem))
        close_old_connections()
        turn.over.wait(pause(loop, crashes))
