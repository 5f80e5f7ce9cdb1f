"""Runs an agent: a Celery worker of its own, with hooks at its beginning and its end."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Any, Final

from celery import signals
from celery.worker.state import active_requests

from postroom.runtime import process
from postroom.runtime.hooks import tell_all

if TYPE_CHECKING:
    from postroom.agent import Agent
    from postroom.runtime.staff import Staff

logger = logging.getLogger(__name__)

POOLS: Final = ("prefork", "threads", "solo")
SWEEP_EVERY: Final = 3600.0


def run(
    agent: Agent, *, concurrency: int = 0, pool: str = "prefork", instance: str = "", log_level: str = "INFO"
) -> int:
    """Until it is told to end; 0 when it ended as it should."""
    at_once = 1 if pool == "solo" else concurrency or os.cpu_count() or 1
    staff = agent.staff
    staff.call_yourself(instance, at_once, lambda: len(active_requests))
    process.employ(staff)
    worker = _worker(staff, at_once, pool, log_level)
    with _Signals(pool), _Sweeping(staff):
        return _between_hooks(staff, worker)


def _worker(staff: Staff, concurrency: int, pool: str, log_level: str) -> Any:
    return staff.app.Worker(
        hostname=f"{staff.about.instance}@{staff.about.host}",
        concurrency=concurrency,
        pool=pool,
        loglevel=log_level,
        quiet=True,
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=True,
    )


def _between_hooks(staff: Staff, worker: Any) -> int:
    about = staff.about
    for hook in staff.hooks:
        hook.on_start(about)
    try:
        logger.info("%s %s takes messages from %s", about.agent, about.version, about.queue)
        worker.start()
    finally:
        tell_all(reversed(staff.hooks), "on_stop", about)
    return int(worker.exitcode or 0)


class _Signals:
    """Celery says when a process of the pool begins and ends; the other pools live in this one."""

    def __init__(self, pool: str) -> None:
        self._forks = pool == "prefork"

    def __enter__(self) -> None:
        signals.worker_process_init.connect(process.begin_process, weak=False)
        signals.worker_process_shutdown.connect(process.end_process, weak=False)
        if not self._forks:
            process.begin_process()

    def __exit__(self, *_: object) -> None:
        signals.worker_process_init.disconnect(process.begin_process)
        signals.worker_process_shutdown.disconnect(process.end_process)
        if not self._forks:
            process.end_process()


class _Sweeping:
    """Content that nobody needs any more is removed now and then by whoever runs an agent."""

    def __init__(self, staff: Staff) -> None:
        self._staff, self._stop = staff, threading.Event()

    def __enter__(self) -> None:
        if self._staff.shelf is not None:
            threading.Thread(target=self._run, name="postroom-content", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _run(self) -> None:
        shelf = self._staff.shelf
        assert shelf is not None
        while not self._stop.wait(SWEEP_EVERY):
            try:
                shelf.store.sweep(self._staff.agent.content_kept)
            except Exception:
                logger.exception("old content was not removed; the next round tries again")
