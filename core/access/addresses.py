"""Whose address a request comes from, when proxies may stand between.

Only what a trusted proxy says is believed: the addresses are read from the nearest one outwards, and the first
that is not a trusted proxy is the client. A stranger's own X-Forwarded-For is never looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Networks whose X-Forwarded-… headers are believed."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> TrustedProxies:
        """Raises ValueError for what is no address or network."""
        return cls(tuple(ip_network(text.strip(), strict=False) for text in texts))

    def __contains__(self, address: str) -> bool:
        try:
            parsed = ip_address(address.strip())
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None) or parsed
        return any(mapped in network for network in self.networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The client's address: the peer's own, unless the peer is a trusted proxy that names another."""
        nearest_first = [part.strip() for part in reversed(forwarded_for.split(",")) if part.strip()]
        client = peer
        for address in nearest_first:
            if client not in self or not _is_address(address):
                break
            client = address
        return client


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1)
def trusted() -> TrustedProxies:
    """The proxies that POSTROOM_TRUSTED_PROXIES names."""
    return TrustedProxies.of(settings.POSTROOM.trusted_proxies)


def of_scope(scope: Mapping[str, Any]) -> str:
    """The client's address of an ASGI scope."""
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return trusted().client(peer, ",".join(forwarded))
