"""Where a round plays: `manage.py up` with private servers, the consumer, and how each of them is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from core import crash, live_redis
from core.processes import Kind
from tests.operation_kills import ROOT, servers
from tests.operation_kills.cells import Setting, Victim
from tests.operation_kills.database import Database
from tests.operation_kills.servers import PrivatePostgres
from tests.support import up_run
from tests.support.library_process import Running, running
from tests.support.up_run import MANAGE, Up
from tests.support.waiting import until

KINDS = {
    Victim.WORKER: Kind.WORKER,
    Victim.WATCHER: Kind.WATCHER,
    Victim.WEB: Kind.WEB,
    Victim.REDIS: Kind.REDIS,
}
BACK_SECONDS = 120.0
# Lines of a traceback in what `up` prints: a function of the house's own, and the exception at its end.
_FRAME = re.compile(r'File "(?!.*/site-packages/).*/(?:agents|core|dashboard)/.*", line \d+, in (\w+)')
_ERROR = re.compile(r"^\S+ +\| (?:[a-z_]\w*\.)*([A-Z]\w*(?:Error|Exception))\b:")
DEEP = 5
ENVIRONMENT, QUEUE = "production", "work"


@dataclass
class House:
    """All that runs in a round."""

    folder: Path
    setting: Setting
    up: Up
    environ: dict[str, str]
    database: Database
    consumer: Running | None = None
    rabbitmq: servers.Killable | None = None
    postgres: PrivatePostgres | None = None

    @property
    def url(self) -> str:
        return self.up.url

    @property
    def broker(self) -> str:
        """The address of the broker that letters come from and messages go to."""
        return self.rabbitmq.plain if self.rabbitmq else self.redis

    @property
    def redis(self) -> str:
        return (self.up.data / "run" / "redis-url").read_text(encoding="utf-8").strip()

    @property
    def points(self) -> Path:
        return self.folder / "points"

    @property
    def books(self) -> Path:
        return self.folder / "books.sqlite"

    # ---- Killing -----------------------------------------------------------------------------------------------
    def pid(self, victim: Victim) -> int:
        """Of a process that `up` keeps."""
        return until(lambda: self._pid(KINDS[victim]), f"{victim} to be there", BACK_SECONDS) or 0

    def kill(self, victim: Victim) -> int:
        """−9 to all of it. Returns which process it was, for `back`."""
        if server := self._server(victim):
            server.kill()
            return 0
        pid = self.pid(victim)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        return pid

    def back(self, victim: Victim, old: int) -> None:
        """It starts again: what `up` keeps, by itself."""
        if server := self._server(victim):
            server.start()
            return
        until(lambda: self._is_back(KINDS[victim], old), f"{victim} to be back", BACK_SECONDS)

    def _server(self, victim: Victim) -> servers.Killable | None:
        return {Victim.RABBITMQ: self.rabbitmq, Victim.POSTGRES: self.postgres}.get(victim)

    def _pid(self, kind: Kind) -> int | None:
        try:
            return self.up._reported(kind)
        except (OSError, live_redis.Unreachable):
            return None

    def _is_back(self, kind: Kind, old: int) -> bool:
        try:
            return self.up.is_back(kind, old)
        except (OSError, live_redis.Unreachable):
            return False

    @contextmanager
    def consumer_paused(self) -> Iterator[None]:
        """Nothing is consumed meanwhile, so no outcome comes before the house has found its way by itself."""
        self._to_consumer(signal.SIGSTOP)
        try:
            yield
        finally:
            self._to_consumer(signal.SIGCONT)

    def _to_consumer(self, number: signal.Signals) -> None:
        assert self.consumer
        os.killpg(self.consumer.process.pid, number)

    # ---- Points ------------------------------------------------------------------------------------------------
    def order(self, line: str) -> None:
        """From now on somebody is to stop at a point; see core/crash.py."""
        (self.points / crash.TAKEN).unlink(missing_ok=True)
        fresh = self.points / "fresh"
        fresh.write_text(line, encoding="utf-8")
        fresh.rename(self.points / crash.AT)

    def stopped(self, line: str) -> int | None:
        """The process that stands at the point by this order."""
        with suppress(FileNotFoundError):
            pid, _, said = (self.points / crash.TAKEN).read_text(encoding="utf-8").partition(" ")
            if said == line and up_run.state_of(int(pid)) == "T":
                return int(pid)
        return None

    def withdraw(self) -> None:
        """Nobody came."""
        (self.points / crash.AT).unlink(missing_ok=True)


def let_go(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


@contextmanager
def house(folder: Path, setting: Setting) -> Iterator[House]:
    """Ready, with its consumer at work."""
    with ExitStack() as stack:
        postgres = stack.enter_context(servers.postgres()) if setting.engine == "postgres" else None
        rabbitmq = stack.enter_context(servers.rabbitmq(folder)) if setting.broker == "rabbitmq" else None
        url = postgres.server.format(name="postroom") if postgres else ""
        settings = {
            "POSTROOM_DATABASE_URL": url,
            "POSTROOM_BROKERS": f"main={rabbitmq.plain}" if rabbitmq else "",
        }
        points = folder / "points"
        points.mkdir()
        environ = up_run.apart(folder / "data", **{name: value for name, value in settings.items() if value})
        environ[crash.VARIABLE] = str(points)
        up = stack.enter_context(up_run.up(environ)).until_ready()
        found = House(folder, setting, up, environ, Database(folder / "data", url), None, rabbitmq, postgres)
        stack.callback(_keep_log, found)
        found.consumer = stack.enter_context(consumer(found))
        yield found


@contextmanager
def consumer(house: House) -> Iterator[Running]:
    broker = house.broker if house.rabbitmq else f"postroom+{house.broker}"
    command = ["postroom", "worker", "tests.operation_kills.agent:agent", "-P", "threads", "-c", "4"]
    with running(
        house.folder / "agent",
        *command,
        POSTROOM_BROKER_URL=broker,
        POSTROOM_BROKER_NAME="main",
        POSTROOM_ENVIRONMENT=ENVIRONMENT,
        KILLS_BOOKS=str(house.books),
    ) as found:
        yield found


def errors(house: House) -> Counter[str]:
    """What its processes said went wrong, by the kind of exception and where it came from: for whoever looks for
    defects."""
    found, frames = Counter[str](), list[str]()
    for line in house.up.lines:
        if frame := _FRAME.search(line):
            frames.append(frame[1])
        elif error := _ERROR.search(line):
            found[f"{error[1]} in {' > '.join(frames[-DEEP:])}"] += 1
            frames.clear()
    return found


def _keep_log(house: House) -> None:
    (house.folder / "up.log").write_text(house.up.text, encoding="utf-8")


class Tokens(NamedTuple):
    """Of two who may do everything: the second approves what is large."""

    first: str
    second: str


def tokens(environ: dict[str, str]) -> Tokens:
    return Tokens(_token(environ, "kills"), _token(environ, "second"))


def _token(environ: dict[str, str], name: str) -> str:
    command = [*MANAGE, "token", "create", name, "--role", "admin", "--scope", "environment=*"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()
