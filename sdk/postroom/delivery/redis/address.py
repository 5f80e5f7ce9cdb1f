"""Which Redis an address means.

`postroom+redis://`, `postroom+rediss://` and `postroom+unix://` (or `postroom+socket://`, as kombu says) stand for the
addresses without the prefix.
"""

from __future__ import annotations

import ssl
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import redis
from kombu.utils.url import parse_url

PREFIX: Final = "postroom+"
SOCKETS: Final = ("socket", "unix")


def plain(url: str) -> str:
    """The address as redis-py understands it."""
    parts = urlsplit(url.removeprefix(PREFIX))
    if parts.scheme not in SOCKETS:
        return urlunsplit(parts)
    query = {"db" if key == "virtual_host" else key: value for key, value in parse_qsl(parts.query)}
    return _socket_address("unix", parts.path, query)


def client(url: str, **options: Any) -> redis.Redis:
    """A client of that Redis; a call that gets no answer for half a minute fails."""
    options = {"socket_timeout": 30, "socket_keepalive": True, "protocol": 2} | options
    if plain(url).startswith("unix:"):
        options.pop("socket_keepalive")
    return redis.Redis.from_url(plain(url), **options)


class Target:
    """A kombu connection whose address behind `postroom+` is taken apart, as kombu's Redis channel wants to read it.

    The connection itself keeps its address whole, so that it can be shown and cloned.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._parts = _parts(connection)

    def __getattr__(self, name: str) -> Any:
        if name in self._parts:
            return self._parts[name]
        return getattr(self._connection, name)


def _parts(connection: Any) -> dict[str, Any]:
    address = connection.hostname or ""
    if "://" not in address:  # kombu took it apart already
        return {"ssl": _tls(connection, {})} if connection.transport_cls == "postroom+rediss" else {}
    if urlsplit(address).scheme in SOCKETS:
        return _socket_parts(address)
    return _tcp_parts(address, connection)


def _tcp_parts(address: str, connection: Any) -> dict[str, Any]:
    read = parse_url(address)
    parts = {name: read[name] for name in ("hostname", "port", "userid", "password", "virtual_host")}
    if read["transport"] == "rediss":
        parts["ssl"] = _tls(connection, read.get("ssl", {}))
    return parts


def _tls(connection: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Certificates are checked unless somebody says otherwise."""
    configured = connection.ssl if isinstance(connection.ssl, dict) else {}
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED} | configured | asked


def _socket_parts(address: str) -> dict[str, Any]:
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    database = query.pop("db", query.pop("virtual_host", None))
    return {"hostname": _socket_address("socket", parts.path, query), "virtual_host": database}


def _socket_address(scheme: str, path: str, query: dict[str, str]) -> str:
    return f"{scheme}://{path}" + (f"?{urlencode(query)}" if query else "")
