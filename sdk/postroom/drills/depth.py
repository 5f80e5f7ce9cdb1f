"""How many messages wait in a queue of the drill's broker, asked again and again over one connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis


def depth_of(plain: str, queue: str) -> Callable[[], int]:
    """Asks; a broker that does not answer, or has no such queue yet, counts as 0: the drill judges what it saw."""
    return _on_redis(plain, queue) if plain.startswith("redis") else _on_rabbitmq(plain, queue)


def _on_redis(plain: str, queue: str) -> Callable[[], int]:
    client = redis.Redis.from_url(plain)

    def ask() -> int:
        try:
            return int(client.llen(queue))
        except redis.RedisError:
            return 0

    return ask


def _on_rabbitmq(plain: str, queue: str) -> Callable[[], int]:
    import kombu

    connection: Any = kombu.Connection(plain, connect_timeout=2)

    def ask() -> int:
        try:
            with connection.channel() as channel:
                return int(channel.queue_declare(queue, passive=True).message_count)
        except (*connection.connection_errors, *connection.channel_errors, OSError):
            return 0

    return ask
