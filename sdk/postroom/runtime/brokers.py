"""Which broker an address means, and who settles its deliveries."""

from __future__ import annotations

from urllib.parse import urlsplit

from postroom.delivery.api import Settler
from postroom.errors import ConfigurationError

_REDIS = frozenset({"redis", "rediss", "unix", "socket"})
_AMQP = frozenset({"amqp", "amqps", "pyamqp"})
PREFIX = "postroom+"


def is_redis(url: str) -> bool:
    return urlsplit(_plain(url)).scheme in _REDIS


def _plain(url: str) -> str:
    """kombu calls a socket redis+socket://, and our transport has a prefix."""
    return url.removeprefix(PREFIX).removeprefix("redis+")


def lossless(url: str) -> str:
    """The address that an agent uses: on Redis our own transport, whose claims cannot be lost. Senders may use the
    plain address, since the messages are the same."""
    scheme = urlsplit(_plain(url)).scheme
    if scheme in _REDIS:
        import postroom.delivery.transport  # noqa: F401 - importing it makes the address known to kombu

        return PREFIX + _plain(url)
    if scheme in _AMQP:
        return url
    raise ConfigurationError(f"{scheme or url!r} is no broker that agents can use: redis://… or amqp://…")


def settler_for(url: str) -> Settler:
    """Opens its connection in each process that uses it."""
    if is_redis(url):
        from postroom.delivery.redis.settler import RedisSettler

        return RedisSettler(_plain(url))
    from postroom.delivery.rabbitmq.settler import RabbitSettler

    return RabbitSettler(url)
