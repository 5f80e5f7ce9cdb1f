"""The one client for addresses that others name: health checks, cards, webhooks.

Whoever may write an address could make Postroom call what only Postroom can reach. So a name is resolved once,
every address that it has must be public (or allowed by POSTROOM_OUTBOUND_ALLOW), and the connection goes to the
very address that was checked. Redirects are followed by the same rules, proxies of the environment are not used,
and time and size are limited as a whole.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SECONDS = 5.0
MOST_BYTES = 1024 * 1024
MOST_REDIRECTS = 3
PORTS = {"http": 80, "https": 443}
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Translates to any IPv4 address where such a gateway stands.
NAT64 = ip_network("64:ff9b::/96")


class OutboundError(Exception):
    """The address did not answer as it should. The text says why."""


class RefusedError(OutboundError):
    """Postroom does not call this address."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an address answered; header names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be called although it is not public: networks, and hosts by name or pattern."""

    networks: tuple[Network, ...] = ()
    hosts: tuple[str, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Allowed:
        networks = [found for entry in entries if (found := _network(entry))]
        return cls(tuple(networks), tuple(entry.lower() for entry in entries if not _network(entry)))

    def takes(self, host: str, address: Address) -> bool:
        named = any(fnmatchcase(host.lower(), pattern) for pattern in self.hosts)
        return named or any(address in network for network in self.networks)


def why_not(host: str, address: Address, allowed: Allowed) -> str:
    """Why this address of this host is not called, or nothing. Pure."""
    inner = _inner(address)
    if allowed.takes(host, address) or (inner != address and allowed.takes(host, inner)):
        return ""
    if inner.is_global and not inner.is_multicast:
        return ""
    remedy = "POSTROOM_OUTBOUND_ALLOW can allow the host or its network."
    return f"{host} is {address}, which is not a public address. {remedy}"


def get(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    most_bytes: int = MOST_BYTES,
) -> Reply:
    """Fetch, from a thread without an event loop. Raises OutboundError, and RefusedError before anything is sent."""
    return asyncio.run(aget(url, headers=headers, seconds=seconds, most_bytes=most_bytes))


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    seconds: float = SECONDS,
    most_bytes: int = MOST_BYTES,
) -> Reply:
    """Send, from a thread without an event loop, to this very address: what redirects is not followed, since the
    body was meant for nobody else. Raises OutboundError, and RefusedError before anything is sent."""
    return asyncio.run(_within(seconds, _send(url, body, dict(headers), most_bytes)))


async def aget(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    most_bytes: int = MOST_BYTES,
) -> Reply:
    """Fetch. Raises OutboundError, and RefusedError before anything is sent to an address that is not called."""
    return await _within(seconds, _follow(url, dict(headers or {}), most_bytes))


async def _within(seconds: float, asked: Coroutine[Any, Any, Reply]) -> Reply:
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except TimeoutError:
        raise OutboundError(f"It did not answer within {seconds:g} s.") from None
    except httpx.HTTPError as problem:
        raise OutboundError(str(problem) or type(problem).__name__) from None


async def _follow(url: str, headers: dict[str, str], most_bytes: int) -> Reply:
    allowed = Allowed.of(settings.POSTROOM.outbound_allow)
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=None) as client:  # noqa: S113
        for _ in range(MOST_REDIRECTS + 1):
            reply = await _ask(client, url, headers, allowed, most_bytes)
            where = reply.headers.get("location")
            if reply.status not in REDIRECTS or not where:
                return reply
            url = urljoin(url, where)
    raise OutboundError(f"It redirects more than {MOST_REDIRECTS} times.")


async def _send(url: str, body: bytes, headers: dict[str, str], most_bytes: int) -> Reply:
    allowed = Allowed.of(settings.POSTROOM.outbound_allow)
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=None) as client:  # noqa: S113
        return await _ask(client, url, headers, allowed, most_bytes, body)


async def _ask(
    client: httpx.AsyncClient,
    url: str,
    headers: dict[str, str],
    allowed: Allowed,
    most_bytes: int,
    body: bytes | None = None,
) -> Reply:
    """One request to the address that was checked; the name stays in the Host header and in the certificate."""
    scheme, host, port = _parts(url)
    address = await _resolve(host, port, allowed)
    direct = httpx.URL(url).copy_with(host=str(address), fragment=None)
    sent = headers | {"host": _authority(host, port, scheme), "accept-encoding": "identity"}
    method, extensions = "GET" if body is None else "POST", {"sni_hostname": host}
    request = client.build_request(method, direct, headers=sent, content=body, extensions=extensions)
    answer = await client.send(request, stream=True)
    try:
        body = await _read(answer, most_bytes)
    finally:
        await answer.aclose()
    names = {name.lower(): value for name, value in answer.headers.items()}
    return Reply(answer.status_code, names, body, url)


async def _read(answer: httpx.Response, most_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in answer.aiter_raw():
        size += len(part)
        if size > most_bytes:
            raise OutboundError(f"It answers with more than {most_bytes:,} bytes.")
        parts.append(part)
    return b"".join(parts)


async def _resolve(host: str, port: int, allowed: Allowed) -> Address:
    """The first of its addresses, when all of them may be called: one that may and one that may not is a trick."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OutboundError(f"There is no address for {host}.") from None
    addresses = [ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    for address in addresses:
        if why := why_not(host, address, allowed):
            raise RefusedError(why)
    if not addresses:
        raise OutboundError(f"There is no address for {host}.")
    return addresses[0]


def _parts(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError:
        raise RefusedError(f"{url[:200]} is no address.") from None
    if scheme not in PORTS or not host:
        raise RefusedError("Only http:// and https:// addresses are called.")
    if parts.username or parts.password:
        raise RefusedError("An address with a user name or password in it is not called.")
    return scheme, host, port or PORTS[scheme]


def _authority(host: str, port: int, scheme: str) -> str:
    named = f"[{host}]" if ":" in host else host
    return named if port == PORTS[scheme] else f"{named}:{port}"


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for: mapped, 6to4, Teredo or behind NAT64."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


def _network(entry: str) -> Network | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None


def json_of(reply: Reply) -> Any:
    """The body as JSON. Raises OutboundError."""
    import json

    try:
        return json.loads(reply.body)
    except ValueError:
        raise OutboundError("It does not answer with JSON.") from None
