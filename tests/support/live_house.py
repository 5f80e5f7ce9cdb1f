"""A house with web processes: a board, accounts, and real Daphne servers that share a real Redis."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from tests.support import servers
from tests.support.house import ROOT, House
from tests.support.live_board import BOARD, Board
from tests.support.waiting import until

SITE = "tests.support.live_site:application"


@dataclass(frozen=True, slots=True)
class Web:
    """One web process."""

    port: int
    pid: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def live(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/live"

    def open_files(self) -> int:
        """Files and sockets that the process has open now."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def resident_bytes(self) -> int:
        """The memory that the process holds now."""
        return next(
            int(line.split()[1]) * 1024
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines()
            if line.startswith("VmRSS")
        )


class LiveHouse(House):
    """Everything it starts knows the same board, accounts and Redis."""

    def __init__(self, data: Path, redis_url: str) -> None:
        super().__init__(data)
        self.environ["POSTROOM_REDIS_URL"] = redis_url
        self.board = Board(data / "board.sqlite3").make()
        self.environ[BOARD] = str(self.board.path)
        self._people: subprocess.Popen[str] | None = None

    def tokens(self, count: int, role: str = "viewer") -> list[str]:
        """Authorization headers of as many accounts."""
        return [self.token(f"{role}-{number}", role) for number in range(count)]

    def token(self, name: str, role: str = "viewer", scope: str = "*") -> str:
        """An Authorization header."""
        return self.people("token", name, role, scope)

    def hint(self, name: str = "board") -> None:
        """What a process does that changed something."""
        self.people("hint", name)

    def people(self, *command: str) -> str:
        """What tests.support.live_people does, and its answer."""
        process = self._people = self._people or self._start_people()
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(command) + "\n")
        process.stdin.flush()
        while line := process.stdout.readline():
            # Between the answers stands what the process logs.
            if line.startswith("= "):
                return line.removeprefix("= ").strip()
        raise AssertionError(f"{command} failed")

    def _start_people(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.support.live_people"]
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        """End what takes commands."""
        if self._people:
            self._people.communicate()

    @contextmanager
    def web(self) -> Iterator[Web]:
        """A web process of the whole site."""
        with daphne(SITE, self.environ) as web:
            yield web


@contextmanager
def daphne(application: str, environ: Mapping[str, str]) -> Iterator[Web]:
    """A Daphne that answers; killed afterwards."""
    port = servers.free_port()
    command = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), application]
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    try:
        until(lambda: _answers(process, port), "the web process to answer", 60)
        yield Web(port, process.pid)
    finally:
        process.kill()
        process.wait()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "the web process ended at its start"
    try:
        urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
    except HTTPError:
        return True
    except OSError:
        return False
    return True
