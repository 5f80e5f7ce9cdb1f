"""Strict parsing of environment values: each parser takes the text and returns the value or raises ValueError.

The ValueError's text completes the sentence "… is refused: ", so it says what is allowed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

DURATION = re.compile(r"^([0-9]{1,15})([smhd])$")
# What a JWT may be signed with. `none` and the HS family are not here, and so can never be allowed.
ASYMMETRIC_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
MAX_PORT = 65535
LONGEST = timedelta(days=100 * 365)
BROKER_SCHEMES = frozenset({"redis", "rediss", "unix", "amqp", "amqps"})


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


def path(raw: str) -> Path:
    # Path's own expanduser raises RuntimeError for the home of nobody.
    return Path(os.path.expanduser(text(raw)))


def switch(raw: str) -> bool:
    value = raw.strip().lower()
    if value in {"1", "on", "true", "yes"}:
        return True
    if value in {"0", "off", "false", "no"}:
        return False
    raise ValueError("allowed are on and off (also 1, 0, true, false, yes, no)")


def whole_number(raw: str) -> int:
    if not _is_number(raw.strip()):
        raise ValueError("it must be a whole number of 0 or more")
    return int(raw)


def _is_number(raw: str) -> bool:
    return raw.isascii() and raw.isdecimal()


def duration(raw: str) -> timedelta:
    match = DURATION.match(raw.strip())
    if not match or int(match[1]) == 0:
        raise ValueError("it must be a number above 0 and a unit: 30s, 15m, 12h or 7d")
    try:
        span = timedelta(**{UNITS[match[2]]: int(match[1])})
    except OverflowError:
        span = timedelta.max
    if span > LONGEST:
        raise ValueError("it must be 36500d or less")
    return span


def host_port(raw: str) -> HostPort:
    host, colon, port = raw.strip().rpartition(":")
    if not colon or not host or not _is_number(port) or int(port) > MAX_PORT:
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


def jwt_algorithms(raw: str) -> tuple[str, ...]:
    found = comma_list(raw)
    if not found or not ASYMMETRIC_ALGORITHMS.issuperset(found):
        raise ValueError(f"allowed are {', '.join(sorted(ASYMMETRIC_ALGORITHMS))}")
    return found


def networks(raw: str) -> tuple[str, ...]:
    for part in comma_list(raw):
        try:
            ip_network(part, strict=False)
        except ValueError:
            raise ValueError(f"{part!r} is no address or network such as 10.0.0.0/8") from None
    return comma_list(raw)


def several_of(*allowed: str) -> Callable[[str], tuple[str, ...]]:
    def parse(raw: str) -> tuple[str, ...]:
        if not set(comma_list(raw)) <= set(allowed):
            raise ValueError(f"allowed are {', '.join(allowed)}, with commas between")
        return comma_list(raw)

    return parse


HOST_PATTERN = re.compile(r"[A-Za-z0-9_*.-]{1,253}")


def hosts_and_networks(raw: str) -> tuple[str, ...]:
    """Host names (`*` for any part), addresses and networks."""
    entries = comma_list(raw)
    for entry in entries:
        try:
            ip_network(entry, strict=False)
        except ValueError:
            if not HOST_PATTERN.fullmatch(entry):
                raise ValueError(f"{entry} is no host name, address or network such as 10.0.0.0/8") from None
    return entries


def http_url(raw: str) -> str:
    parts = _parts(raw)
    if not parts or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it must be an http:// or https:// address")
    return raw.strip().rstrip("/")


def intake_url(raw: str) -> str:
    """Where web finds intake: over http, or a unix socket as Granian writes it."""
    if re.fullmatch(r"unix:/.+", raw.strip()):
        return raw.strip()
    try:
        return http_url(raw)
    except ValueError:
        raise ValueError("it must be http://HOST:PORT or unix:/PATH") from None


def database_url(raw: str) -> DatabaseUrl:
    parts = _parts(raw)
    if parts and parts.scheme == "sqlite" and parts.path.strip("/") and not parts.netloc:
        # sqlite:///relative.db and sqlite:////absolute.db, as elsewhere.
        return DatabaseUrl("sqlite", unquote(parts.path[1:]))
    if parts and parts.scheme in {"postgres", "postgresql"} and parts.path.strip("/"):
        return DatabaseUrl(
            "postgresql",
            unquote(parts.path[1:]),
            parts.hostname or "",
            parts.port,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            tuple(parse_qsl(parts.query)),
        )
    raise ValueError(
        "it must be postgresql://USER:PASSWORD@HOST:PORT/NAME or sqlite:///PATH "
        "(in a password, write / as %2F, @ as %40 and : as %3A)"
    )


def redis_url(raw: str) -> str:
    parts = _parts(raw)
    if parts and parts.scheme == "unix" and parts.path:
        return raw.strip()
    if parts and parts.scheme in {"redis", "rediss"} and parts.hostname:
        return raw.strip()
    raise ValueError("it must be redis://, rediss:// or unix:// and an address")


def _parts(raw: str) -> SplitResult | None:
    """A URL's parts, or None. Python's own complaint may quote a piece of the password, and is not passed on."""
    try:
        parts = urlsplit(raw.strip())
        _ = parts.port
    except ValueError:
        return None
    return parts


def broker(raw: str) -> BrokerUrl:
    name, equals, url = raw.partition("=")
    parts = _parts(url)
    if not equals or not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name):
        raise ValueError("each broker is name=url, the name of small letters, digits, - and _")
    if not parts or parts.scheme not in BROKER_SCHEMES or not (parts.hostname or parts.path):
        raise ValueError(
            f"broker {name}: it must be redis://, rediss://, unix://, amqp:// or amqps:// and an address"
        )
    return BrokerUrl(name, url)


def brokers(raw: str) -> tuple[BrokerUrl, ...]:
    found = tuple(broker(part) for part in comma_list(raw))
    names = [each.name for each in found]
    if len(names) != len(set(names)):
        raise ValueError("two brokers have the same name")
    return found


def management_urls(raw: str) -> tuple[tuple[str, str], ...]:
    """Names of brokers, each with an http address."""
    return tuple(_named_url(part) for part in comma_list(raw))


def _named_url(raw: str) -> tuple[str, str]:
    name, equals, url = raw.partition("=")
    parts = _parts(url)
    if not equals or not parts or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("each one is name=url, the url http:// or https:// and an address")
    return name, url.strip()


def patience(raw: str) -> tuple[tuple[str, float, float, float], ...]:
    """`mail.*=60/300,extract=30/600/120`: seconds to wait, to work and (else 30) to retry, by the queue's name."""
    return tuple(_patience(part) for part in comma_list(raw))


def _patience(raw: str) -> tuple[str, float, float, float]:
    pattern, equals, given = raw.rpartition("=")
    parts = given.split("/")
    try:
        seconds = [float(part) for part in parts]
    except ValueError:
        seconds = []
    if not (equals and pattern and len(seconds) in {2, 3} and all(1 <= each <= 1e6 for each in seconds)):
        raise ValueError(
            "QUEUE=WAIT/WORK or QUEUE=WAIT/WORK/RETRY in seconds of 1 and more, separated by commas"
        )
    return (pattern, seconds[0], seconds[1], seconds[2] if len(seconds) == 3 else 30.0)
