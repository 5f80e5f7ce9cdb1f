"""One connection to one Redis, made when it is first used, and let go of when Redis is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.brokers.api import BrokerError, BrokerUrl

CONNECT_SECONDS = 2.0


class RedisLine:
    """What speaks with Redis stands on this. Not for several threads."""

    answer_seconds: ClassVar[float] = 10.0

    def __init__(self, broker: BrokerUrl) -> None:
        self._broker = broker
        self._client: redis.Redis | None = None

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(redis.RedisError):
                client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _speaking(self) -> Iterator[redis.Redis]:
        """Redis' own errors become BrokerError, and the next use connects anew."""
        try:
            if self._client is None:
                self._client = self._connected()
            yield self._client
        except redis.RedisError as problem:
            self.close()
            raise BrokerError(f"cannot reach {self._broker.name}: {problem}") from problem

    def _connected(self) -> redis.Redis:
        """A client that asks once: whoever calls knows whether asking again is harmless."""
        return redis.Redis.from_url(
            self._broker.url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=self.answer_seconds,
            retry=Retry(NoBackoff(), 0),
        )
