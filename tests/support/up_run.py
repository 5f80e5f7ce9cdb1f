"""A real `manage.py up` for tests: its own data, its own ports, its lines, its processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core import clock, live_redis, processes
from core.processes import Kind, ProcessState, State
from core.up.child import launcher
from tests.support.servers import free_port
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, str(ROOT / "manage.py")]
READY_SECONDS = 90.0
PASSWORD = "a-long-test-password"


def environ(data: Path, **settings: str) -> dict[str, str]:
    """A plain environment with these settings and no others."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"POSTROOM_DATA_DIR": str(data), "POSTROOM_ADMIN_PASSWORD": PASSWORD} | settings


def apart(data: Path, **settings: str) -> dict[str, str]:
    """The environment of an `up` that gets in nobody's way."""
    ports = {
        "POSTROOM_BIND": f"127.0.0.1:{free_port()}",
        "POSTROOM_OTLP_HTTP_BIND": f"127.0.0.1:{free_port()}",
        "POSTROOM_OTLP_GRPC_BIND": f"127.0.0.1:{free_port()}",
    }
    return environ(data, **ports | settings)


@dataclass
class Up:
    """One `up` in a session of its own, as a terminal would start it."""

    environ: Mapping[str, str]
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return Path(self.environ["POSTROOM_DATA_DIR"])

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def url(self) -> str:
        found = re.search(r"^Postroom is ready at (\S+)$", self.text, re.MULTILINE)
        assert found, self.text[-3000:]
        return found[1]

    def said(self, pattern: str) -> str | None:
        found = re.search(pattern, self.text, re.MULTILINE)
        return found[0] if found else None

    def until_ready(self) -> Up:
        def ready() -> bool:
            assert self.process.poll() is None, f"up ended:\n{self.text[-3000:]}"
            return "Postroom is ready at" in self.text

        try:
            until(ready, "the ready line", READY_SECONDS)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{self.text[-3000:]}") from None
        return self

    def states(self) -> dict[Kind, ProcessState]:
        """What Redis knows of the processes; all unknown while it cannot be asked."""
        address = self.data / "run" / "redis-url"
        try:
            client = live_redis.at(address.read_text(encoding="utf-8"))
            heard = processes.beats(client)
            told = processes._load(live_redis.table(client, processes.REPORTS))
        except (OSError, live_redis.Unreachable):
            return {state.kind: state for state in processes.unknown_since(clock.now(), [])}
        return {state.kind: state for state in processes.join(heard, told, clock.unix(), clock.now())}

    def pid(self, kind: Kind) -> int:
        state = self.states()[kind]
        assert state.state is State.UP, state
        assert state.pid, state
        return state.pid

    def child(self, kind: Kind) -> int:
        """The pid of the child that `up` itself started, which need not be the one that beats."""
        pid = self._reported(kind)
        assert pid, kind
        return pid

    def is_back(self, kind: Kind, old: int) -> bool:
        """Up again, in another process than the old one."""
        try:
            return self.states()[kind].state is State.UP and self._reported(kind) not in {None, old}
        except (OSError, live_redis.Unreachable):
            return False

    def all_up(self) -> bool:
        return {state.state for state in self.states().values()} == {State.UP}

    def _reported(self, kind: Kind) -> int | None:
        told = processes._load(live_redis.table(self.redis(), processes.REPORTS))
        return next((record.pid for record in told.values() if record.kind == kind), None)

    def redis(self) -> live_redis.Client:
        return live_redis.at((self.data / "run" / "redis-url").read_text(encoding="utf-8"))

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, seconds: float) -> int:
        """Its exit status, after having waited for it no longer than this."""
        return self.process.wait(timeout=seconds)

    def alive(self) -> list[int]:
        """Every process of this `up`, whoever its parent is now: known by the data directory it works for."""
        return working_for(self.data)


def working_for(data: Path) -> list[int]:
    mark = f"POSTROOM_DATA_DIR={data}\0".encode()
    return [pid for pid in _pids() if mark in _environment(pid) and state_of(pid) not in {"Z", "X", ""}]


def state_of(pid: int) -> str:
    """R, S, D, Z …, or nothing when there is no such process."""
    try:
        return (
            Path(f"/proc/{pid}/stat")
            .read_text(encoding="ascii", errors="replace")
            .rpartition(")")[2]
            .split()[0]
        )
    except (OSError, IndexError):
        return ""


def zombies_of(parent: int) -> list[int]:
    return [pid for pid in _pids() if _parent(pid) == parent and state_of(pid) == "Z"]


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        return int(stat.rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


@contextmanager
def up(env: Mapping[str, str], *arguments: str) -> Iterator[Up]:
    """Start it; at the end, however the test went, nothing of it is left."""
    process = subprocess.Popen(
        # A test run that is killed takes it along.
        [*launcher(signal.SIGTERM), *MANAGE, "up", *arguments],
        cwd=ROOT,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    running = Up(env, process)
    reader = threading.Thread(target=_read, args=(running,), daemon=True)
    reader.start()
    try:
        yield running
    finally:
        _end(running)
        reader.join(timeout=5)


def _read(running: Up) -> None:
    assert running.process.stdout
    for line in running.process.stdout:
        running.lines.append(line.rstrip("\n"))


def _end(running: Up) -> None:
    if running.process.poll() is None:
        running.send(signal.SIGTERM)
        try:
            running.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            running.process.kill()
            running.process.wait()
    deadline = time.monotonic() + 10
    while running.alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in running.alive():
        os.kill(pid, signal.SIGKILL)
