"""Celery workers as processes of their own, for tests that stop and kill them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import Celery

from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]


def bare_client(url: str) -> Celery:
    """An application that knows nothing of this library: Celery's own transport on the same Redis."""
    app = Celery("bare", broker=plain(url))
    app.conf.update(task_default_queue="work", broker_connection_retry_on_startup=False)
    return app


def plain(url: str) -> str:
    """The address of this Redis as Celery alone knows it."""
    return f"redis+{url.replace('unix:', 'socket:')}" if url.startswith("unix:") else url


@dataclass
class Worker:
    """One running worker of tests/support/library_app.py; what it did stands in a file, a line a task."""

    process: subprocess.Popen[bytes]
    log: Path
    done: Path

    def lines(self) -> list[str]:
        return self.done.read_text().splitlines() if self.done.exists() else []

    def send(self, signal_number: int) -> None:
        """To the worker and the children of its pool."""
        os.killpg(self.process.pid, signal_number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """As an operator ends it; whoever does not end in time is killed."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            finally:
                self._end_all()

    def _end_all(self) -> None:
        try:
            self.kill()
        except ProcessLookupError:
            return


@contextmanager
def worker(url: str, folder: Path, name: str, **environment: str) -> Iterator[Worker]:
    """A worker that is ready; killed at the end if it still lives."""
    log, done = folder / f"{name}.log", folder / "done"
    settings = {"BROKER": url, "DONE": str(done), "PYTHONPATH": f"{ROOT / 'sdk'}:{ROOT}", **environment}
    arguments = [
        "-A",
        "tests.support.library_app",
        "worker",
        "-n",
        f"{name}@test",
        "-c",
        "2",
        "-l",
        "info",
    ]
    arguments += ["-P", environment.get("POOL", "threads"), "--without-gossip", "--without-mingle"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", *arguments],
            env=os.environ | settings,
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Worker(process, log, done)
    try:
        until(lambda: " ready." in log.read_text() or _gone(process, log), f"{name} to be ready", 60)
        yield running
    finally:
        running._end_all()


def _gone(process: subprocess.Popen[Any], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    return False
