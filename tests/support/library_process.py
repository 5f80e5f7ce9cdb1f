"""`postroom worker` as a process of a test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.commands import ROOT, environment
from tests.support.waiting import until


@dataclass
class Running:
    """A worker, its log, and what it noted."""

    process: subprocess.Popen[bytes]
    log: Path
    done: Path

    def noted(self, message_id: str) -> list[list[str]]:
        """The words of each line about a message, without its id."""
        lines = self.done.read_text().splitlines() if self.done.exists() else []
        return [line.split()[1:] for line in lines if line.startswith(message_id)]

    def said(self) -> str:
        return self.log.read_text()


@contextmanager
def running(folder: Path, *command: str, **settings: str) -> Iterator[Running]:
    """Ready when it says so; ended, or killed when it does not end."""
    log, done = folder / "log", folder / "done"
    folder.mkdir(parents=True, exist_ok=True)
    path = [str(ROOT), str(ROOT / "sdk"), settings.pop("EXTRA_PATH", "")]
    environ = environment(
        PYTHONPATH=":".join(filter(None, path)),
        DONE=str(done),
        POSTROOM_SPOOL=str(folder / "spool"),
        POSTROOM_AGENT_DIR=str(folder / "state"),
        **settings,
    )
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environ,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        until(
            lambda: b"ready" in log.read_bytes() or process.poll() is not None, "the worker to be ready", 60
        )
        assert process.poll() is None, log.read_text()[-3000:]
        yield Running(process, log, done)
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
