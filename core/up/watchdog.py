"""`up`'s side of the guardian: starts it, tells it what there is, and starts it again when it dies."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

from core.up.commands import MANAGE


class Watchdog:
    """Keeps one guardian. It inherits the lock, so that nobody starts on this data before it has cleared up."""

    def __init__(self, folder: Path, lock: int) -> None:
        self._folder, self._lock = folder, lock
        self._groups: dict[int, signal.Signals] = {}
        self._process = self._start()

    def add(self, group: int, ends_by: signal.Signals) -> None:
        self._groups[group] = ends_by
        self._tell(f"+ {group} {int(ends_by)}")

    def remove(self, group: int) -> None:
        self._groups.pop(group, None)
        self._tell(f"- {group}")

    def look(self) -> bool:
        """Start it again if it died; returns whether it had."""
        if self._process.poll() is None:
            return False
        self._close()
        self._process = self._start()
        for group, ends_by in self._groups.items():
            self._tell(f"+ {group} {int(ends_by)}")
        return True

    def dismiss(self) -> None:
        """Everything has ended: it finds nothing to kill, removes the folder and goes."""
        self._close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-S", "-m", "core.up.guardian"],
            cwd=MANAGE.parent,
            stdin=subprocess.PIPE,
            pass_fds=(self._lock,),
            # Out of the terminal's group: what kills `up` must not kill it too.
            start_new_session=True,
        )
        self._process = process
        self._tell(f"folder {self._folder}")
        return process

    def _tell(self, line: str) -> None:
        # A broken pipe is a dead guardian: `look` sees to it.
        with contextlib.suppress(OSError, ValueError):
            assert self._process.stdin
            self._process.stdin.write(f"{line}\n".encode())
            self._process.stdin.flush()

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            assert self._process.stdin
            self._process.stdin.close()
