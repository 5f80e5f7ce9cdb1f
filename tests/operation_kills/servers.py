"""Servers that may be killed: nobody else uses them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import psutil
import psycopg

from tests.support import servers
from tests.support.servers import MissingError, free_port
from tests.support.waiting import until

START_SECONDS = 60.0
# Killing the server leaves what the system has; nothing here stops the machine.
CONFIGURATION = {
    "fsync": "off",
    "max_connections": "200",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}


class Killable(Protocol):
    """A server that is killed and started again, with all that it had confirmed. `plain`: its address."""

    plain: str

    def kill(self) -> None: ...

    def start(self) -> None: ...


class PrivatePostgres:
    """A cluster in a folder of its own, run by an ordinary user."""

    def __init__(self) -> None:
        self._user = "postgres" if os.getuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="pr-postgres-"))
        if self._user:
            found = pwd.getpwnam(self._user)
            os.chown(self._folder, found.pw_uid, found.pw_gid)
        self._port = free_port()
        self.server = self.plain = f"postgresql://postgres@127.0.0.1:{self._port}/{{name}}"
        data = str(self._folder / "data")
        made = ["-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"]
        self._run(_program("initdb"), *made).wait()
        given = [part for name, value in CONFIGURATION.items() for part in ("-c", f"{name}={value}")]
        self._command = [_program("postgres"), "-D", data, "-p", str(self._port), *given]
        self.start()

    def start(self) -> None:
        self._process = self._run(*self._command)
        until(self._answers, "the private PostgreSQL to answer", START_SECONDS)

    def kill(self) -> None:
        """−9 to the server and all that serve for it."""
        with suppress(psutil.NoSuchProcess):
            server = psutil.Process(self._process.pid)
            for each in [server, *server.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self._user,
                start_new_session=True,
            )  # fmt: skip

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.server.format(name="postgres"), connect_timeout=2).close()
        except psycopg.Error:
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            return False
        return True


def _program(name: str) -> str:
    found = shutil.which(name) or next(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), None)
    if found is None:
        raise MissingError(f"no {name} on this machine")
    return found


@contextmanager
def postgres() -> Iterator[PrivatePostgres]:
    server = PrivatePostgres()
    try:
        servers.make_database(server.server, "postroom")
        yield server
    finally:
        server.close()


@contextmanager
def rabbitmq(folder: Path) -> Iterator[Killable]:
    """A node of its own."""
    from postroom.drills.brokers import PrivateRabbitMQ

    server = PrivateRabbitMQ(folder)
    try:
        yield server
    finally:
        server.close()
