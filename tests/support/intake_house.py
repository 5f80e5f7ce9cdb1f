"""A house with intake: real Granian, real doors, a token that may write, and what the store holds afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support import servers, template
from tests.support.house import ROOT, House
from tests.support.waiting import until


@dataclass(frozen=True, slots=True)
class Intake:
    """One intake process: the server and its worker."""

    process: subprocess.Popen[bytes]
    port: int
    grpc_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self.grpc_port}"

    def family(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def peak_bytes(self) -> int:
        """The most memory that the worker ever held."""
        return max(_peak(each.pid) for each in self.family())

    def processor_seconds(self) -> float:
        """What it has taken of the processors since its start."""
        times = [each.cpu_times() for each in self.family()]
        return sum(each.user + each.system for each in times)

    def kill(self) -> None:
        """kill −9, the worker first: it is the one at work."""
        for each in reversed(self.family()):
            each.send_signal(signal.SIGKILL)
        self.process.wait()


class IntakeHouse(House):
    """Everything it starts shares its data directory, its databases and its token."""

    def __init__(self, data: Path, redis_url: str, database_url: str = "") -> None:
        super().__init__(data, database_url)
        self.environ["POSTROOM_REDIS_URL"] = redis_url
        # On SQLite the template has one.
        self.token = self.make_token("tests", "ingest") if database_url else template.copy_with_token_to(data)

    def make_token(self, name: str, role: str, scope: str = "") -> str:
        where = ("--scope", scope) if scope else ()
        return self.run("manage.py", "token", "create", name, "--role", role, *where).stdout.strip()

    @property
    def authorization(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    @contextmanager
    def intake(self, **settings: str) -> Iterator[Intake]:
        """An intake process that is ready; ended afterwards, unless the test has killed it."""
        running = self.start_intake(**settings)
        try:
            yield running
        finally:
            if running.process.poll() is None:
                running.process.terminate()
                running.process.wait(20)

    def start_intake(self, **settings: str) -> Intake:
        port, grpc_port = servers.free_port(), servers.free_port()
        doors = {
            "POSTROOM_OTLP_HTTP_BIND": f"127.0.0.1:{port}",
            "POSTROOM_OTLP_GRPC_BIND": f"127.0.0.1:{grpc_port}",
        }
        command = [sys.executable, "manage.py", "intake"]
        process = subprocess.Popen(command, cwd=ROOT, env=self.environ | doors | settings)
        running = Intake(process, port, grpc_port)
        until(lambda: _ready(running), "intake to be ready", 60)
        return running

    def stored(self) -> Counter[str]:
        """How often each span is in the store, as trace id/span id."""
        return Counter(self.run("-m", "tests.support.stored", "spans").stdout.split())

    def stored_logs(self) -> list[str]:
        """The bodies of the log records in the store."""
        return self.run("-m", "tests.support.stored", "logs").stdout.splitlines()


def _ready(running: Intake) -> bool:
    assert running.process.poll() is None, "intake ended at its start"
    return servers.answers(f"{running.url}/readyz")


def _peak(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
