"""The two connections through which messages come in: one that claims, and one that hears when to claim again.

Nothing polls. The claiming connection lets Redis track what it reads (CLIENT TRACKING, made for client-side caches):
a claim that finds nothing has read the length of every list it looked into, and the next push to any of them, by
whomever, sends one word to the other connection. A lost word costs a second at most, for then the worker looks again
by itself. A Redis that does not track (a proxy in between) is looked at twenty times a second.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import redis
from redis.exceptions import NoScriptError, ResponseError

from postroom.delivery.redis import keys, scripts

INVALIDATIONS: Final = "__redis__:invalidate"


class Claimed(NamedTuple):
    tag: str
    queue: str
    message: bytes


class Inlet:
    """Claims for one channel. Not for several threads."""

    def __init__(self, pool: redis.ConnectionPool, instance: str, lease: float) -> None:
        self._hears, self._claims = _connection(pool), _connection(pool)
        self._instance, self._lease = instance, lease
        self._nonce, self._count = secrets.token_hex(8) + "-", 0
        self._sha, self._number = "", -1
        self.tracks = False

    def open(self) -> None:
        """Connect both, and have the one told what happens to what the other has read."""
        listener = _ask(self._hears, "CLIENT", "ID")
        _ask(self._hears, "SUBSCRIBE", INVALIDATIONS)
        self._number = int(self._hears._sock.fileno())
        self._sha = _ask(self._claims, "SCRIPT", "LOAD", scripts.CLAIM).decode()
        try:
            _ask(self._claims, "CLIENT", "TRACKING", "ON", "REDIRECT", listener, "NOLOOP")
            self.tracks = True
        except ResponseError:
            self.tracks = False

    def fileno(self) -> int:
        """Readable when a queue has changed."""
        return self._number

    def hear(self) -> None:
        """Take in what was said; the words themselves do not matter."""
        self._hears.read_response()
        while self._hears.can_read(timeout=0):
            self._hears.read_response()

    def claim(self, lists: Sequence[tuple[str, str]], most: int) -> list[Claimed]:
        """Up to so many messages from these (list, queue), looked into in this order. Empty: nothing is there."""
        names, queues = [name for name, _ in lists], [queue for _, queue in lists]
        arguments = (
            keys.UNACKED,
            keys.UNACKED_DUE,
            most,
            self._lease,
            self._nonce,
            self._count,
            self._instance,
        )
        answer = self._run(len(names), *names, *arguments, *queues)
        self._count += len(answer) // 3
        triples = zip(answer[0::3], answer[1::3], answer[2::3], strict=True)
        return [Claimed(tag.decode(), queues[position - 1], message) for tag, position, message in triples]

    def _run(self, *arguments: Any) -> list[Any]:
        try:
            answer = _ask(self._claims, "EVALSHA", self._sha, *arguments)
        except NoScriptError:  # somebody emptied Redis's cache of scripts
            answer = _ask(self._claims, "EVAL", scripts.CLAIM, *arguments)
        return list(answer)

    def close(self) -> None:
        self._hears.disconnect()
        self._claims.disconnect()


def _connection(pool: redis.ConnectionPool) -> Any:
    """A connection of our own: the pool would hand it to others."""
    return pool.connection_class(**pool.connection_kwargs)


def _ask(connection: Any, *command: Any) -> Any:
    connection.send_command(*command)
    return connection.read_response()
