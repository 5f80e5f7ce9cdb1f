"""The connection to Redis that live state goes through: beats, leases, hints. Nothing precious."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias, cast

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

Client: TypeAlias = "redis.Redis"

# Whoever asks wants to know now whether Redis is there; waiting is the caller's business.
CONNECT_SECONDS, ANSWER_SECONDS = 1.0, 2.0

Unreachable = redis.RedisError


@lru_cache(maxsize=8)
def at(url: str) -> Client:
    """The client for an address, made once per process. It connects at the first command."""
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def client() -> Client:
    """The client for the Redis that Postroom was given, or that `up` started."""
    return at(settings.REDIS_URL)


def is_cluster(redis: Client) -> bool:
    """Celery cannot use a Redis cluster as its broker: a queue's keys would lie on several nodes."""
    about = cast("dict[str, int]", redis.info("cluster"))
    return bool(about.get("cluster_enabled"))


def table(redis: Client, name: str) -> dict[str, str]:
    """A whole hash, as the text it holds."""
    return cast("dict[str, str]", redis.hgetall(name))
