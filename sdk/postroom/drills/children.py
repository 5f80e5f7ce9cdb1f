"""Processes of a drill: started in a group of their own, killed by id, none left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

LEAVE_SECONDS = 10.0


class Child:
    """One process and all that it started. What it prints goes to a file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environ: Mapping[str, str],
        folder: Path | None = None,
    ) -> None:
        self.name, self.log, self._folder = name, log, folder
        self._command, self._environ = list(command), dict(environ)
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                env=self._environ,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """−9 to the process and its children, at once."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def start_again(self) -> None:
        """The same command anew; what is left of the old one is killed first."""
        self.kill()
        self._process = self._start()

    def end(self) -> None:
        """Asked politely first."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LEAVE_SECONDS)
        self.kill()

    def tail(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


class Children:
    """All processes of a drill. Leaving the `with` ends them, in the opposite order of their start."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder, self._environ = folder, dict(environ)
        self._children: list[Child] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._children):
            child.end()

    def start(self, name: str, command: Sequence[str], **environ: str) -> Child:
        child = Child(name, command, self._folder / f"{name}.log", self._environ | environ)
        with self._lock:
            self._children.append(child)
        return child

    def python(self, name: str, *arguments: str, **environ: str) -> Child:
        """A child that runs this interpreter: `-m`, a module, its arguments."""
        return self.start(name, [sys.executable, *arguments], **environ)
