"""Strict parsing of environment values: each parser takes the text and returns the value or raises ValueError.

The ValueError's text completes the sentence "… is refused: ", so it says what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qsl, unquote, urlsplit

DURATION = re.compile(r"^(\d+)([smhd])$")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class HostPort:
    """An address to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A database as a URL names it; `engine` is `sqlite` or `postgresql`."""

    engine: str
    name: str
    host: str = ""
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """A message broker under the name that pages show."""

    name: str
    url: str = field(repr=False)

    @property
    def kind(self) -> str:
        return "rabbitmq" if self.url.startswith("amqp") else "redis"


def text(raw: str) -> str:
    if not raw.strip():
        raise ValueError("it must not be empty")
    return raw.strip()


def switch(raw: str) -> bool:
    value = raw.strip().lower()
    if value in {"1", "on", "true", "yes"}:
        return True
    if value in {"0", "off", "false", "no"}:
        return False
    raise ValueError("allowed are on and off (also 1, 0, true, false, yes, no)")


def whole_number(raw: str) -> int:
    if not raw.strip().isdigit():
        raise ValueError("it must be a whole number of 0 or more")
    return int(raw)


def duration(raw: str) -> timedelta:
    match = DURATION.match(raw.strip())
    if not match or int(match[1]) == 0:
        raise ValueError("it must be a number above 0 and a unit: 30s, 15m, 12h or 7d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def host_port(raw: str) -> HostPort:
    host, colon, port = raw.strip().rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 <= int(port) <= MAX_PORT:
        raise ValueError("it must be HOST:PORT, such as 127.0.0.1:8000")
    return HostPort(host.strip("[]"), int(port))


def one_of(*allowed: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw.strip() not in allowed:
            raise ValueError(f"allowed are {', '.join(allowed)}")
        return raw.strip()

    return parse


def comma_list(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def http_url(raw: str) -> str:
    parts = urlsplit(raw.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it must be an http:// or https:// address")
    return raw.strip().rstrip("/")


def database_url(raw: str) -> DatabaseUrl:
    parts = urlsplit(raw.strip())
    options = tuple(parse_qsl(parts.query))
    if parts.scheme == "sqlite" and parts.path.strip("/"):
        # sqlite:///relative.db and sqlite:////absolute.db, as elsewhere.
        return DatabaseUrl("sqlite", unquote(parts.path[1:]), options=options)
    if parts.scheme in {"postgres", "postgresql"} and parts.path.strip("/"):
        return DatabaseUrl(
            "postgresql",
            unquote(parts.path[1:]),
            parts.hostname or "",
            parts.port,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            options,
        )
    raise ValueError("it must be postgresql://USER:PASSWORD@HOST:PORT/NAME or sqlite:///PATH")


def redis_url(raw: str) -> str:
    parts = urlsplit(raw.strip())
    if parts.scheme == "unix" and parts.path:
        return raw.strip()
    if parts.scheme in {"redis", "rediss"} and parts.hostname:
        return raw.strip()
    raise ValueError("it must be redis://, rediss:// or unix:// and an address")


def broker(raw: str) -> BrokerUrl:
    name, equals, url = raw.partition("=")
    scheme = url.partition("://")[0]
    if not equals or not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name):
        raise ValueError("each broker is name=url, the name of small letters, digits, - and _")
    if scheme not in {"redis", "rediss", "unix", "amqp", "amqps"}:
        raise ValueError(f"broker {name}: allowed are redis://, rediss://, unix://, amqp:// and amqps://")
    return BrokerUrl(name, url)


def brokers(raw: str) -> tuple[BrokerUrl, ...]:
    found = tuple(broker(part) for part in comma_list(raw))
    names = [each.name for each in found]
    if len(names) != len(set(names)):
        raise ValueError("two brokers have the same name")
    return found
